"""How late the event loop is: everybody in the process waits at least so long for a turn.

A timer is due every tenth of a second, and how late it fires is measured. Whatever holds the loop
up between two of them (a broadcast, a large poll, a full look for garbage, a process that the
system does not let run) shows in the next one.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

import trio

from fh.edge.histogram import NO_DURATIONS, Durations, Histogram

_PERIOD_SECONDS: Final = 0.1
_WINDOW_SECONDS: Final = 30.0
"""What happened between two looks of a Prometheus server is in sight of one of them."""


@dataclass(frozen=True, slots=True)
class LoopLag:
    """How late timers fired since the start, and the latest of the last half minute."""

    durations: Durations = NO_DURATIONS
    most_seconds: float = 0.0

    def __add__(self, other: "LoopLag") -> "LoopLag":
        """Return those of two loops together; the later one counts."""
        most_seconds = max(self.most_seconds, other.most_seconds)
        return LoopLag(self.durations + other.durations, most_seconds)


class LagMeter:
    """Measures the loop that it runs in; a service."""

    def __init__(self) -> None:
        self._histogram = Histogram()
        # Falling values: whatever is neither later nor newer than another can't be the maximum.
        self._latest: deque[tuple[float, float]] = deque()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Measure until cancelled."""
        task_status.started()
        while True:
            due_at = trio.current_time() + _PERIOD_SECONDS
            await trio.sleep_until(due_at)
            now = trio.current_time()
            self.note(now - due_at, now)

    def note(self, late_seconds: float, now: float) -> None:
        """Count a timer that fired so late."""
        self._histogram.observe(late_seconds)
        latest = self._latest
        while latest and latest[-1][1] <= late_seconds:
            latest.pop()
        latest.append((now, late_seconds))
        while latest[0][0] < now - _WINDOW_SECONDS:
            latest.popleft()

    def lag(self) -> LoopLag:
        """Return what was measured so far."""
        most_seconds = self._latest[0][1] if self._latest else 0.0
        return LoopLag(self._histogram.durations(), most_seconds)
