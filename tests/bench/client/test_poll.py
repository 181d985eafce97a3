"""The same under asyncio and under trio."""

import itertools

import anyio
import pytest
from real_edge import KEY, url_of

from bench.baselines.frame import ENVIRONMENT_ID, FEATURE_KEY
from bench.client.events import Unreadable
from bench.client.poll import Unavailable, open_poll
from bench.client.refused import Refused
from tests.bench.scripted import scripted

pytestmark = pytest.mark.parametrize("backend", ["asyncio", "trio"])

NUMBERS = itertools.count(101)
"""Of what is published: an Edge tells nobody of an older one, whichever test comes first."""


def answer(status, body="", headers=""):
    return (
        f"HTTP/1.1 {status} so\r\n{headers}content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        f"{body}"
    ).encode()


def run(backend, work):
    async def in_time():
        with anyio.fail_after(30):
            await work()

    anyio.run(in_time, backend=backend)


def test_a_real_edge_tells_once_until_something_changes(backend, real_edge):
    number = next(NUMBERS)

    async def work():
        async with open_poll(url_of(real_edge), KEY, context={"userkey": ["irina"]}) as poll:
            (environment,) = await poll.ask()
            assert environment.id == ENVIRONMENT_ID
            assert await poll.ask() is None
            real_edge.publish(number)
            while (told := await poll.ask()) is None:
                pass
            versions = {each.key: each.version for each in told[0].features}
            assert versions[FEATURE_KEY] == number
            assert poll.held[ENVIRONMENT_ID].versions == versions
            assert poll.held[ENVIRONMENT_ID].complaints == []

    run(backend, work)


def test_an_unknown_key_is_refused(backend, real_edge):
    async def work():
        async with open_poll(url_of(real_edge), KEY[:-1]) as poll:
            with pytest.raises(Refused):
                await poll.ask()

    run(backend, work)


@pytest.mark.parametrize(
    ("said", "raised"),
    [(answer(503), Unavailable), (b"", Unavailable), (answer(200, "{}"), Unreadable)],
)
def test_what_is_no_answer_is_told_apart(backend, said, raised):
    async def work(server):
        async with open_poll(server.url, "env/key") as poll:
            with pytest.raises(raised):
                await poll.ask()

    with scripted([said], hold_last=False) as server:
        run(backend, lambda: work(server))


def test_an_answer_of_236_is_the_last(backend):
    body = '[{"id":"env","features":[{"key":"a","version":1}]}]'

    async def work(server):
        async with open_poll(server.url, "env/key") as poll:
            await poll.ask()
            assert poll.stopped
            assert poll.etag == '"tag"'

    with scripted([answer(236, body, 'etag: "tag"\r\n')], hold_last=False) as server:
        run(backend, lambda: work(server))
        assert b"apiKey=env%2Fkey" in server.requests[0] or b"apiKey=env/key" in server.requests[0]
