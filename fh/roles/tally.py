"""Counts of several processes as one: they only grow, although a process begins anew at zero."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Final

from fh.edge.engine_statistics import NOTHING_COUNTED, OF_THE_MOMENT, EngineStatistics
from fh.edge.link import Figures

_NAMES: Final = tuple(each.name for each in fields(EngineStatistics))
_NO_MOMENT: Final = dict.fromkeys(OF_THE_MOMENT, 0)


def total(parts: Sequence[EngineStatistics]) -> EngineStatistics:
    """Return the sum of statistics."""
    return EngineStatistics(**{name: sum(getattr(part, name) for part in parts) for name in _NAMES})


class Tally:
    """What the processes in one place counted, one after the other."""

    def __init__(self) -> None:
        self._past = NOTHING_COUNTED
        self._last = NOTHING_COUNTED
        self._past_patterns = 0
        self._last_patterns = 0

    def see(self, figures: Figures) -> None:
        """Take what the process says by now."""
        if any(
            getattr(figures.engine, name) < getattr(self._last, name)
            for name in _NAMES
            if name not in OF_THE_MOMENT
        ):
            # Its Edge began a new life.
            self._past = total([self._past, _without_moment(self._last)])
        self._last = figures.engine
        self._last_patterns = figures.patterns_cut_off

    def close(self) -> None:
        """Note that the process is gone."""
        self._past = total([self._past, _without_moment(self._last)])
        self._past_patterns += self._last_patterns
        self._last = NOTHING_COUNTED
        self._last_patterns = 0

    @property
    def engine(self) -> EngineStatistics:
        """What was counted in all, and what there is at this moment."""
        return total([self._past, self._last])

    @property
    def patterns_cut_off(self) -> int:
        """How many regular expressions were given up in all."""
        return self._past_patterns + self._last_patterns


def _without_moment(statistics: EngineStatistics) -> EngineStatistics:
    return replace(statistics, **_NO_MOMENT)
