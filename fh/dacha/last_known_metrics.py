"""Figures of the file that outlives a restart, for Prometheus."""

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from fh.dacha.last_known import LastKnownStatistics


class LastKnownCollector(Collector):
    """Reads the statistics when asked."""

    def __init__(self, statistics: Callable[[], LastKnownStatistics]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        """Return the metrics of this moment."""
        now = self._statistics()
        gauges = {
            "last_known_restored_environments": (
                "Environments that this process began with",
                now.restored_environments,
            ),
            "last_known_restored_accounts": (
                "Service accounts that this process began with",
                now.restored_accounts,
            ),
            "last_known_restored_age_seconds": (
                "Time since what this process began with was good",
                now.restored_age_seconds,
            ),
            "last_known_unconfirmed_environments": (
                "Environments served as restored, the truth not yet asked",
                now.unconfirmed_environments,
            ),
            "last_known_unconfirmed_accounts": (
                "Service accounts served as restored, the truth not yet asked",
                now.unconfirmed_accounts,
            ),
            "last_known_file_refused": ("1: there was a file, and it was refused", now.refused),
            "last_known_file_bytes": ("Size of the newest file written", now.file_bytes),
            "last_known_file_age_seconds": ("Time since it was written", now.file_age_seconds),
            "last_known_left_out": ("Entries that did not fit into it", now.left_out),
        }
        counters = {
            "last_known_written": ("Files written", now.written),
            "last_known_failed": ("Files that could not be written", now.failed),
        }
        for name, (what, value) in gauges.items():
            yield GaugeMetricFamily(name, what, value=value)
        for name, (what, value) in counters.items():
            yield CounterMetricFamily(name, what, value=value)
