"""How much was logged, for Prometheus: an error line means that somebody has to act.

Source: section 7.2 of the data plane's contract.
"""

from collections.abc import Iterable
from typing import Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from fh.log import logged_lines

_NAMES: Final = {"warning": "warn"}  # as upstream's logger calls it


class LogCollector(Collector):
    """Turns the counts of log lines into metrics."""

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Return the metrics of this moment."""
        for level, count in logged_lines().items():
            name = f"loglevel_{_NAMES.get(level, level)}"
            yield CounterMetricFamily(name, f"Log lines of level {level}", value=count)
