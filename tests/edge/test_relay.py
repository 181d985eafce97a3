"""A stream that somebody else writes to its client, told and bounded like every other."""

import pytest
import trio
import trio.testing
from edge_under_test import (
    SERVER_KEY,
    EdgeUnderTest,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
)

from fh.edge.relay import Bearer, Relay, pieces
from fh.edge.request import OpenStream
from fh.wire.context_header import NO_CONTEXT
from fh.wire.sse import share_json

ASKED = OpenStream(SERVER_KEY, NO_CONTEXT, None)
LOOKUP = MemoryLookup({SERVER_KEY: granted([boolean("flag", True)])})


def opened(under_test: EdgeUnderTest) -> Relay:
    life = under_test.edge.life
    assert life is not None
    return life.open_relay(ASKED, Bearer.REQUEST, str)


async def names(relay: Relay, count: int) -> list[bytes]:
    events: list[bytes] = []
    with trio.fail_after(5):
        while len(events) < count:
            received = await relay.receive()
            assert received, "the stream ended early"
            events += received
    return [line for event in events for line in event.split(b"\n") if line.startswith(b"event:")]


async def test_it_receives_what_a_socket_would_in_order() -> None:
    async with edge_under_test(LOOKUP) as under_test:
        relay = opened(under_test)
        assert await names(relay, 2) == [b"event: ack", b"event: features"]
        await under_test.announce(boolean("flag", False, version=2))
        await under_test.announce(boolean("other", True))
        assert await names(relay, 2) == [b"event: feature"] * 2
        statistics = under_test.edge.statistics()
        assert statistics is not None
        assert statistics.streams == 1


async def test_closing_it_leaves_nothing_behind() -> None:
    async with edge_under_test(LOOKUP) as under_test:
        relay = opened(under_test)
        await names(relay, 2)
        life = under_test.edge.life
        assert life is not None
        life.engine.close(relay)
        assert relay.closed
        assert await relay.receive() == []
        life.engine.close(relay)
        statistics = under_test.edge.statistics()
        assert statistics is not None
        assert (statistics.streams, statistics.connections) == (0, 0)


async def test_who_takes_nothing_keeps_the_newest_of_each_feature_and_is_evicted_at_the_limit() -> (
    None
):
    async with edge_under_test(LOOKUP, slow_bytes=4096) as under_test:
        relay = opened(under_test)
        await names(relay, 2)
        for version in range(2, 100):
            await under_test.announce(boolean("flag", bool(version % 2), version=version))
        await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(5):
            (event,) = await relay.receive()
        assert b'"version":99' in event
        for number in range(100):
            await under_test.announce(boolean(f"flag{number}", True))
            await trio.testing.wait_all_tasks_blocked()
        assert relay.closed
        assert await relay.receive() == []


async def test_a_value_above_the_limit_costs_nobody_a_stream_who_takes_it() -> None:
    async with edge_under_test(LOOKUP, slow_bytes=4096) as under_test:
        relay = opened(under_test)
        await names(relay, 2)
        for version in range(1, 4):
            large = boolean(f"a{'b' * 5000}", True, version=version)
            await under_test.announce(large)
            with trio.fail_after(5):
                (event,) = await relay.receive()
            assert f'"version":{version}'.encode() in event
        assert not relay.closed


async def test_at_shutdown_it_hears_bye_and_ends() -> None:
    async with edge_under_test(LOOKUP) as under_test:
        relay = opened(under_test)
        await names(relay, 2)
        under_test.edge.drain()
        assert await names(relay, 1) == [b"event: bye"]
        with trio.fail_after(5):
            assert await relay.receive() == []


async def test_an_unknown_key_ends_after_a_while(autojump_clock) -> None:
    async with edge_under_test(MemoryLookup()) as under_test:
        relay = opened(under_test)
        assert await names(relay, 2) == [b"event: ack", b"event: failure"]
        began = trio.current_time()
        with trio.fail_after(30):
            assert await relay.receive() == []
        assert 0.5 <= trio.current_time() - began <= 3


async def test_who_takes_its_first_features_slowly_is_not_given_up_for_those_that_wait(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    async def take(relay: Relay) -> None:
        events: list[bytes] = []
        while not any(b"event: features" in event for event in events):
            events = await relay.receive()
            assert events, "it was given up"
        for _ in range(10):
            await trio.sleep(0.4)
            relay.progressed()
        taken.append(relay)
        await relay.receive()

    taken: list[Relay] = []
    async with edge_under_test(LOOKUP, first_at_once=1) as under_test:
        relays = [opened(under_test) for _ in range(6)]
        for relay in relays:
            nursery.start_soon(take, relay)
        with trio.fail_after(40):
            while len(taken) < len(relays):
                await trio.sleep(1)
                statistics = under_test.edge.statistics()
                assert statistics is not None
                assert statistics.stalled == 0
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ([], []),
        ([1, 2], [3]),
        ([1, 16_384, 2], [1, 16_384, 2]),
        ([1, 16_383, 2], [16_384, 2]),
        ([1, 40_000, 2], [1, 16_384, 16_384, 7_232, 2]),
    ],
)
def test_small_events_leave_together_and_large_ones_in_pieces(
    sizes: list[int], wanted: list[int]
) -> None:
    events = [bytes([number]) * size for number, size in enumerate(sizes)]
    cut = list(pieces(events))
    assert [len(piece) for piece in cut] == wanted
    assert b"".join(cut) == b"".join(events)


@pytest.mark.parametrize("bearer", Bearer)
def test_what_many_are_sent_is_copied_only_where_it_has_to_be_whole(bearer: Bearer) -> None:
    event = share_json("features", b"[]", "1")
    parts = Relay(print, bearer).framed_parts(event)
    assert b"".join(parts) == bytes(event)
    assert any(part is event.data for part in parts) == (bearer is not Bearer.SOCKET)
