"""Counts of several processes as one: they only grow, although a process begins anew at zero."""

from dataclasses import fields, replace
from typing import Any, Final

from fh.edge.engine_statistics import NOTHING_COUNTED, OF_THE_MOMENT, EngineStatistics
from fh.edge.lag import LoopLag
from fh.edge.link import Figures

_COUNTERS: Final = tuple(
    each.name
    for each in fields(EngineStatistics)
    if each.type is int and each.name not in OF_THE_MOMENT
)
_NO_MOMENT: Final[dict[str, Any]] = dict.fromkeys(OF_THE_MOMENT, 0)  # as `replace` wants it


class Tally:
    """What the processes in one place counted, one after the other."""

    def __init__(self) -> None:
        self._past = NOTHING_COUNTED
        self._last = NOTHING_COUNTED
        self._past_patterns = 0
        self._last_patterns = 0
        self._past_lag = LoopLag()
        self._last_lag = LoopLag()

    def see(self, figures: Figures) -> None:
        """Take what the process says by now."""
        if any(getattr(figures.engine, name) < getattr(self._last, name) for name in _COUNTERS):
            # Its Edge began a new life.
            self._past += _without_moment(self._last)
        self._last = figures.engine
        self._last_patterns = figures.patterns_cut_off
        self._last_lag = figures.lag

    def close(self) -> None:
        """Note that the process is gone."""
        self._past += _without_moment(self._last)
        self._past_patterns += self._last_patterns
        self._past_lag += replace(self._last_lag, most_seconds=0.0)
        self._last = NOTHING_COUNTED
        self._last_patterns = 0
        self._last_lag = LoopLag()

    @property
    def engine(self) -> EngineStatistics:
        """What was counted in all, and what there is at this moment."""
        return self._past + self._last

    @property
    def patterns_cut_off(self) -> int:
        """How many regular expressions were given up in all."""
        return self._past_patterns + self._last_patterns

    @property
    def lag(self) -> LoopLag:
        """How late event loops were in all, and the one of this moment lately."""
        return self._past_lag + self._last_lag


def _without_moment(statistics: EngineStatistics) -> EngineStatistics:
    return replace(statistics, **_NO_MOMENT)
