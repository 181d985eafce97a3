"""Garbage is looked for when nothing is written, and not when Python happens to think so."""

import gc
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import trio
import trio.testing

from fh.edge import fanout, garbage
from fh.edge.connection import Connection
from fh.edge.fanout import Audience, FanOut
from fh.edge.garbage import collect_garbage, collect_once

FULL = 2


class Cycle:
    """Garbage that only a look for it finds."""

    def __init__(self) -> None:
        self.itself = self


class Nobody:
    """Does not care who is left."""

    def note_empty(self, audience: Audience) -> None:
        """See `AudienceOwner`."""


@contextmanager
def looks_of(generation: int) -> Iterator[list[int]]:
    """Collect how much each look at a generation found."""
    found: list[int] = []

    def note(phase: str, facts: dict[str, int]) -> None:
        if phase == "stop" and facts["generation"] == generation:
            found.append(facts["collected"])

    gc.callbacks.append(note)
    try:
        yield found
    finally:
        gc.callbacks.remove(note)
        gc.unfreeze()


async def look_every_minute(nursery: trio.Nursery, *, writing: bool = False) -> list[bool]:
    """Start what looks for garbage; whether something is written is in what is returned."""
    state = [writing]
    await nursery.start(collect_garbage, lambda: state[0])
    return state


async def test_a_broadcast_that_litters_is_not_stopped_for_a_full_look(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "_WRITES_PER_TURN", 10)
    litter: list[list[object]] = []
    with ExitStack() as stack, looks_of(FULL) as full:
        fan_out = FanOut(
            # Each client is slow: the worst that a broadcast can leave behind.
            on_refused=lambda *_: litter.append([[] for _ in range(5_000)]),
            on_broken=lambda _: None,
            on_slow=lambda *_: None,
        )
        audience = Audience(Nobody())
        for _ in range(100):
            ours, theirs = socket.socketpair()
            for end in (ours, theirs):
                end.setblocking(False)
                stack.callback(end.close)
            while True:
                try:
                    ours.send(b"x" * 65536)
                except BlockingIOError:
                    break
            audience.join(Connection(ours.fileno()))
        await look_every_minute(nursery)
        nursery.start_soon(fan_out.run)
        full.clear()
        fan_out.publish(audience, "key", b"event")
        assert fan_out.is_writing
        await trio.testing.wait_all_tasks_blocked()
        assert not fan_out.is_writing
        assert len(litter) == 100
        assert full == []
        nursery.cancel_scope.cancel()


async def test_garbage_is_found_within_a_minute(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    with looks_of(FULL) as full:
        await look_every_minute(nursery)
        Cycle()
        await trio.sleep(61)
        assert len(full) == 1
        assert full[0] >= 1
        nursery.cancel_scope.cancel()


async def test_a_look_waits_for_the_end_of_a_broadcast(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    with looks_of(FULL) as full:
        writing = await look_every_minute(nursery, writing=True)
        await trio.sleep(90)
        assert full == []
        writing[0] = False
        await trio.sleep(1)
        assert len(full) == 1
        nursery.cancel_scope.cancel()


async def test_what_lived_at_the_last_look_is_looked_at_by_a_thorough_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The process of all these tests has very much alive itself.
    monkeypatch.setattr(garbage, "_MOST_LOOKED_AT", sys.maxsize)
    with looks_of(FULL) as full:
        old = Cycle()
        collect_once(thorough=False)
        assert gc.get_freeze_count() > 0
        del old
        collect_once(thorough=False)
        quick = full[-1]
        collect_once(thorough=True)
        assert full[-1] > quick


async def test_where_very_much_lives_no_look_is_thorough(monkeypatch: pytest.MonkeyPatch) -> None:
    with looks_of(FULL) as full:
        old = Cycle()
        collect_once(thorough=False)
        del old
        collect_once(thorough=False)
        quick = full[-1]
        monkeypatch.setattr(garbage, "_MOST_LOOKED_AT", 0)
        collect_once(thorough=True)
        assert full[-1] <= quick
        monkeypatch.setattr(garbage, "_MOST_LOOKED_AT", sys.maxsize)
        collect_once(thorough=True)
        assert full[-1] > quick


async def test_afterwards_python_looks_as_it_did_before(nursery: trio.Nursery) -> None:
    before = gc.get_threshold()
    async with trio.open_nursery() as inner:
        await look_every_minute(inner)
        assert gc.get_threshold()[FULL] == garbage._NEVER
        inner.cancel_scope.cancel()
    assert gc.get_threshold() == before
