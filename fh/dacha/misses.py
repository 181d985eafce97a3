"""What MR said it does not know: remembered for a while, so that nobody asks it again and again.

Bounded in number, because whoever invents keys decides how many there are, and in time, because
a miss may be wrong one day without anybody telling us. Pure: the time is handed in.
"""

import random
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Misses(Generic[K]):
    """Keys that are known not to exist; the oldest makes room for the newest."""

    __slots__ = ("_capacity", "_expires_at", "_jitter", "_random", "_seconds")

    def __init__(
        self, capacity: int, seconds: float, *, jitter: float, source: random.Random
    ) -> None:
        self._capacity = capacity
        self._seconds = seconds
        self._jitter = jitter
        self._random = source
        self._expires_at: OrderedDict[K, float] = OrderedDict()

    def remember(self, key: K, now: float) -> None:
        """Know `key` as a miss for about the configured seconds."""
        # Spread, or misses of one moment would all go to MR in one moment too.
        spread = 1.0 + self._jitter * self._random.uniform(-1.0, 1.0)
        self._expires_at[key] = now + self._seconds * spread
        self._expires_at.move_to_end(key)
        if len(self._expires_at) > self._capacity:
            self._expires_at.popitem(last=False)

    def knows(self, key: K, now: float) -> bool:
        """Return whether `key` is a miss at `now`."""
        expires_at = self._expires_at.get(key)
        if expires_at is None:
            return False
        if expires_at > now:
            return True
        del self._expires_at[key]
        return False

    def forget(self, key: K) -> None:
        """Know nothing of `key` any more."""
        self._expires_at.pop(key, None)

    def clear(self) -> None:
        """Know no misses any more."""
        self._expires_at.clear()

    def __len__(self) -> int:
        return len(self._expires_at)
