"""How often something took how long: counts between bounds, as Prometheus shows them."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; what takes longer than the last has a count of its own."""


@dataclass(frozen=True, slots=True)
class Durations:
    """How many durations were observed, by the least bound that they keep; and their sum."""

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    total_seconds: float = 0.0

    def __add__(self, other: "Durations") -> "Durations":
        """Return those of two places together."""
        counts = tuple(a + b for a, b in zip(self.counts, other.counts, strict=True))
        return Durations(counts, self.total_seconds + other.total_seconds)

    def buckets(self) -> list[tuple[str, float]]:
        """Return for each bound how many keep it, as Prometheus wants them."""
        found: list[tuple[str, float]] = []
        so_far = 0
        for bound, count in zip([*map(str, BOUNDS), "+Inf"], self.counts, strict=True):
            so_far += count
            found.append((bound, so_far))
        return found


NO_DURATIONS: Final = Durations()


class Histogram:
    """Counts durations."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._total_seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Count a duration; one below zero, by clocks that differ, is zero."""
        seconds = max(0.0, seconds)
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._total_seconds += seconds

    def durations(self) -> Durations:
        """Return what was counted so far."""
        return Durations(tuple(self._counts), self._total_seconds)
