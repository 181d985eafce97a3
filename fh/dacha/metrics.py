"""Dacha's figures for Prometheus: upstream's names for what it has, too, else our own.

Source: section 7.2 of the data plane's contract.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from fh.dacha.bounded_source import LoadStatistics
from fh.dacha.dacha import DachaStatistics


class LoadsCollector(Collector):
    """What is asked of the truth; reads the statistics when asked."""

    def __init__(self, statistics: Callable[[], LoadStatistics]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        """Return the metrics of this moment."""
        now = self._statistics()
        gauges = {
            "dacha_loads_running": ("Questions to the truth under way", now.running),
            "dacha_loads_waiting": ("Questions to the truth that wait", now.waiting),
        }
        counters = {
            "dacha_loads": ("Questions to the truth", now.begun),
            "dacha_loads_failed": ("Questions without an answer", now.failed),
            "dacha_loads_refused": ("Questions not asked, too many waited", now.refused),
        }
        yield from _families(gauges, counters)


class DachaCollector(Collector):
    """What is in memory; reads the statistics when asked."""

    def __init__(self, statistics: Callable[[], DachaStatistics]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        """Return the metrics of this moment."""
        now = self._statistics()
        gauges = {
            "dacha2_environment_cache_size": ("Environments in memory", now.environments),
            "dacha2_environment_miss_cache_size": (
                "Unknown environments remembered",
                now.environment_misses,
            ),
            "dacha2_features_in_cache_size": ("Features in those environments", now.features),
            "dacha2_service_account_cache_size": ("Service accounts in memory", now.accounts),
            "dacha2_service_account_key_cache_size": ("Keys of those accounts", now.keys),
            "dacha2_service_account_miss_cache_size": (
                "Unknown keys remembered",
                now.account_misses,
            ),
            "dacha2_perms_cache_size": ("What keys see, worked out and kept", now.views),
            "dacha_waiting_questions": ("Questions that wait", now.waiting_questions),
        }
        counters = {
            "dacha_evicted": ("Environments that made room for others", now.evicted),
            "dacha_refreshes": ("Times that all in memory was compared", now.refreshes),
        }
        yield from _families(gauges, counters)
        yield from LoadsCollector(lambda: now.loads).collect()


def _families(
    gauges: Mapping[str, tuple[str, int]], counters: Mapping[str, tuple[str, int]]
) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
    for name, (what, value) in gauges.items():
        yield GaugeMetricFamily(name, what, value=value)
    for name, (what, value) in counters.items():
        yield CounterMetricFamily(name, what, value=value)
