"""Where clients come in: a door of this process, or workers behind one port."""

import os
import socket
from collections.abc import Sequence
from typing import Final, TypeAlias

import structlog
from prometheus_client.registry import Collector

from fh.contracts.updates import FeatureUpdates
from fh.dacha.dacha import Dacha
from fh.edge.door import Door, raise_descriptor_limit, room_for_connections
from fh.edge.edge import Edge
from fh.edge.engine_statistics import NOTHING_COUNTED, EngineStatistics
from fh.edge.lag import LagMeter, LoopLag
from fh.edge.life import TakeAway
from fh.edge.metrics import EdgeCollector
from fh.roles.bus import AnyBus
from fh.roles.settings.dacha import DachaPartSettings
from fh.roles.settings.workers import WorkersPartSettings
from fh.roles.worker_metrics import WorkersCollector
from fh.roles.worker_process import Surroundings
from fh.roles.workers import Workers, WorkersSettings

log = structlog.get_logger()

Entrance: TypeAlias = Door | Workers


_START_SECONDS: Final = 60.0
_AT_ONCE: Final = 4
"""Workers for each processor that start in that time even on a busy machine."""


def open_entrance(
    edge: Edge,
    listener: socket.socket,
    settings: WorkersPartSettings,
    *,
    cache: DachaPartSettings,
    dacha: Dacha,
    bus: AnyBus,
    updates: FeatureUpdates,
    elsewhere: TakeAway,
    other_protocol: TakeAway,
) -> Entrance:
    """Return a door to `edge`, or with more than one worker those.

    `listener` listens for the door, and only keeps the port for workers.
    """
    chosen = settings.worker_count()
    if chosen.count > 1 or chosen.streams_each:
        log.info(
            "workers_chosen",
            workers=chosen.count,
            streams_each=chosen.streams_each or room_for_connections(),
            reason=chosen.reason,
        )
    if chosen.count <= 1:
        return Door(listener, edge.adopt, descriptors=raise_descriptor_limit())
    raise_descriptor_limit()
    many = Workers(
        listener,
        WorkersSettings(
            chosen.count,
            settings.host,
            edge=settings.edge(),
            dacha=cache.dacha(),
            log_level=settings.log_level,
            log_format=settings.log_format,
            start_seconds=start_seconds(chosen.count, processors=os.cpu_count() or 1),
        ),
        Surroundings(
            truth=dacha.truth,
            updates=updates,
            take_elsewhere=elsewhere,
            take_other_protocol=other_protocol,
            standing=edge.orders.standing,
        ),
    )
    # What they hear of, the cache that they ask has heard of.
    bus.subscribe_timed("workers", many.on_delivery)
    dacha.follow("workers", many.on_delivery)
    return many


def start_seconds(workers: int, *, processors: int) -> float:
    """Return how long workers may take to start that all do so at once, on so many processors."""
    return _START_SECONDS * max(1.0, workers / processors / _AT_ONCE)


def serves(edge: Edge, entrance: Entrance) -> bool:
    """Return whether clients are served."""
    return edge.statistics() is not None and (
        not isinstance(entrance, Workers) or entrance.is_serving
    )


def edge_collectors(edge: Edge, meter: LagMeter, entrance: Entrance) -> Sequence[Collector]:
    """Return the figures of Edge, those of workers among them."""
    if not isinstance(entrance, Workers):
        return [EdgeCollector(edge.statistics, edge.patterns_cut_off, meter.lag)]

    def statistics() -> EngineStatistics:
        return (edge.statistics() or NOTHING_COUNTED) + entrance.statistics()

    def patterns_cut_off() -> int:
        return edge.patterns_cut_off() + entrance.patterns_cut_off()

    def lag() -> LoopLag:
        return meter.lag() + entrance.lag()

    return [EdgeCollector(statistics, patterns_cut_off, lag), WorkersCollector(entrance)]
