"""The same under asyncio and under trio: against a real Edge, and against scripted servers."""

import itertools

import anyio
import pytest
from real_edge import KEY, url_of

from bench.baselines.frame import FEATURE_KEY
from bench.client.refused import Refused
from bench.client.stream import open_stream
from tests.bench.scripted import HEAD, chunk, feature, feature_event, features_event, scripted

pytestmark = pytest.mark.parametrize("backend", ["asyncio", "trio"])

NUMBERS = itertools.count(1)
"""Of what is published: an Edge tells nobody of an older one, whichever test comes first."""


def run(backend, work):
    async def in_time():
        with anyio.fail_after(30):
            await work()

    anyio.run(in_time, backend=backend)


async def named(stream, name):
    while (event := await stream.receive()).name != name:
        pass
    return event


def test_a_stream_of_a_real_edge_is_told_everything_and_then_each_change(backend, real_edge):
    number = next(NUMBERS)

    async def work():
        async with open_stream(url_of(real_edge), KEY, context={"userkey": ["irina"]}) as stream:
            listed = await named(stream, "features")
            assert FEATURE_KEY in {each.key for each in listed.features}
            real_edge.publish(number)
            changed = await named(stream, "feature")
            assert changed.features[0].version == number
            assert stream.held.versions[FEATURE_KEY] == number
            assert stream.held.complaints == []
            assert stream.last_event_id == changed.event_id != ""

    run(backend, work)


def test_a_key_that_a_real_edge_does_not_know_is_refused(backend, real_edge):
    async def work():
        async with open_stream(url_of(real_edge), KEY[:-1]) as stream:
            with pytest.raises(Refused):
                async for _ in stream:
                    pass

    run(backend, work)


def test_a_stream_that_ended_comes_back_with_its_last_event_id(backend):
    first = HEAD + features_event(feature(1), event_id="one") + chunk("event: bye\ndata: {}\n\n")
    again = HEAD + feature_event(2, event_id="two")

    async def work(server):
        async with open_stream(server.url, "env/key") as stream:
            assert [event.name for event in [await stream.receive() for _ in range(3)]] == [
                "features",
                "bye",
                "feature",
            ]
            assert stream.connects == 2
            assert stream.held.versions == {"flag": 2}

    with scripted([first, again]) as server:
        run(backend, lambda: work(server))
        assert b"last-event-id" not in server.requests[0].lower()
        assert b"last-event-id: one\r\n" in server.requests[1].lower()


def test_an_answer_of_503_is_no_reason_to_stop(backend):
    unwell = b"HTTP/1.1 503 no\r\ncontent-length: 0\r\n\r\n"

    async def work(server):
        async with open_stream(server.url, "env/key") as stream:
            assert (await stream.receive()).name == "features"

    with scripted([unwell, b"", HEAD + features_event(feature(1))]) as server:
        run(backend, lambda: work(server))
        assert len(server.requests) == 3


def test_an_answer_of_404_is_one(backend):
    async def work(server):
        async with open_stream(server.url, "env/key") as stream:
            with pytest.raises(Refused, match="404") as refused:
                await stream.receive()
            assert refused.value.status == 404

    with scripted([b"HTTP/1.1 404 no\r\ncontent-length: 0\r\n\r\n"]) as server:
        run(backend, lambda: work(server))


def test_versions_that_go_back_are_noticed_over_connections(backend):
    first = HEAD + features_event(feature(3))

    async def work(server):
        async with open_stream(server.url, "env/key") as stream:
            await stream.receive()
            await stream.receive()
            assert stream.held.complaints == ["flag went from 3 back to 2"]

    with scripted([first, HEAD + features_event(feature(2))]) as server:
        run(backend, lambda: work(server))
