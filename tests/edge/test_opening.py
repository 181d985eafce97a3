"""Streams whose request came before, byte for byte: opened the short way, by the same rules."""

import json

import pytest
import trio
import trio.testing
from edge_under_test import (
    CLIENT_KEY,
    SERVER_KEY,
    Client,
    EdgeUnderTest,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
    targeted_at,
)

from fh.contracts.answers import Denied


def flags() -> MemoryLookup:
    view = granted([boolean("dark", True)])
    return MemoryLookup({CLIENT_KEY: view, SERVER_KEY: view})


async def remembered(edge: EdgeUnderTest, headers: str = "") -> Client:
    """Return a stream of which the request has come often enough."""
    others = edge.edge.statistics().streams
    for _ in range(2):
        await (await edge.open_stream(headers=headers)).stream.aclose()
        with trio.fail_after(5):  # or it would still count
            while edge.edge.statistics().streams > others:
                await trio.testing.wait_all_tasks_blocked()
    assert edge.edge.life is not None
    assert len(edge.edge.life._openings) == 1
    return await edge.open_stream(headers=headers)


async def first_values(stream: Client) -> dict[str, object]:
    assert (await stream.event())[0] == "ack"
    name, _, data = await stream.event()
    assert name == "features"
    return {feature["key"]: feature["value"] for feature in json.loads(data)}


async def test_it_is_sent_the_features_of_this_moment_and_every_change() -> None:
    lookup = flags()
    async with edge_under_test(lookup) as edge:
        stream = await remembered(edge)
        assert await first_values(stream) == {"dark": True}
        await edge.announce(boolean("dark", False, version=2))
        assert (await stream.event())[0] == "feature"
        assert await first_values(await edge.open_stream()) == {"dark": False}


async def test_what_it_still_holds_is_not_sent_again() -> None:
    async with edge_under_test(flags()) as edge:
        first = await edge.open_stream()
        await first.event()
        _, event_id, _ = await first.event()
        stream = await remembered(edge, f"last-event-id: {event_id}\r\n")
        await edge.announce(boolean("dark", False, version=2))
        assert (await stream.event())[0] == "feature"


@pytest.mark.parametrize("event_id", ["junk", "0", "-", "a" * 33, '"junk"'])
async def test_who_holds_nothing_of_ours_is_new_and_told_at_once_that_it_is_served(
    event_id: str,
) -> None:
    async with edge_under_test(flags()) as edge:
        stream = await edge.open_stream(headers=f"last-event-id: {event_id}\r\n")
        assert await first_values(stream) == {"dark": True}


async def test_who_holds_what_is_old_is_sent_what_is_new_without_more_words() -> None:
    async with edge_under_test(flags()) as edge:
        stream = await edge.open_stream(headers=f"last-event-id: {'5' * 32}1\r\n")
        assert (await stream.event())[0] == "features"


async def test_each_context_gets_its_own_values() -> None:
    view = granted([targeted_at("userkey", "fred", b'"for fred"')])
    async with edge_under_test(MemoryLookup({SERVER_KEY: view})) as edge:
        values = []
        for user in ("fred", "wilma", "fred", "wilma", "fred", "wilma"):
            stream = await edge.open_stream(headers=f"x-featurehub: userkey={user}\r\n")
            values.append(tuple((await first_values(stream)).values()))
        assert values[:2] * 3 == values
        assert values[0] != values[1]


async def test_a_key_that_was_revoked_since_is_refused() -> None:
    lookup = flags()
    async with edge_under_test(lookup) as edge:
        await remembered(edge)
        lookup.answers[SERVER_KEY] = Denied()
        stream = await edge.open_stream()
        assert [(await stream.event())[0] for _ in range(2)] == ["ack", "failure"]


async def test_it_is_turned_away_like_any_other_where_there_is_no_room() -> None:
    async with edge_under_test(flags(), streams_per_key=2) as edge:
        streams = [await remembered(edge), await edge.open_stream()]
        for stream in streams:
            await stream.event()
        refused = await edge.connect()
        with trio.fail_after(5):
            await refused.send(
                f"GET /features/{SERVER_KEY.environment_id}/{SERVER_KEY.secret} HTTP/1.1\r\n"
                "Host: x\r\naccept: text/event-stream\r\n\r\n".encode()
            )
            status, headers, _ = await refused.answer()
        assert status == 503
        assert int(headers["retry-after"]) >= 1
