"""The outbox's figures for Prometheus."""

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from fh.mr.outbox import OutboxStatistics


class OutboxCollector(Collector):
    """Reads the statistics when asked."""

    def __init__(self, statistics: Callable[[], OutboxStatistics]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        """Return the metrics of this moment."""
        now = self._statistics()
        yield GaugeMetricFamily(
            "mr_outbox_lag_seconds",
            "Age of the oldest change not announced, at the last look",
            value=now.lag_seconds,
        )
        counters = {
            "mr_outbox_published": ("Changes announced by this process", now.published),
            "mr_outbox_failed": ("Attempts that failed", now.failed),
            "mr_outbox_dead": ("Changes that can't be announced, put aside", now.dead),
        }
        for name, (what, value) in counters.items():
            yield CounterMetricFamily(name, what, value=value)
