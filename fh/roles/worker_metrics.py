"""The workers' figures for Prometheus; their sums are Edge's own metrics."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from fh.roles.workers import Workers


class WorkersCollector(Collector):
    """Turns what is known of each worker into metrics, with its number as the label."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of this moment."""
        ready = GaugeMetricFamily(
            "edge_worker_ready", "Whether the worker takes connections", labels=["worker"]
        )
        connections = GaugeMetricFamily(
            "edge_worker_connections", "Connections to the worker", labels=["worker"]
        )
        streams = GaugeMetricFamily(
            "edge_worker_streams", "Streams that are open at the worker", labels=["worker"]
        )
        starts = CounterMetricFamily(
            "edge_worker_starts", "Processes started in the worker's place", labels=["worker"]
        )
        dropped = CounterMetricFamily(
            "edge_worker_announcements_dropped",
            "Announcements that the worker was too slow for, and asked for afterwards",
            labels=["worker"],
        )
        lag = HistogramMetricFamily(
            "edge_worker_loop_lag_seconds", "How late the worker's timers fired", labels=["worker"]
        )
        most_lag = GaugeMetricFamily(
            "edge_worker_loop_lag_max_seconds",
            "The worker's latest timer of the last half minute",
            labels=["worker"],
        )
        for worker in self._workers.each():
            label = [str(worker.number)]
            ready.add_metric(label, worker.is_ready)
            connections.add_metric(label, worker.engine.connections)
            streams.add_metric(label, worker.engine.streams)
            starts.add_metric(label, worker.starts)
            dropped.add_metric(label, worker.dropped)
            durations = worker.lag.durations
            lag.add_metric(label, durations.buckets(), durations.total_seconds)
            most_lag.add_metric(label, worker.lag.most_seconds)
        yield from (ready, connections, streams, starts, dropped, lag, most_lag)
