"""Edge's figures for Prometheus, read when they are asked for."""

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from fh.edge.engine_statistics import NOTHING_COUNTED, EngineStatistics
from fh.edge.lag import LoopLag
from fh.edge.writer import Eviction


class EdgeCollector(Collector):
    """Turns the engine's statistics into metrics; nothing is counted twice for them."""

    def __init__(
        self,
        statistics: Callable[[], EngineStatistics | None],
        patterns_cut_off: Callable[[], int],
        lag: Callable[[], LoopLag],
    ) -> None:
        self._statistics = statistics
        self._patterns_cut_off = patterns_cut_off
        self._lag = lag

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of this moment."""
        now = self._statistics() or NOTHING_COUNTED
        yield GaugeMetricFamily(
            "edge_sse_active_connections", "Streams that are open", value=now.streams
        )
        yield _by_kind(now)
        yield CounterMetricFamily("edge_streams_opened", "Streams opened", value=now.opened)
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
        yield _by_reason(now)
        yield CounterMetricFamily(
            "edge_goodbyes", "Streams that were told to come back", value=now.goodbyes
        )
        yield CounterMetricFamily("edge_deliveries", "Events written", value=now.deliveries)
        yield CounterMetricFamily("edge_broadcasts", "Events fanned out", value=now.broadcasts)
        yield HistogramMetricFamily(
            "edge_propagation_seconds",
            "From the commit of a change to its last write",
            buckets=now.propagation.buckets(),
            sum_value=now.propagation.total_seconds,
        )
        yield CounterMetricFamily(
            "edge_patterns_cut_off",
            "Regular expressions given up because they took too long",
            value=self._patterns_cut_off(),
        )

        lag = self._lag()
        yield HistogramMetricFamily(
            "edge_loop_lag_seconds",
            "How late timers fired",
            buckets=lag.durations.buckets(),
            sum_value=lag.durations.total_seconds,
        )
        yield GaugeMetricFamily(
            "edge_loop_lag_max_seconds",
            "The latest timer of the last half minute",
            value=lag.most_seconds,
        )


def _by_kind(now: EngineStatistics) -> Metric:
    streams = GaugeMetricFamily(
        "edge_streams", "Streams that are open, by what carries them", labels=["kind"]
    )
    streams.add_metric(["plain"], now.streams - now.relayed - now.sockets)
    streams.add_metric(["secure"], now.relayed)
    streams.add_metric(["websocket"], now.sockets)
    return streams


def _by_reason(now: EngineStatistics) -> Metric:
    evicted = CounterMetricFamily("edge_evicted", "Clients given up as too slow", labels=["reason"])
    evicted.add_metric([Eviction.TOO_SLOW.value], now.evicted - now.overfull - now.stalled)
    evicted.add_metric([Eviction.OVERFULL.value], now.overfull)
    evicted.add_metric([Eviction.STALLED.value], now.stalled)
    return evicted


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
        ("draining", now.refused_draining),
        ("paused", now.refused_paused),
    ):
        family.add_metric([reason], count)
    return family
