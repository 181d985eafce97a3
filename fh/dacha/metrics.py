"""Dacha's figures for Prometheus."""

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from fh.dacha.dacha import DachaStatistics


class DachaCollector(Collector):
    """Reads the statistics when asked."""

    def __init__(self, statistics: Callable[[], DachaStatistics]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        """Return the metrics of this moment."""
        now = self._statistics()
        gauges = {
            "dacha_environments": ("Environments in memory", now.environments),
            "dacha_accounts": ("Service accounts in memory", now.accounts),
            "dacha_environment_misses": ("Unknown environments", now.environment_misses),
            "dacha_account_misses": ("Unknown keys remembered", now.account_misses),
            "dacha_views": ("What keys see, worked out and kept", now.views),
            "dacha_waiting_questions": ("Questions that wait", now.waiting_questions),
            "dacha_loads_running": ("Questions to the truth under way", now.loads.running),
            "dacha_loads_waiting": ("Questions to the truth that wait", now.loads.waiting),
        }
        counters = {
            "dacha_evicted": ("Environments that made room for others", now.evicted),
            "dacha_loads": ("Questions to the truth", now.loads.begun),
            "dacha_loads_failed": ("Questions without an answer", now.loads.failed),
            "dacha_loads_refused": ("Questions not asked, too many waited", now.loads.refused),
        }
        for name, (what, value) in gauges.items():
            yield GaugeMetricFamily(name, what, value=value)
        for name, (what, value) in counters.items():
            yield CounterMetricFamily(name, what, value=value)
