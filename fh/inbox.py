"""A bounded queue from another thread to trio: how an asyncio callback hands over a value."""

import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import trio

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InboxStatistics:
    """An inbox at one moment; `refused` counts values that found it full or closed."""

    waiting: int
    capacity: int
    refused: int


class Inbox(Generic[T]):
    """A bounded queue that one other thread fills and trio tasks empty.

    Full means refuse: `put_nowait` returns False and the value is not kept, so the callback
    decides (drop and count, reload later, disconnect). Iterating ends after `close`.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"an inbox needs room for one value, not {capacity}")
        self._capacity = capacity
        self._values: deque[T] = deque()
        self._token = trio.lowlevel.current_trio_token()
        self._lot = trio.lowlevel.ParkingLot()
        self._asleep = False
        self._end: Exception | None = None
        self._refused = 0

    def put_nowait(self, value: T) -> bool:
        """Add `value` and return True, or return False when full or closed. Any one thread."""
        if self._end is not None or len(self._values) >= self._capacity:
            self._refused += 1
            return False
        self._values.append(value)
        self._wake()
        return True

    def close(self) -> None:
        """Refuse new values; iteration ends when those queued are taken. Any thread."""
        self.fail(trio.EndOfChannel())

    def fail(self, error: Exception) -> None:
        """Refuse new values; receiving raises `error` when those queued are taken. Any thread.

        The first end counts, a later one does nothing.
        """
        if self._end is None:
            self._end = error
            self._wake()

    async def receive(self) -> T:
        """Wait for a value and return it.

        Raises:
            trio.EndOfChannel: closed, and everything was taken.
            Exception: whatever it failed with, and everything was taken.
        """
        await trio.lowlevel.checkpoint()
        while not self._values:
            if self._end is not None:
                raise self._end
            await self._sleep_unless(self._changed)
        return self._values.popleft()

    async def wait(self, other: Callable[[], bool]) -> None:
        """Wait for a value, for the end, or until `other` says so; may return too early.

        Whoever makes `other` true has to `wake` afterwards.
        """
        await trio.lowlevel.checkpoint()
        await self._sleep_unless(lambda: other() or self._changed())

    def wake(self) -> None:
        """Have those who wait look again. Any thread."""
        self._wake()

    def receive_nowait(self) -> T:
        """Return the next value.

        Raises:
            trio.WouldBlock: there is none now.
        """
        if not self._values:
            raise trio.WouldBlock
        return self._values.popleft()

    def statistics(self) -> InboxStatistics:
        """Return how full it is and how much it has refused."""
        return InboxStatistics(len(self._values), self._capacity, self._refused)

    def __aiter__(self) -> "Inbox[T]":
        return self

    async def __anext__(self) -> T:
        try:
            return await self.receive()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None

    async def _sleep_unless(self, changed: Callable[[], bool]) -> None:
        # First say that we go to sleep, then look once more: the other thread first adds and then
        # looks for sleepers, so one of the two always sees the other.
        self._asleep = True
        if not changed():
            await self._lot.park()

    def _changed(self) -> bool:
        return bool(self._values) or self._end is not None

    def _wake(self) -> None:
        if self._asleep:
            self._asleep = False
            with contextlib.suppress(trio.RunFinishedError):  # nobody is left to be woken
                self._token.run_sync_soon(self._lot.unpark_all)
