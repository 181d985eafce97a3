"""How often what hypothesis invents is tried: some times, or for as long as one has time."""

import itertools
import os
import time
from collections.abc import Iterator

from hypothesis import settings


def seconds_for(variable: str) -> float:
    """Return how long to go on, 0 where nobody said."""
    return float(os.environ.get(variable, "0"))


def turns(at_least: int, seconds: float) -> Iterator[int | None]:
    """Yield a seed for each turn, None for chance.

    In CI hypothesis leaves nothing to chance, and without seeds each turn would be the first again.
    They are counted, not timed: or what is tried would be another thing on each machine.
    """
    until = time.monotonic() + seconds
    for turn in itertools.count():
        if turn >= at_least and time.monotonic() >= until:
            return
        yield turn if settings.default.derandomize else None
