"""Counts of several places add up."""

from fh.edge.engine_statistics import NOTHING_COUNTED, EngineStatistics
from fh.edge.histogram import Histogram


def test_nothing_changes_nothing() -> None:
    some = EngineStatistics(connections=1, goodbyes=2)
    assert some + NOTHING_COUNTED == some


def test_everything_is_added() -> None:
    histogram = Histogram()
    histogram.observe(0.5)
    some = EngineStatistics(streams=1, evicted=2, propagation=histogram.durations())
    both = some + some
    assert (both.streams, both.evicted) == (2, 4)
    assert both.propagation == histogram.durations() + histogram.durations()
