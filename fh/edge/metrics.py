"""Edge's figures for Prometheus, read when they are asked for."""

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from fh.edge.engine import EngineStatistics

_NOTHING = EngineStatistics(
    connections=0, streams=0, slow=0, accepted=0, evicted=0, deliveries=0, broadcasts=0
)


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
        now = self._statistics() or _NOTHING
        yield GaugeMetricFamily(
            "edge_sse_active_connections", "Streams that are open", value=now.streams
        )
        yield GaugeMetricFamily("edge_connections", "Connections to Edge", value=now.connections)
        yield GaugeMetricFamily(
            "edge_slow_connections", "Connections with bytes that wait", value=now.slow
        )
        yield CounterMetricFamily("edge_accepted", "Connections accepted", value=now.accepted)
        yield CounterMetricFamily("edge_evicted", "Clients given up as too slow", value=now.evicted)
        yield CounterMetricFamily("edge_deliveries", "Events written", value=now.deliveries)
        yield CounterMetricFamily("edge_broadcasts", "Events fanned out", value=now.broadcasts)
        yield CounterMetricFamily(
            "edge_patterns_cut_off",
            "Regular expressions given up because they took too long",
            value=self._patterns_cut_off(),
        )
