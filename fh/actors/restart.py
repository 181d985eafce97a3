"""When, how often and how quickly a child is restarted. Pure: the time is handed in."""

import random
from collections import deque
from dataclasses import dataclass
from enum import Enum


class Restart(Enum):
    """Which ends of a child are followed by another life."""

    PERMANENT = "permanent"  # all but those that were ordered
    TRANSIENT = "transient"  # crashes
    TEMPORARY = "temporary"  # none


class Strategy(Enum):
    """Which siblings share the restart of a child."""

    ONE_FOR_ONE = "one_for_one"  # none
    ONE_FOR_ALL = "one_for_all"  # all
    REST_FOR_ONE = "rest_for_one"  # those started after it


@dataclass(frozen=True, slots=True)
class Intensity:
    """How many restarts within how many seconds a supervisor puts up with."""

    restarts: int = 3
    within_seconds: float = 5.0


_LARGEST_EXPONENT = 64  # beyond that every sensible factor has met its maximum


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a restart waits: longer with each crash in a row, and never in step with others."""

    first_seconds: float = 0.05
    factor: float = 2.0
    maximum_seconds: float = 5.0
    jitter: float = 0.2  # share of the delay by which it may be shorter or longer

    def delay_seconds(self, crashes_in_a_row: int, source: random.Random) -> float:
        """Return the seconds to wait after that many crashes in a row (1 or more)."""
        exponent = min(crashes_in_a_row - 1, _LARGEST_EXPONENT)
        delay = min(self.first_seconds * self.factor**exponent, self.maximum_seconds)
        return delay * (1.0 + self.jitter * source.uniform(-1.0, 1.0))


class History:
    """What one child has been through."""

    __slots__ = ("crashes", "ends_in_a_row", "last_end_at", "restarts")

    def __init__(self) -> None:
        self.crashes = 0
        self.restarts = 0
        self.ends_in_a_row = 0
        self.last_end_at = float("-inf")

    def note_end(self, now: float, calm_seconds: float) -> int:
        """Count an end that asks for a restart; return how many came in a row.

        `calm_seconds` without one begin a new row.
        """
        if now - self.last_end_at > calm_seconds:
            self.ends_in_a_row = 0
        self.ends_in_a_row += 1
        self.last_end_at = now
        return self.ends_in_a_row


class RestartWindow:
    """The restarts a supervisor made lately, and whether one more is within its intensity."""

    __slots__ = ("_intensity", "_made_at")

    def __init__(self, intensity: Intensity) -> None:
        self._intensity = intensity
        self._made_at: deque[float] = deque()

    def admit(self, now: float) -> bool:
        """Count one restart at `now`, or return False when it would be one too many."""
        while self._made_at and now - self._made_at[0] > self._intensity.within_seconds:
            self._made_at.popleft()
        if len(self._made_at) >= self._intensity.restarts:
            return False
        self._made_at.append(now)
        return True
