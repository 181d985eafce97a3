"""Any number of latencies in little memory: counted in steps of 2 %."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

_STEPS_PER_E: Final = 1 / math.log(1.02)
_SHORTEST_SECONDS: Final = 1e-6


def joined(histograms: Iterable["Histogram"]) -> "Histogram":
    """Return all of them as one."""
    every = list(histograms)
    steps = (step for each in every for step in each.counted())
    return Histogram(steps, max((each.longest for each in every), default=0.0))


class Histogram:
    """Latencies, each known to within 1 %; the longest exactly."""

    def __init__(self, counted: Iterable[tuple[int, int]] = (), longest: float = 0.0) -> None:
        """Start from what `counted()` of others returned, if anything."""
        self._counts: Counter[int] = Counter()
        self.longest = longest
        self._last = (0, 0, 0)
        for step, count in counted:
            self._counts[step] += count

    def add(self, seconds: float) -> None:
        """Count a latency."""
        self._counts[self._step(seconds)] += 1

    def add_between(self, sent_ns: int, arrived_ns: int) -> None:
        """Count the latency between two instants; many arrive at the same one."""
        last_sent_ns, last_arrived_ns, step = self._last
        if sent_ns != last_sent_ns or arrived_ns != last_arrived_ns:
            step = self._step((arrived_ns - sent_ns) / 1e9)
            self._last = (sent_ns, arrived_ns, step)
        self._counts[step] += 1

    def _step(self, seconds: float) -> int:
        self.longest = max(self.longest, seconds)
        return round(math.log(max(seconds, _SHORTEST_SECONDS)) * _STEPS_PER_E)

    def since(self, earlier: "Histogram") -> "Histogram":
        """Return what came on top of `earlier`; the longest is that of both."""
        rest = self._counts - Counter(dict(earlier.counted()))
        return Histogram(rest.items(), self.longest)

    def counted(self) -> list[tuple[int, int]]:
        """Return the steps with their counts, to be put into another one."""
        return sorted(self._counts.items())

    @property
    def count(self) -> int:
        """How many latencies were counted."""
        return self._counts.total()

    def percentile(self, percent: float) -> float | None:
        """Return the nearest rank in seconds, None if nothing was counted."""
        wanted = math.ceil(self.count * percent / 100)
        if not wanted:
            return None
        seen = 0
        for step, count in self.counted():
            seen += count
            if seen >= wanted:
                return min(math.exp(step / _STEPS_PER_E), self.longest)
        return self.longest

    def percentile_ms(self, percent: float) -> float | None:
        """Return the nearest rank in milliseconds, None if nothing was counted."""
        found = self.percentile(percent)
        return None if found is None else found * 1e3
