"""Figures of TLS and HTTP/2 for Prometheus, read when they are asked for."""

from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from fh.http.secure_face import FaceStatistics


class SecureCollector(Collector):
    """Turns the face's statistics into metrics; nothing is counted twice for them."""

    def __init__(
        self, statistics: Callable[[], FaceStatistics], ends_at: Callable[[], datetime | None]
    ) -> None:
        self._statistics = statistics
        self._ends_at = ends_at

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        """Return the metrics of this moment."""
        now = self._statistics()
        yield GaugeMetricFamily(
            "tls_connections", "Connections with TLS or HTTP/2", value=now.connections
        )
        yield GaugeMetricFamily("tls_requests", "Requests and streams on them", value=now.requests)
        yield GaugeMetricFamily(
            "tls_handshakes_under_way", "Handshakes not done yet", value=now.handshakes_under_way
        )
        yield CounterMetricFamily("tls_handshakes", "Handshakes that succeeded", now.handshakes)
        failures = CounterMetricFamily(
            "tls_handshake_failures", "Handshakes that failed, by fault", labels=["fault"]
        )
        for fault, count in now.handshake_failures.items():
            failures.add_metric([fault], count)
        yield failures
        if (ends_at := self._ends_at()) is not None:
            yield GaugeMetricFamily(
                "tls_certificate_expiry_timestamp_seconds",
                "When the certificate in use ends to be valid, in seconds since 1970",
                value=ends_at.timestamp(),
            )
