"""The fan-out on socket pairs, with more streams than are served in one turn."""

import os
import socket
import time
from collections.abc import Hashable, Iterator, Mapping
from contextlib import ExitStack
from itertools import pairwise

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from fh.edge import fanout
from fh.edge.connection import CLOSED, Connection
from fh.edge.fanout import Audience, FanOut
from fh.wire.sse import chunk


class Stage:
    """Streams whose other ends the test reads."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.refused: list[Connection] = []
        self.kept: list[tuple[Connection, Mapping[Hashable, bytes]]] = []
        self.emptied = 0
        self.fan_out = FanOut(
            on_refused=lambda connection, data, written: self.refused.append(connection),
            on_broken=self.close,
            on_slow=lambda connection, events: self.kept.append((connection, events.bare)),
        )

    def audience(self) -> Audience:
        return Audience(self)

    def note_empty(self, _: Audience) -> None:
        self.emptied += 1

    def join(self, audience: Audience) -> tuple[Connection, socket.socket]:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
            self._stack.callback(end.close)
        connection = Connection(ours.fileno())
        audience.join(connection)
        return connection, theirs

    def close(self, connection: Connection) -> None:
        connection.descriptor = CLOSED
        if connection.audience is not None:
            connection.audience.leave(connection)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(stack)


def everything(reader: socket.socket) -> bytes:
    try:
        return reader.recv(65536)
    except BlockingIOError:
        return b""


def fill(descriptor: int) -> None:
    while True:
        os.write(descriptor, b"x" * 65536)


async def test_a_small_audience_is_served_at_once(stage: Stage) -> None:
    audience = stage.audience()
    _, reader = stage.join(audience)
    stage.fan_out.publish(audience, "dark", b"one")
    assert everything(reader) == chunk(b"one")


async def test_what_waits_leaves_as_one_write_with_the_newest_of_each_key(
    stage: Stage, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "_AT_ONCE", 0)
    audience = stage.audience()
    _, reader = stage.join(audience)
    for key, frame in (("a", b"a1"), ("b", b"b1"), ("a", b"a2")):
        stage.fan_out.publish(audience, key, frame)
    assert everything(reader) == b""
    nursery.start_soon(stage.fan_out.run)
    await trio.testing.wait_all_tasks_blocked()
    assert everything(reader) == chunk(b"b1a2")
    assert stage.fan_out.broadcasts == 1


async def test_many_small_audiences_give_way_as_one_large_does(
    stage: Stage, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "_WRITES_PER_TURN", 3)
    stage.fan_out = FanOut(on_refused=print, on_broken=stage.close, on_slow=print)
    audiences = [stage.audience() for _ in range(30)]
    readers = [stage.join(audience)[1] for audience in audiences]
    for audience in audiences:
        stage.fan_out.publish(audience, "dark", b"one")
    assert stage.fan_out.deliveries == 3
    seen: list[int] = []

    async def look() -> None:
        while stage.fan_out.deliveries < 30:
            seen.append(stage.fan_out.deliveries)
            await trio.lowlevel.checkpoint()

    nursery.start_soon(stage.fan_out.run)
    nursery.start_soon(look)
    with trio.fail_after(5):
        await trio.testing.wait_all_tasks_blocked()
    # Two of its turns may come between two looks: the order within a tick is not fixed.
    assert all(later - earlier <= 6 for earlier, later in pairwise([*seen, 30]))
    assert [everything(reader) for reader in readers] == [chunk(b"one")] * 30
    stage.fan_out.publish(audiences[0], "dark", b"two")
    assert everything(readers[0]) == chunk(b"two")


async def test_an_audience_that_everybody_left_while_it_waited_is_passed_over(
    stage: Stage, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "_AT_ONCE", 0)
    deserted, other = stage.audience(), stage.audience()
    connection, _ = stage.join(deserted)
    _, reader = stage.join(other)
    stage.fan_out.publish(deserted, "dark", b"one")
    stage.fan_out.publish(other, "dark", b"one")
    stage.close(connection)
    nursery.start_soon(stage.fan_out.run)
    await trio.testing.wait_all_tasks_blocked()
    assert everything(reader) == chunk(b"one")
    assert stage.fan_out.deliveries == 1


async def test_who_leaves_during_a_fan_out_is_skipped_and_who_joins_is_not_served(
    stage: Stage, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "_AT_ONCE", 0)
    monkeypatch.setattr(fanout, "_WRITES_PER_TURN", 1)
    audience = stage.audience()
    streams = [stage.join(audience) for _ in range(6)]
    late: list[socket.socket] = []

    async def meddle() -> None:
        """Run between two turns of the fan-out, as other tasks do."""
        while not stage.fan_out.deliveries:
            await trio.lowlevel.checkpoint()
        for connection, _ in streams[3:5]:
            stage.close(connection)
        late.append(stage.join(audience)[1])

    stage.fan_out.publish(audience, "dark", b"one")
    nursery.start_soon(stage.fan_out.run)
    nursery.start_soon(meddle)
    await trio.testing.wait_all_tasks_blocked()
    served = [everything(reader) for _, reader in streams]
    assert served[:3] == [chunk(b"one")] * 3
    assert served[5] == chunk(b"one")
    assert everything(late[0]) == b""
    assert audience.live == 5
    assert [member.index for member in audience.members] == list(range(5))
    stage.fan_out.publish(audience, "dark", b"two")
    await trio.testing.wait_all_tasks_blocked()
    assert everything(late[0]) == chunk(b"two")


async def test_a_closed_member_is_never_written_to_though_its_number_was_given_away(
    stage: Stage,
) -> None:
    audience = stage.audience()
    connection, _ = stage.join(audience)
    stage.join(audience)
    number = connection.descriptor
    successor_ours, successor_theirs = socket.socketpair()
    successor_theirs.setblocking(False)
    audience.visit()
    stage.close(connection)
    os.dup2(successor_ours.fileno(), number)
    audience.unvisit()
    stage.fan_out.publish(audience, "dark", b"one")
    assert everything(successor_theirs) == b""
    successor_ours.close()
    successor_theirs.close()


async def test_broken_and_full_sockets_are_reported_and_slow_ones_get_their_events_kept(
    stage: Stage, nursery: trio.Nursery
) -> None:
    audience = stage.audience()
    broken, theirs = stage.join(audience)
    full, _ = stage.join(audience)
    slow, _ = stage.join(audience)
    slow.tail = memoryview(b"rest")
    theirs.close()
    with pytest.raises(BlockingIOError):
        fill(full.descriptor)
    nursery.start_soon(stage.fan_out.run)
    stage.fan_out.publish(audience, "dark", b"one")
    await trio.testing.wait_all_tasks_blocked()
    assert broken.descriptor == CLOSED
    assert stage.refused == [full]
    assert stage.kept == [(slow, {"dark": b"one"})]
    assert audience.live == 2


async def test_a_burst_is_kept_as_one_for_whoever_has_something_waiting(
    stage: Stage, nursery: trio.Nursery
) -> None:
    audience = stage.audience()
    slow, _ = stage.join(audience)
    slow.tail = memoryview(b"rest")
    nursery.start_soon(stage.fan_out.run)
    for key, event in (("a", b"a1"), ("b", b"b1"), ("a", b"a2")):
        stage.fan_out.publish(audience, key, event)
    await trio.testing.wait_all_tasks_blocked()
    assert stage.kept == [(slow, {"b": b"b1", "a": b"a2"})]


async def test_an_audience_says_when_it_is_empty_and_nothing_is_published_to_it(
    stage: Stage,
) -> None:
    audience = stage.audience()
    connection, _ = stage.join(audience)
    stage.close(connection)
    stage.fan_out.publish(audience, "dark", b"one")
    assert stage.emptied == 1
    assert stage.fan_out.broadcasts == 0


@given(st.lists(st.integers(min_value=0, max_value=9), max_size=60), st.booleans())
def test_members_keep_their_index_whoever_leaves(choices: list[int], visited: bool) -> None:
    with ExitStack() as stack:
        audience = Stage(stack).audience()
    present: list[Connection] = []
    for choice in choices:
        if visited and len(present) == 5:
            audience.visit()
        if choice < 6 or not present:
            connection = Connection(1000 + choice)
            audience.join(connection)
            present.append(connection)
        else:
            leaver = present.pop(choice % len(present))
            leaver.descriptor = CLOSED
            audience.leave(leaver)
    audience.unvisit()
    assert audience.live == len(present)
    assert set(map(id, audience.members)) == set(map(id, present))
    assert all(audience.members[member.index] is member for member in present)


def moments(stage: Stage) -> int:
    return sum(stage.fan_out.propagation.durations().counts)


async def test_a_change_that_left_at_once_is_measured_at_once(stage: Stage) -> None:
    audience = stage.audience()
    stage.join(audience)
    stage.fan_out.publish(audience, "dark", b"one")
    stage.fan_out.mark(time.time() - 2)
    durations = stage.fan_out.propagation.durations()
    assert moments(stage) == 1
    assert 2 <= durations.total_seconds < 2.5


async def test_a_change_is_measured_after_its_last_write(
    stage: Stage, nursery: trio.Nursery
) -> None:
    audiences = [stage.audience() for _ in range(3)]
    readers = [
        stage.join(audience)[1] for audience in audiences for _ in range(fanout._AT_ONCE + 1)
    ]
    nursery.start_soon(stage.fan_out.run)
    for audience in audiences:
        stage.fan_out.publish(audience, "dark", b"one")
    stage.fan_out.mark(time.time())
    assert moments(stage) == 0
    later = stage.audience()
    stage.join(later)
    stage.fan_out.publish(later, "dark", b"two")
    stage.fan_out.mark(time.time() - 100)
    stage.fan_out.mark(time.time() - 200)
    await trio.testing.wait_all_tasks_blocked()
    assert all(everything(reader) == chunk(b"one") for reader in readers)
    # The last two changes left together: they are one, from the oldest.
    assert moments(stage) == 2
    assert 200 <= stage.fan_out.propagation.durations().total_seconds < 210
    nursery.cancel_scope.cancel()
