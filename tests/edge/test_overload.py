"""Everybody comes back at once: one payload, served in turns, and nothing lost or doubled."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import trio
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
from msgspec import Raw, structs
from trio.testing import wait_all_tasks_blocked

from fh.contracts.answers import Denied
from fh.contracts.published import CacheEnvironmentFeature
from fh.edge import admission
from fh.edge.dismissal import Dismissal
from fh.edge.encoded import EncodedViews
from fh.edge.evaluation import FeatureStates
from fh.wire.sdk_json import Evaluation

HEAVY_BYTES = 400_000
"""More than a socket takes at once, at either end of it."""


def heavy(version: int = 1, size: int = HEAVY_BYTES) -> CacheEnvironmentFeature:
    plain = boolean("heavy", True, version=version)
    assert plain.value is not None
    text = Raw(json.dumps("x" * size).encode())
    return structs.replace(plain, value=structs.replace(plain.value, value=text))


def heavy_environment() -> MemoryLookup:
    view = granted([heavy(), boolean("dark", True)])
    return MemoryLookup({SERVER_KEY: view, CLIENT_KEY: view})


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever does not read keeps its turn: how soon a test goes on, nobody can promise."""
    monkeypatch.setattr(admission, "_STALLED_SECONDS", 3600)


@pytest.fixture(params=[False, True], ids=["epoll", "portable"])
def portable(request: pytest.FixtureRequest) -> bool:
    return request.param


async def features_of(stream: Client) -> dict[str, int]:
    """Return the versions of a stream's first features."""
    assert (await stream.event())[0] == "ack"
    name, _, data = await stream.event()
    assert name == "features"
    return {feature["key"]: feature["version"] for feature in json.loads(data)}


async def statistics_are(edge: EdgeUnderTest, **expected: int) -> None:
    with trio.fail_after(10):
        while True:
            now = edge.edge.statistics()
            if all(getattr(now, name) == count for name, count in expected.items()):
                return
            await trio.lowlevel.checkpoint()


async def all_of(
    streams: list[Client], do: Callable[[Client], Awaitable[object]]
) -> dict[Client, object]:
    found: dict[Client, object] = {}

    async def one(stream: Client) -> None:
        found[stream] = await do(stream)

    async with trio.open_nursery() as nursery:
        for stream in streams:
            nursery.start_soon(one, stream)
    return found


async def test_a_herd_is_served_in_turns_and_each_is_served_whole(portable: bool) -> None:
    async with edge_under_test(
        heavy_environment(), portable_engine=portable, first_at_once=3
    ) as edge:
        herd = [await edge.open_stream() for _ in range(12)]
        await statistics_are(edge, delivering=3, waiting=9, delivered=3)
        served = await all_of(herd, features_of)
        assert list(served.values()) == [{"heavy": 1, "dark": 1}] * 12
        await statistics_are(edge, delivering=0, waiting=0, delivered=12, streams=12)


async def test_all_are_sent_the_same_bytes_whatever_their_contexts_and_none_a_copy() -> None:
    async with edge_under_test(heavy_environment()) as edge:
        contexts = ["", "x-featurehub: userkey=ann\r\n", "x-featurehub: userkey=bob\r\n"]
        herd = [await edge.open_stream(headers=contexts[number % 3]) for number in range(9)]
        await statistics_are(edge, delivering=9)
        assert edge.edge.life is not None
        engine = edge.edge.life.engine
        assert HEAVY_BYTES < engine._admission.held_bytes < HEAVY_BYTES + 2000
        shared = {id(each.tail.obj) for each in engine._connections if each.tail is not None}
        assert len(shared) == 1
        ids = [(await stream.event(), (await stream.event())[1])[1] for stream in herd]
        # The bytes are one, what they say of the context is not.
        assert len(set(ids)) == 3
        await statistics_are(edge, delivering=0)
        assert engine._admission.held_bytes == 0


async def test_those_with_equal_contexts_are_evaluated_once_for_all() -> None:
    rolled = targeted_at("userkey", "ann", json.dumps("y" * HEAVY_BYTES).encode())
    lookup = MemoryLookup({SERVER_KEY: granted([rolled])})
    async with edge_under_test(lookup) as edge:
        herd = [await edge.open_stream(headers="x-featurehub: userkey=ann\r\n") for _ in range(5)]
        await statistics_are(edge, delivering=5)
        assert edge.edge.life is not None
        assert edge.edge.life.engine._admission.held_bytes < HEAVY_BYTES + 2000
        for stream in herd:
            await stream.event()
            assert json.loads((await stream.event())[2])[0]["value"] == "y" * HEAVY_BYTES


def test_what_an_evaluation_came_to_stands_for_a_second_and_for_that_context_only() -> None:
    views = EncodedViews(FeatureStates())
    view = granted([targeted_at("userkey", "ann", b'"hers"')])

    def features(name: str, now: float) -> bytes:
        context = {"userkey": (name,)}
        return views.features_lately(view, Evaluation.SERVER, context, now)

    hers = features("ann", 0.0)
    assert b'"hers"' in hers
    assert features("ann", 0.9) is hers
    assert b'"default"' in features("bob", 0.9)
    later = features("ann", 1.1)
    assert later == hers
    assert later is not hers


async def test_a_change_while_they_wait_comes_once_to_each_and_never_goes_back(
    portable: bool,
) -> None:
    async with edge_under_test(
        heavy_environment(), portable_engine=portable, first_at_once=2
    ) as edge:
        herd = [await edge.open_stream() for _ in range(8)]
        await statistics_are(edge, delivering=2, waiting=6)
        await edge.announce(boolean("dark", False, version=2))
        changed = granted([heavy(), boolean("dark", False, version=2)])
        edge.lookup.answers[SERVER_KEY] = changed

        async def versions_seen(stream: Client) -> list[int]:
            seen = [(await features_of(stream))["dark"]]
            while seen[-1] < 3:
                name, _, data = await stream.event()
                assert name == "feature"
                seen.append(json.loads(data)["version"])
            return seen

        async with trio.open_nursery() as nursery:
            found: list[list[int]] = []

            async def note(stream: Client) -> None:
                found.append(await versions_seen(stream))

            for stream in herd:
                nursery.start_soon(note, stream)
            await statistics_are(edge, waiting=0, delivering=0)
            await edge.announce(boolean("dark", True, version=3))
        assert sorted(found) == [[1, 2, 3]] * 2 + [[2, 3]] * 6
        assert all(older < newer for seen in found for older, newer in pairwise(seen))


async def test_those_that_never_read_do_not_hold_up_those_that_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "_STALLED_SECONDS", 0.2)
    async with edge_under_test(heavy_environment(), first_at_once=2) as edge:
        hostile = [await edge.open_stream() for _ in range(10)]
        healthy = await edge.open_stream()
        with trio.fail_after(8):
            assert await features_of(healthy) == {"heavy": 1, "dark": 1}
        # Two that are served, three that stand still for each of them, and the rest given up.
        assert edge.edge.statistics().delivering <= 8
        assert edge.edge.statistics().evicted >= 2
        assert len(hostile) == 10


async def test_a_client_that_has_everything_waits_for_nobody() -> None:
    async with edge_under_test(heavy_environment(), first_at_once=1) as edge:
        etag = edge.lookup.answers[SERVER_KEY].etag
        blocking = [await edge.open_stream() for _ in range(3)]
        await statistics_are(edge, delivering=1, waiting=2)
        current = await edge.open_stream(headers=f"Last-Event-ID: {etag}\r\n")
        await statistics_are(edge, streams=4, delivering=1, waiting=2)
        await edge.announce(boolean("dark", False, version=2))
        assert (await current.event())[0] == "feature"
        assert len(blocking) == 3


async def test_whoever_leaves_the_queue_is_forgotten_and_so_is_an_environment_of_none_else() -> (
    None
):
    other = replace(SERVER_KEY, environment_id=CLIENT_KEY.environment_id, secret="other" * 8)
    lookup = heavy_environment()
    lookup.answers[other] = lookup.answers[SERVER_KEY]
    async with edge_under_test(lookup, first_at_once=1) as edge:
        served = await edge.open_stream()
        leavers = [await edge.open_stream(other) for _ in range(3)]
        await statistics_are(edge, delivering=1, waiting=3)
        for leaver in leavers:
            leaver.stream.socket.close()
        await statistics_are(edge, waiting=0, streams=1)
        assert edge.edge.life is not None
        [ref] = edge.edge.life._subscriptions._refs.values()
        await wait_all_tasks_blocked()
        assert [each.key for each in ref._cell.actor._keys.values()] == [SERVER_KEY]
        assert await features_of(served) == {"heavy": 1, "dark": 1}


async def test_a_key_that_ends_while_they_wait_ends_them_with_the_final_word() -> None:
    async with edge_under_test(heavy_environment(), first_at_once=1) as edge:
        served, waits = await edge.open_stream(), await edge.open_stream()
        await statistics_are(edge, delivering=1, waiting=1)
        edge.lookup.answers[SERVER_KEY] = Denied()
        await features_of(served)
        assert (await waits.event())[0] == "ack"
        assert (await waits.event())[0] == "failure"
        await statistics_are(edge, waiting=0)


async def test_a_key_that_nobody_can_tell_about_any_more_goes_on_waiting() -> None:
    async with edge_under_test(heavy_environment(), first_at_once=1) as edge:
        served, waits = await edge.open_stream(), await edge.open_stream()
        await statistics_are(edge, delivering=1, waiting=1)
        edge.lookup.cold = True
        await features_of(served)
        assert await features_of(waits) == {"heavy": 1, "dark": 1}
        assert edge.lookup.asked == 1


async def test_nobody_is_told_goodbye_before_the_first_features() -> None:
    # The JavaScript SDK takes the end of a stream before that for a failure, for good.
    async with edge_under_test(heavy_environment(), first_at_once=1, drop_after_seconds=1) as edge:
        slow, waits = await edge.open_stream(), await edge.open_stream()
        await statistics_are(edge, delivering=1, waiting=1)
        etag = edge.lookup.answers[SERVER_KEY].etag
        lived = await edge.open_stream(headers=f"Last-Event-ID: {etag}\r\n")
        assert (await lived.event())[0] == "bye"
        # The others came before, and so have lived as long.
        for stream in (slow, waits):
            assert await features_of(stream) == {"heavy": 1, "dark": 1}
            assert (await stream.event())[0] == "bye"


async def test_when_the_queue_is_full_the_next_is_told_to_come_back() -> None:
    async with edge_under_test(heavy_environment(), first_at_once=1, first_waiting=2) as edge:
        herd = [await edge.open_stream() for _ in range(3)]
        await statistics_are(edge, delivering=1, waiting=2)
        refused = await edge.connect()
        path = f"/features/{SERVER_KEY.environment_id}/{SERVER_KEY.secret}"
        await refused.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        status, headers, _ = await refused.answer()
        assert status == 503
        assert 1 <= int(headers["retry-after"]) <= 30
        assert edge.edge.statistics().refused_busy == 1
        await all_of(herd, features_of)
        assert await features_of(await edge.open_stream()) == {"heavy": 1, "dark": 1}


@pytest.mark.parametrize("first_at_once", [1, 10])
async def test_at_shutdown_those_that_are_being_served_are_served_to_the_end(
    first_at_once: int,
) -> None:
    async with edge_under_test(
        heavy_environment(), first_at_once=first_at_once, grace_seconds=1
    ) as edge:
        herd = [await edge.open_stream() for _ in range(4)]
        await statistics_are(edge, delivering=min(4, first_at_once))
        edge.edge.drain()

        async def names(stream: Client) -> list[str]:
            heard = [(await stream.event())[0]]
            while heard[-1] != "end":
                heard.append((await stream.event())[0])
            return heard

        heard = await all_of(herd, names)
    whole = ["ack", "features", "bye", "end"]
    assert list(heard.values()).count(whole) >= min(4, first_at_once)
    assert all(each in (whole, ["ack", "bye", "end"]) for each in heard.values())


async def test_those_whose_key_pauses_while_they_wait_are_told_to_come_back() -> None:
    async with edge_under_test(heavy_environment(), first_at_once=1) as edge:
        first, *herd = [await edge.open_stream() for _ in range(4)]
        await statistics_are(edge, delivering=1, waiting=3)
        edge.edge.orders.pause(SERVER_KEY, 60)
        edge.edge.obey()
        assert edge.edge.dismiss(Dismissal(whom=SERVER_KEY)) == 1
        assert await features_of(first) == {"heavy": 1, "dark": 1}
        for stream in (first, *herd):
            names = [(await stream.event())[0]]
            while names[-1] != "end":
                names.append((await stream.event())[0])
            assert names in (["bye", "end"], ["ack", "bye", "end"])
