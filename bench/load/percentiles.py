"""One definition of a percentile for all reports: the nearest rank, a value that was measured."""

import math
from collections.abc import Sequence


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest of `ordered` that at least `percent` of them do not exceed.

    Raises:
        ValueError: nothing was measured, or `percent` is not above 0 and at most 100.
    """
    if not ordered:
        raise ValueError("no measurement, no percentile")
    if not 0 < percent <= 100:
        raise ValueError(f"a percentile lies above 0 and at most at 100, not at {percent}")
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]
