"""Edge's figures for Prometheus, read when they are asked for."""

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from fh.edge.engine_statistics import NOTHING_COUNTED, EngineStatistics


class EdgeCollector(Collector):
    """Turns the engine's statistics into metrics; nothing is counted twice for them."""

    def __init__(
        self,
        statistics: Callable[[], EngineStatistics | None],
        patterns_cut_off: Callable[[], int],
    ) -> None:
        self._statistics = statistics
        self._patterns_cut_off = patterns_cut_off

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        """Return the metrics of this moment."""
        now = self._statistics() or NOTHING_COUNTED
        yield GaugeMetricFamily(
            "edge_sse_active_connections", "Streams that are open", value=now.streams
        )
        yield GaugeMetricFamily("edge_connections", "Connections to Edge", value=now.connections)
        yield GaugeMetricFamily(
            "edge_slow_connections", "Connections with bytes that wait", value=now.slow
        )
        yield GaugeMetricFamily(
            "edge_first_features_waiting",
            "Streams that wait for their first features",
            value=now.waiting,
        )
        yield GaugeMetricFamily(
            "edge_first_features_under_way",
            "Streams that have not taken all of their first features",
            value=now.delivering,
        )
        yield CounterMetricFamily(
            "edge_first_features", "Streams sent their first features", value=now.delivered
        )
        yield _turned_away(now)
        yield CounterMetricFamily("edge_accepted", "Connections accepted", value=now.accepted)
        yield CounterMetricFamily("edge_evicted", "Clients given up as too slow", value=now.evicted)
        yield CounterMetricFamily("edge_deliveries", "Events written", value=now.deliveries)
        yield CounterMetricFamily("edge_broadcasts", "Events fanned out", value=now.broadcasts)
        yield CounterMetricFamily(
            "edge_patterns_cut_off",
            "Regular expressions given up because they took too long",
            value=self._patterns_cut_off(),
        )


def _turned_away(now: EngineStatistics) -> CounterMetricFamily:
    family = CounterMetricFamily(
        "edge_streams_turned_away", "Streams not opened, by reason", labels=["reason"]
    )
    for reason, count in (
        ("busy", now.refused_busy),
        ("streams", now.refused_streams),
        ("key", now.refused_key),
        ("address", now.refused_address),
        ("stopping", now.refused_stopping),
    ):
        family.add_metric([reason], count)
    return family
