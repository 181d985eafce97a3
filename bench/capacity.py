"""What so many connections need, from what one of them costs: pure arithmetic.

Streams are dealt to nodes by a balancer that knows nothing of environments, so every node has
streams of nearly every environment and hears of every change.
"""

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from bench.connections_result import EACH, ENVIRONMENT
from bench.fanout_result import DELIVERY, KERNEL, PUBLISH, SUBSCRIBE, USER
from bench.load.bounds import OutOfBounds
from bench.peers.lineup import FH
from bench.result import NoResult, Result

_EVENT_HEAD_BYTES: Final = 66
"""TCP and IP, and the link's frame, around what a delivery carries."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What one thing costs at Edge.

    `kernel_bytes` is what the server's side of a connection takes. The defaults are what fh's own
    benches found on two processors of 2024, rounded up.
    """

    subscribe_us: float = 100.0
    delivery_us: float = 7.0
    publish_us: float = 80.0
    user_bytes: float = 300.0
    kernel_bytes: float = 5_000.0
    environment_bytes: float = 2_048.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be served. `changes_per_second` are those of all environments together."""

    connections: int
    environments: int = 10_000
    changes_per_second: float = 10.0
    stream_life_seconds: float = 30.0
    payload_bytes: int = 500
    features_bytes: int = 8_000

    @property
    def subscribes_per_second(self) -> float:
        """How many streams begin a second: each ends after its life and comes back."""
        return self.connections / self.stream_life_seconds

    @property
    def deliveries_per_second(self) -> float:
        """How many events reach a stream a second, environments being of one size."""
        return self.changes_per_second * self.connections / self.environments


@dataclass(frozen=True, slots=True)
class Node:
    """One machine. `utilisation` is the share of it that may be planned for."""

    cores: int = 16
    memory_bytes: int = 64 << 30
    utilisation: float = 0.6
    most_connections: int = 1_000_000
    workers_bytes: int = 64 << 20
    """What each worker process takes before its first stream; there is one a core."""


class Limit(Enum):
    """What the number of nodes follows from."""

    CORES = "cores"
    MEMORY = "memory"
    CONNECTIONS = "connections a node"


@dataclass(frozen=True, slots=True)
class Need:
    """What it takes; of `nodes` one more than needed, for when one fails."""

    nodes: int
    limit: Limit
    cores: float
    memory_bytes: float
    network_bits_per_second: float
    bus_in_per_second: float
    bus_out_per_second: float
    average_fan_out_seconds: float
    whole_fan_out_seconds: float


class TooSmall(OutOfBounds):
    """A node has no room left for a single stream; the text says why."""


def needed(wish: Wish, costs: Costs, node: Node) -> Need:
    """Return what `wish` needs of such nodes.

    Raises:
        TooSmall: what every node does for itself fills it.
    """
    # Every node hears of every change, and knows every environment that it has a stream of.
    for_changes = wish.changes_per_second * costs.publish_us / 1e6
    cores_left = node.cores * node.utilisation - for_changes
    if cores_left <= 0:
        raise TooSmall(
            f"{wish.changes_per_second:g} changes a second keep {for_changes:.1f} cores of every "
            f"node busy, {node.cores * node.utilisation:.1f} may be: plan for more cores a node"
        )
    own_bytes = node.cores * node.workers_bytes + wish.environments * costs.environment_bytes
    bytes_left = node.memory_bytes * node.utilisation - own_bytes
    if bytes_left <= 0:
        raise TooSmall(
            f"{wish.environments:,} environments and {node.cores} workers take "
            f"{own_bytes / 2**30:.1f} GiB of every node: plan for more memory a node"
        )
    for_streams = (
        wish.subscribes_per_second * costs.subscribe_us
        + wish.deliveries_per_second * costs.delivery_us
    ) / 1e6
    stream_bytes = wish.connections * (costs.user_bytes + costs.kernel_bytes)
    nodes_by = {
        Limit.CORES: math.ceil(for_streams / cores_left),
        Limit.MEMORY: math.ceil(stream_bytes / bytes_left),
        Limit.CONNECTIONS: math.ceil(wish.connections / node.most_connections),
    }
    limit = max(nodes_by, key=lambda each: nodes_by[each])
    nodes = nodes_by[limit] + 1
    sent_bytes = (
        wish.deliveries_per_second * (wish.payload_bytes + _EVENT_HEAD_BYTES)
        + wish.subscribes_per_second * wish.features_bytes
    )
    in_one_environment = wish.connections / wish.environments
    return Need(
        nodes=nodes,
        limit=limit,
        cores=for_streams + nodes * for_changes,
        memory_bytes=stream_bytes + nodes * own_bytes,
        network_bits_per_second=sent_bytes * 8,
        bus_in_per_second=wish.changes_per_second,
        bus_out_per_second=wish.changes_per_second * nodes,
        average_fan_out_seconds=_fan_out_seconds(in_one_environment, nodes, costs, node),
        whole_fan_out_seconds=_fan_out_seconds(wish.connections, nodes, costs, node),
    )


def costs_in(result: Result, known: Costs) -> Costs:
    """Return `known` with what `result` measured at fh in its place.

    Raises:
        NoResult: it measured nothing of the kind.
    """
    cells = {row.name: row.cells for row in result.rows}
    mine = cells.get(FH, {})
    places = {
        "subscribe_us": (mine, SUBSCRIBE.name, 1.0),
        "delivery_us": (mine, DELIVERY.name, 1.0),
        "publish_us": (mine, PUBLISH.name, 1.0),
        "user_bytes": (mine, USER.name, 1.0),
        # Both ends of a connection were on the machine that measured.
        "kernel_bytes": (mine, KERNEL.name, 0.5),
        "environment_bytes": (cells.get(EACH, {}), ENVIRONMENT.name, 1.0),
    }
    found: dict[str, float] = {}
    for name, (row, column, share) in places.items():
        cell = row.get(column)
        if isinstance(cell, int | float) and cell > 0:
            found[name] = cell * share
    if not found:
        raise NoResult(f"{result.bench} holds no costs of fh: plan needs fanout or connections")
    return replace(known, **found)


def _fan_out_seconds(streams: float, nodes: int, costs: Costs, node: Node) -> float:
    """Return when the last of `streams` has an event, all cores of all nodes at work."""
    return (costs.publish_us + streams / nodes / node.cores * costs.delivery_us) / 1e6
