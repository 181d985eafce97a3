"""Where clients come in: a door of this process, or workers behind one port."""

import socket
from collections.abc import Sequence
from typing import TypeAlias

from prometheus_client.registry import Collector

from fh.contracts.updates import FeatureUpdates
from fh.dacha.dacha import Dacha
from fh.edge.door import Door, raise_descriptor_limit
from fh.edge.edge import Edge
from fh.edge.engine import EngineStatistics
from fh.edge.life import TakeAway
from fh.edge.link import NOTHING_COUNTED
from fh.edge.metrics import EdgeCollector
from fh.roles.bus import AnyBus
from fh.roles.settings.dacha import DachaPartSettings
from fh.roles.settings.edge import EdgePartSettings
from fh.roles.tally import total
from fh.roles.worker_metrics import WorkersCollector
from fh.roles.worker_process import Surroundings
from fh.roles.workers import Workers, WorkersSettings

Entrance: TypeAlias = Door | Workers


def open_entrance(
    edge: Edge,
    listener: socket.socket,
    workers: int,
    settings: EdgePartSettings,
    *,
    cache: DachaPartSettings,
    dacha: Dacha,
    bus: AnyBus,
    updates: FeatureUpdates,
    elsewhere: TakeAway,
    other_protocol: TakeAway,
) -> Entrance:
    """Return a door to `edge`, or with more than one of `workers` those.

    `listener` listens for the door, and only keeps the port for workers.
    """
    if workers <= 1:
        return Door(listener, edge.adopt, descriptors=raise_descriptor_limit())
    raise_descriptor_limit()
    many = Workers(
        listener,
        WorkersSettings(
            workers,
            settings.host,
            edge=settings.edge(),
            dacha=cache.dacha(),
            log_level=settings.log_level,
            log_format=settings.log_format,
        ),
        Surroundings(
            truth=dacha.truth,
            updates=updates,
            take_elsewhere=elsewhere,
            take_other_protocol=other_protocol,
        ),
    )
    # What they hear of, the cache that they ask has heard of.
    bus.subscribe("workers", many.on_delivery)
    dacha.follow("workers", many.on_delivery)
    return many


def serves(edge: Edge, entrance: Entrance) -> bool:
    """Return whether clients are served."""
    return edge.statistics() is not None and (
        not isinstance(entrance, Workers) or entrance.is_serving
    )


def edge_collectors(edge: Edge, entrance: Entrance) -> Sequence[Collector]:
    """Return the figures of Edge, those of workers among them."""
    if not isinstance(entrance, Workers):
        return [EdgeCollector(edge.statistics, edge.patterns_cut_off)]

    def statistics() -> EngineStatistics:
        return total([edge.statistics() or NOTHING_COUNTED, entrance.statistics()])

    def patterns_cut_off() -> int:
        return edge.patterns_cut_off() + entrance.patterns_cut_off()

    return [EdgeCollector(statistics, patterns_cut_off), WorkersCollector(entrance)]
