"""What test writes made of locks lately, for as long as it may not have come back over the bus.

Who unlocks a feature may change it at once: what is known of it here may still be from before. MR
can't be asked instead, for behind a broker it may not have got to that write either.
"""

from collections import OrderedDict
from typing import Final, TypeAlias

import trio

from fh.model.ids import EnvironmentId

_SECONDS: Final = 2.0
"""A change is everywhere within one in health; MR decides in the end, whatever is thought here."""

_MOST: Final = 10_000

Place: TypeAlias = tuple[EnvironmentId, str]
"""A feature, by its key, in an environment."""


class RecentLocks:
    """The locks that were handed on lately, bounded in number."""

    def __init__(self, *, seconds: float = _SECONDS, most: int = _MOST) -> None:
        self._seconds = seconds
        self._most = most
        # The one that was handed on last comes last, so the oldest are at the front.
        self._handed_on: OrderedDict[Place, tuple[bool, float]] = OrderedDict()

    def find(self, place: Place) -> bool | None:
        """Return whether the last write to a lock locked or unlocked; None if there was none."""
        lock, until = self._handed_on.get(place, (None, 0.0))
        return lock if trio.current_time() < until else None

    def note(self, place: Place, *, lock: bool) -> None:
        """Hear that a write was handed on that locks or unlocks."""
        now = trio.current_time()
        self._handed_on.pop(place, None)
        self._handed_on[place] = lock, now + self._seconds
        while self._handed_on:
            _, until = next(iter(self._handed_on.values()))
            if until > now and len(self._handed_on) <= self._most:
                break
            self._handed_on.popitem(last=False)

    def __len__(self) -> int:
        return len(self._handed_on)
