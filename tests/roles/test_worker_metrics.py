"""What a Prometheus server reads of workers."""

from prometheus_client import CollectorRegistry, generate_latest

from fh.edge.metrics import EdgeCollector
from fh.roles.worker_metrics import WorkersCollector
from tests.roles.workers_world import all_ready, eventually, kill, parent_of_workers


async def test_sums_are_edges_own_metrics_and_each_worker_has_some_of_its_own() -> None:
    async with parent_of_workers() as parent:
        registry = CollectorRegistry()
        workers = parent.workers
        registry.register(EdgeCollector(workers.statistics, workers.patterns_cut_off, workers.lag))
        registry.register(WorkersCollector(workers))
        streams = await parent.streams_on_every_worker()
        told = generate_latest(registry).decode()
        shares = [each.engine.streams for each in workers.each()]
        assert sum(shares) == len(streams)
        assert f"\nedge_sse_active_connections {len(streams)}.0\n" in told
        assert f"\nedge_accepted_total {len(streams)}.0\n" in told
        for number, share in enumerate(shares):
            assert f'\nedge_worker_streams{{worker="{number}"}} {share}.0\n' in told
            assert f'\nedge_worker_connections{{worker="{number}"}} {share}.0\n' in told
            assert f'\nedge_worker_ready{{worker="{number}"}} 1.0\n' in told
            assert f'\nedge_worker_starts_total{{worker="{number}"}} 1.0\n' in told
            assert f'edge_worker_announcements_dropped_total{{worker="{number}"}} 0.0\n' in told

        victim = parent.pids()[0]
        kill(victim)
        await eventually(lambda: not workers.each()[0].is_ready)
        told = generate_latest(registry).decode()
        assert '\nedge_worker_ready{worker="0"} 0.0\n' in told
        await all_ready(parent, without=victim)
        told = generate_latest(registry).decode()
        assert '\nedge_worker_starts_total{worker="0"} 2.0\n' in told
        # What the dead one counted is not lost, its streams are.
        assert f"\nedge_accepted_total {len(streams)}.0\n" in told
        assert f"\nedge_sse_active_connections {shares[1]}.0\n" in told
