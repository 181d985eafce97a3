"""Turns to be sent first features: in order, bounded, and not held up by who takes nothing."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from fh.edge.admission import Admission
from fh.edge.connection import Connection
from fh.edge.settings import EdgeSettings

PAYLOAD = b"features of one environment"


class Stage:
    """An admission, and who comes and goes: numbered connections, and when they took something."""

    def __init__(self, **settings: float) -> None:
        self.turns: list[int] = []
        self.departed: list[int] = []
        self.given_up: list[int] = []
        self.late: list[int] = []
        self.progress: dict[Connection, float] = {}
        self.serves_with: bytes | None = PAYLOAD
        self.admission = Admission(
            EdgeSettings(**settings),
            progressed_at=self.progress.get,
            on_stalled=lambda connection, _: self.given_up.append(connection.descriptor),
            on_late=lambda connection: self.late.append(connection.descriptor),
        )

    def turn_came(self, connection: Connection) -> None:
        self.turns.append(connection.descriptor)
        if self.serves_with is not None:
            self.admission.begin(connection, self.serves_with)

    def left(self, connection: Connection) -> None:
        self.departed.append(connection.descriptor)

    def come(self, numbers: range) -> list[Connection]:
        """Have streams come; those that need not wait are served at once."""
        connections = [Connection(number) for number in numbers]
        for connection in connections:
            if self.admission.enter(connection, self):
                self.turn_came(connection)
        return connections


async def test_only_so_many_are_served_at_a_time_and_the_others_in_order(
    nursery: trio.Nursery,
) -> None:
    stage = Stage(first_at_once=2)
    nursery.start_soon(stage.admission.run)
    connections = stage.come(range(6))
    assert stage.turns == [0, 1]
    assert (stage.admission.under_way, stage.admission.waiting) == (2, 4)
    await wait_all_tasks_blocked()
    assert stage.turns == [0, 1]
    for done, due in enumerate(range(2, 6)):
        stage.admission.finish(connections[done])
        await wait_all_tasks_blocked()
        assert stage.turns[-1] == due
    assert stage.admission.begun == 6
    for connection in connections:
        stage.admission.finish(connection)
    assert (stage.admission.under_way, stage.admission.held_bytes) == (0, 0)
    nursery.cancel_scope.cancel()


async def test_whoever_comes_does_not_overtake_those_that_wait(nursery: trio.Nursery) -> None:
    stage = Stage(first_at_once=1)
    first, second = stage.come(range(2))
    stage.admission.finish(first)
    # There is room, but the turn is another's.
    [third] = stage.come(range(2, 3))
    assert stage.turns == [0]
    nursery.start_soon(stage.admission.run)
    await wait_all_tasks_blocked()
    assert stage.turns == [0, 1]
    assert stage.admission.has(third)
    assert stage.admission.has(second)
    nursery.cancel_scope.cancel()


async def test_what_many_are_sent_counts_once_and_different_things_are_bounded() -> None:
    stage = Stage(first_bytes=len(PAYLOAD) + 1)
    stage.come(range(10))
    assert stage.admission.held_bytes == len(PAYLOAD)
    stage.serves_with = b"another environment, as heavy"
    assert len(stage.come(range(10, 12))) == 2
    assert stage.turns == [*range(11)]
    assert stage.admission.waiting == 1


async def test_one_payload_may_weigh_more_than_all_may() -> None:
    stage = Stage(first_bytes=1)
    stage.come(range(3))
    assert stage.turns == [0, 1, 2]


async def test_those_that_take_nothing_hold_up_nobody(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    stage = Stage(first_at_once=2)
    nursery.start_soon(stage.admission.run)
    connections = stage.come(range(4))
    stage.progress[connections[0]] = 0.4
    await trio.sleep(0.8)
    # The second stood still from the start, the first until half a second ago.
    assert stage.turns == [0, 1, 2]
    await trio.sleep(0.3)
    assert stage.turns == [0, 1, 2, 3]
    assert stage.given_up == []
    assert stage.admission.under_way == 4
    nursery.cancel_scope.cancel()


async def test_of_too_many_that_take_nothing_those_who_stood_still_longest_are_given_up(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    stage = Stage(first_at_once=1)
    nursery.start_soon(stage.admission.run)
    connections = stage.come(range(8))
    await trio.sleep(1.9)
    stage.progress[connections[0]] = trio.current_time()
    await trio.sleep(3)
    # Three may stand still for the one that is served; the first has moved since.
    assert stage.turns == [*range(8)]
    assert stage.given_up[0] == 1
    assert stage.admission.under_way <= 4
    nursery.cancel_scope.cancel()


async def test_whoever_waits_too_long_is_told_so(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    stage = Stage(first_at_once=1, first_wait_seconds=5)
    nursery.start_soon(stage.admission.run)
    [served, *_] = stage.come(range(3))
    for _ in range(24):
        stage.progress[served] = trio.current_time()
        await trio.sleep(0.25)
    assert stage.turns == [0]
    assert (stage.late, stage.departed) == ([1, 2], [1, 2])
    assert stage.admission.waiting == 0
    nursery.cancel_scope.cancel()


async def test_whoever_leaves_gives_the_turn_to_the_next(nursery: trio.Nursery) -> None:
    stage = Stage(first_at_once=1)
    nursery.start_soon(stage.admission.run)
    served, leaver, last = stage.come(range(3))
    stage.admission.leave(leaver)
    assert stage.departed == [1]
    stage.admission.leave(leaver)
    assert stage.departed == [1]
    stage.admission.finish(served)
    await wait_all_tasks_blocked()
    assert stage.turns == [0, 2]
    assert not stage.admission.has(leaver)
    assert stage.admission.has(last)
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("seconds", [44, 46])
async def test_it_is_full_when_the_queue_is_long_or_does_not_move(
    seconds: int, autojump_clock: MockClock
) -> None:
    stage = Stage(first_at_once=1, first_waiting=3, first_wait_seconds=60)
    stage.come(range(2))
    assert not stage.admission.is_full
    await trio.sleep(seconds)
    assert stage.admission.is_full == (seconds > 45)
    stage.come(range(2, 4))
    assert stage.admission.is_full


async def test_turns_that_take_no_time_leave_some_to_others(nursery: trio.Nursery) -> None:
    stage = Stage(first_at_once=1)
    stage.come(range(500))
    stage.admission.finish(Connection(7))  # not known
    # From now on everybody is served in the turn.
    stage.serves_with = None
    others = 0

    async def others_run() -> None:
        nonlocal others
        while len(stage.turns) < 500:
            others += 1
            await trio.lowlevel.checkpoint()

    for connection in tuple(stage.admission._under_way):
        stage.admission.finish(connection)
    nursery.start_soon(stage.admission.run)
    nursery.start_soon(others_run)
    await wait_all_tasks_blocked()
    assert stage.turns == [*range(500)]
    assert others >= 5
    nursery.cancel_scope.cancel()
