"""Many ask the same at once: one asks on behalf of all.

A question that comes while another of its key is under way can't take that one's answer, which
may be older than an event that came between the two. It looks again when that one is done, and
if it has to ask, all who wait share the new answer.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import trio

from fh.contracts.answers import NotReady

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def nothing_known() -> None:
    """Return what `share` finds for those who want to ask, whatever is known."""


class _Flight(Generic[T]):
    __slots__ = ("done", "outcome")

    def __init__(self) -> None:
        self.done = trio.Event()
        self.outcome: T | None = None


class Flights(Generic[K, T]):
    """Questions under way, at most one per key. The first asker's task carries it."""

    __slots__ = ("_under_way",)

    def __init__(self) -> None:
        self._under_way: dict[K, _Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    async def share(
        self, key: K, find: Callable[[], T | None], load: Callable[[], Awaitable[T]]
    ) -> T:
        """Return what `find` knows by now, or what a `load` that began after this call returns.

        A failure counts for everybody who waited: who can't be answered now won't be in the
        next moment either, and MR is spared a second attempt for each of them.
        """
        if (earlier := self._under_way.get(key)) is not None:
            await earlier.done.wait()
            if isinstance(earlier.outcome, NotReady):
                return earlier.outcome
            if (found := find()) is not None:
                return found
        while (flight := self._under_way.get(key)) is not None:
            await flight.done.wait()
            if flight.outcome is not None:
                return flight.outcome
            # Its asker gave up: somebody else has to ask.
        return await self._fly(key, load)

    async def _fly(self, key: K, load: Callable[[], Awaitable[T]]) -> T:
        flight: _Flight[T] = _Flight()
        self._under_way[key] = flight
        try:
            flight.outcome = await load()
            return flight.outcome
        finally:
            del self._under_way[key]
            flight.done.set()
