"""How many machines do so many connections need?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import msgspec

from bench.capacity import Costs, Need, Node, Wish, costs_in, needed
from bench.command import conclude, refusals, with_output
from bench.result import Better, Chart, Column, Line, Result, Row, begin_result, load_result

_WISHES: Final = (10_000_000, 100_000_000)

COLUMNS: Final = (
    Column("nodes", "machines, one of them spare", "", Better.LOWER),
    Column("cores", "that are busy on average", "", Better.LOWER),
    Column("GiB", "memory for streams, environments and processes, kernel included", "GiB"),
    Column("Gbit/s", "sent to clients", "Gbit/s", decimals=1),
    Column("subscribes/s", "streams that begin"),
    Column("deliveries/s", "events that reach a stream"),
    Column("NATS in/s", "messages that MR publishes", "messages a second", decimals=1),
    Column("NATS out/s", "messages that NATS hands to nodes", "messages a second", decimals=1),
    Column(
        "average ms",
        "until the last stream of an average environment has an event",
        "ms",
        decimals=2,
    ),
    Column("all ms", "the same, were all connections in one environment", "ms"),
    Column("limit", "what the number of nodes follows from"),
)


@click.command
@click.option(
    "--connections",
    type=click.IntRange(1),
    multiple=True,
    default=_WISHES,
    show_default=True,
    help="How many; may be repeated.",
)
@click.option(
    "--profile",
    "profiles",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="A result of fanout or connections to take costs from; may be repeated, later ones win.",
)
@click.option("--environments", type=click.IntRange(1), default=10_000, show_default=True)
@click.option(
    "--changes",
    type=click.FloatRange(0),
    default=10,
    show_default=True,
    help="Changes a second in all environments together.",
)
@click.option(
    "--stream-life",
    type=click.FloatRange(1),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="After which a stream ends and comes back: edge.sse.drop-after-seconds.",
)
@click.option("--payload-bytes", type=click.IntRange(1), default=500, show_default=True)
@click.option(
    "--features-bytes",
    type=click.IntRange(0),
    default=8_000,
    show_default=True,
    help="What a stream gets first: about 160 bytes a feature.",
)
@click.option("--cores", type=click.IntRange(1), default=16, show_default=True, help="Of a node.")
@click.option(
    "--memory", type=click.IntRange(1), default=64, show_default=True, help="Of a node, in GiB."
)
@click.option(
    "--utilisation",
    type=click.FloatRange(1, 100),
    default=60,
    show_default=True,
    metavar="PERCENT",
    help="Of a node that may be planned for.",
)
@click.option(
    "--node-connections",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    help="Connections that a node may have at most.",
)
@with_output
def command(
    connections: tuple[int, ...],
    profiles: tuple[Path, ...],
    json_file: Path | None,
    html_file: Path | None,
    *,
    environments: int,
    changes: float,
    stream_life: float,
    payload_bytes: int,
    features_bytes: int,
    cores: int,
    memory: int,
    utilisation: float,
    node_connections: int,
    check: bool,
) -> None:
    """How many machines do so many connections need?

    Multiplies what a stream, a subscribe, a delivery and an environment cost by how many there
    are, and says how many nodes, cores and gigabytes that is, and how many messages NATS carries.
    The costs are those of --profile, best measured on a machine like the ones that are planned
    for; without it those that fh's own benches found. All assumptions are printed.

    \b
    Examples:
      fh bench plan
      fh bench fanout --json fanout.json; fh bench connections --json connections.json
      fh bench plan --connections 10000000 --profile fanout.json --profile connections.json
      fh bench plan --connections 100000000 --stream-life 600 --changes 100 --cores 64 --memory 256

    What it does not know: TLS (let a proxy or the balancer speak it, or plan for about 15 KiB a
    connection), polls, and the hour after an outage, when everybody comes back at once.
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    node = Node(cores, memory << 30, utilisation / 100, node_connections)
    wishes = [
        Wish(count, environments, changes, stream_life, payload_bytes, features_bytes)
        for count in dict.fromkeys(connections)
    ]
    with refusals():
        costs = Costs()
        for profile in profiles:
            costs = costs_in(load_result(profile), costs)
        result = as_result(wishes, costs, node, measured=bool(profiles))
    conclude(result, json_file=json_file, html_file=html_file, check=check)


def as_result(wishes: list[Wish], costs: Costs, node: Node, *, measured: bool) -> Result:
    """Return what each of `wishes` needs.

    Raises:
        TooSmall: what every node does for itself fills it.
    """
    found = [(wish, needed(wish, costs, node)) for wish in wishes]
    begun = begin_result(
        "plan",
        "how many machines do so many connections need?",
        options={"costs": "measured" if measured else "fh's own"},
        columns=COLUMNS,
    )
    names = tuple(f"{wish.connections:,}" for wish in wishes)
    nodes = Line("nodes", names, tuple(float(need.nodes) for _, need in found))
    return msgspec.structs.replace(
        begun,
        rows=tuple(_row(wish, need) for wish, need in found),
        charts=(Chart("Nodes for so many connections", "", "nodes", (nodes,)),),
        remarks=tuple(_assumptions(wishes[0], costs, node)),
    )


def _row(wish: Wish, need: Need) -> Row:
    return Row(
        f"{wish.connections:,}",
        {
            "nodes": need.nodes,
            "cores": need.cores,
            "GiB": need.memory_bytes / 2**30,
            "Gbit/s": need.network_bits_per_second / 1e9,
            "subscribes/s": wish.subscribes_per_second,
            "deliveries/s": wish.deliveries_per_second,
            "NATS in/s": need.bus_in_per_second,
            "NATS out/s": need.bus_out_per_second,
            "average ms": need.average_fan_out_seconds * 1e3,
            "all ms": need.whole_fan_out_seconds * 1e3,
            "limit": need.limit.value,
        },
    )


def _assumptions(wish: Wish, costs: Costs, node: Node) -> Iterator[str]:
    yield (
        f"a stream lives {wish.stream_life_seconds:g} s, then its client opens another: "
        "edge.sse.drop-after-seconds; twice as long halves the subscribes"
    )
    yield (
        f"{wish.environments:,} environments of one size, {wish.changes_per_second:g} changes a "
        f"second among them, events of {wish.payload_bytes:,} bytes, "
        f"{wish.features_bytes:,} bytes of features at first"
    )
    yield (
        f"a subscribe costs {costs.subscribe_us:.1f} µs, a delivery {costs.delivery_us:.2f} µs, "
        f"an event {costs.publish_us:.1f} µs on each node"
    )
    yield (
        f"a stream takes {costs.user_bytes:,.0f} bytes and {costs.kernel_bytes:,.0f} of the "
        f"kernel, an environment {costs.environment_bytes:,.0f} on each node"
    )
    yield (
        f"a node has {node.cores} cores, {node.memory_bytes >> 30} GiB and up to "
        f"{node.most_connections:,} connections, and is used to {node.utilisation:.0%}; one "
        "subscription to NATS a node, whose parent process feeds a worker a core"
    )
