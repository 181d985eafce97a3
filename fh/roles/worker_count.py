"""How many workers there are: one a core, or more where that many streams need more descriptors."""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final

ONE_A_CORE: Final = -1
MOST_WORKERS: Final = 256

_DEVIATIONS: Final = 4
"""The system deals streams out at random: so far above its share no worker ever comes."""


@dataclass(frozen=True, slots=True)
class WorkerCount:
    """How many workers there are, 0 for none but this process, and why.

    `streams_each` is how many streams each takes at most; 0 is no bound but its descriptors.
    """

    count: int
    streams_each: int
    reason: str


def choose_workers(asked: int, most_streams: int, *, cores: int, room: int) -> WorkerCount:
    """Return how many workers `most_streams` need; no fewer than were `asked` for.

    `room` is how many streams one process has descriptors for; 0 streams are as many as come.
    """
    wanted = cores if asked == ONE_A_CORE else asked
    reason = "one a core" if asked == ONE_A_CORE else "as asked for"
    if not most_streams:
        return WorkerCount(wanted, 0, reason)
    count = max(wanted, 1)
    while share(most_streams, count) > room and count <= MOST_WORKERS:
        count += 1
    if count == max(wanted, 1):
        count = wanted
    else:
        reason = f"{most_streams} streams, and descriptors for {room} in a process"
    return WorkerCount(count, share(most_streams, count), reason)


def share(streams: int, workers: int) -> int:
    """Return how many of `streams` one of `workers` has to bear: they are not dealt out evenly."""
    if workers <= 1:
        return streams
    mean = streams / workers
    return min(streams, ceil(mean + _DEVIATIONS * sqrt(mean)))
