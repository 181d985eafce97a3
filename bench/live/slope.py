"""A straight line through samples, and how sure it is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, slots=True)
class Slope:
    """How fast a figure grows; `error` is the standard error of `per_second`."""

    per_second: float
    error: float

    def over(self, seconds: float) -> float:
        """Return what it would grow by in so long."""
        return self.per_second * seconds


def slope(seconds: Sequence[float], figures: Sequence[float]) -> Slope | None:
    """Return the least-squares line through samples; None for fewer than three instants.

    The error takes samples for independent. Those of a process that grows in steps are not, so
    read it as the least that it can be.
    """
    count = len(seconds)
    middle, mean = fmean(seconds or [0.0]), fmean(figures or [0.0])
    spread = sum((each - middle) ** 2 for each in seconds)
    if count < 3 or not spread:
        return None
    pairs = list(zip(seconds, figures, strict=True))
    gradient = sum((x - middle) * (y - mean) for x, y in pairs) / spread
    rest = sum((y - mean - gradient * (x - middle)) ** 2 for x, y in pairs)
    return Slope(gradient, math.sqrt(rest / (count - 2) / spread))
