"""Timers: messages an actor is told later. All timers of a supervisor share one task.

The task exists only while there are timers.
"""

import heapq
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from fh.actors.errors import ActorStopped
from fh.actors.reply import Envelope
from fh.actors.state import State

if TYPE_CHECKING:
    from fh.actors.cell import Cell

M = TypeVar("M")


class Timer:
    """One message to be told later, once or again and again."""

    __slots__ = ("_cell", "_clock", "_is_tick_queued", "_message", "_period_seconds", "due")

    def __init__(
        self,
        cell: "Cell[Any]",
        clock: "Clock",
        message: object,
        *,
        seconds: float,
        period_seconds: float | None,
    ) -> None:
        self._cell = cell
        self._clock = clock
        self._message = message
        self._period_seconds = period_seconds
        self._is_tick_queued = False
        self.due: float | None = trio.current_time() + seconds  # None: over
        clock.add(self)

    def cancel(self) -> None:
        """Tell nothing more. A tick already in the mailbox still arrives."""
        if self.due is not None:
            self.due = None
            self._cell.extras.timers.pop(self, None)
            self._clock.note_cancelled()

    def expire(self, now: float) -> None:
        """Tell the message; the clock calls this when the timer is due."""
        if self._period_seconds is None:
            self.due = None
            self._cell.extras.timers.pop(self, None)
            self._cell.accept_late(self._message)
            return
        assert self.due is not None  # a cancelled timer does not expire
        self.due += self._period_seconds
        if self.due <= now:
            self.due = now + self._period_seconds  # after a stall: no catching up
        self._clock.add(self)  # before the telling, which may cancel this timer
        if not self._is_tick_queued:
            self._is_tick_queued = True
            self._cell.accept_late(Envelope(self._message, timer=self))

    def tick_left_mailbox(self) -> None:
        """The queued tick was handled or refused, so that there may be another."""
        self._is_tick_queued = False


def set_timer(
    cell: "Cell[M]", message: M, *, seconds: float, period_seconds: float | None
) -> Timer:
    """Let `message` be told later, once or every `period_seconds`.

    Raises:
        ActorStopped: the actor has ended or is about to.
    """
    if cell.is_closed:
        raise ActorStopped(cell.spec.name, message)
    clock = cell.owner.clock
    timer = Timer(cell, clock, message, seconds=seconds, period_seconds=period_seconds)
    cell.extras.timers[timer] = _is_own_turn(cell)
    return timer


def _is_own_turn(cell: "Cell[M]") -> bool:
    """Whether the caller is the actor itself, handling a message or beginning its life."""
    if cell.state is not State.RUNNING:
        return False
    return cell.scope is None or cell.task is trio.lowlevel.current_task()


_FEWEST_TO_SWEEP = 64


class Clock:
    """The timers of one supervisor, soonest first."""

    __slots__ = ("_cancelled", "_heap", "_is_running", "_number", "_nursery", "_sleep")

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._heap: list[tuple[float, int, Timer]] = []
        self._number = 0  # first set, first told
        self._cancelled = 0
        self._is_running = False
        self._sleep: trio.CancelScope | None = None

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, timer: Timer) -> None:
        """Let `timer` expire when it is due."""
        assert timer.due is not None  # a cancelled timer is not added
        self._number += 1
        heapq.heappush(self._heap, (timer.due, self._number, timer))
        if not self._is_running:
            self._is_running = True
            self._nursery.start_soon(self._run, name="timers")
        elif self._sleep is not None and timer.due < self._sleep.deadline:
            self._sleep.deadline = timer.due

    def note_cancelled(self) -> None:
        """One more entry is void; sweep when most of them are, and go home when all are."""
        self._cancelled += 1
        if self._cancelled == len(self._heap):
            self._heap.clear()
            self._cancelled = 0
            if self._sleep is not None:
                self._sleep.cancel()
        elif self._cancelled >= _FEWEST_TO_SWEEP and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].due is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    async def _run(self) -> None:
        while self._heap:
            due, _, timer = self._heap[0]
            if timer.due is None:
                heapq.heappop(self._heap)
                self._cancelled -= 1
                continue
            now = trio.current_time()
            if due <= now:
                heapq.heappop(self._heap)
                timer.expire(now)
                continue
            with trio.CancelScope(deadline=due) as self._sleep:
                await trio.sleep_forever()
            self._sleep = None
        self._is_running = False
