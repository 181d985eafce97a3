"""What does it cost to run the parts apart? One party-server beside three Edges with all the rest.

    fh bench split [--streams 3000]

Both deployments have the same streams, polls and updates, and take turns on the same machine.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import click
from msgspec import structs

from bench.command import conclude, refusals, with_output
from bench.deployment.admin import Admin
from bench.deployment.contents import fill, within_database
from bench.deployment.process import DeploymentFailed
from bench.deployment.shapes import Deployment, open_party, open_split
from bench.deployment.workload import Plan, Workload, open_workload
from bench.load.bounds import require_bounded, require_descriptors
from bench.load.link import LoadFailed
from bench.load.percentiles import percentile
from bench.result import Better, Cell, Column, Row, begin_result
from fh.log import configure_logging

QUESTION = "What does it cost to run the parts apart?"

DACHAS = 2
EDGES = 3

_FEATURES = 10
_IDLE_SECONDS = 5.0
_LIFE_SECONDS = 1_800.0
_MEBIBYTE = 2**20

COLUMNS = (
    Column("streams", "streams that were open throughout"),
    Column("updates", "changes by an admin"),
    Column("lost", "deliveries that never arrived", "", Better.LOWER),
    Column("PUT", "the median of an admin's waits for the answer", "ms", Better.LOWER, 1),
    Column("50 %", "from that answer to the last stream, median", "ms", Better.LOWER, 1),
    Column("99 %", "what 99 % of these do not exceed", "ms", Better.LOWER, 1),
    Column("poll", "median of the polls meanwhile", "ms", Better.LOWER, 1),
    Column("CPU", "processor time of all processes for a delivery", "µs", Better.LOWER, 1),
    Column("idle", "processor used while nothing happens", "%", Better.LOWER, 1),
    Column("memory", "in memory with all streams open", "MiB", Better.LOWER, 1),
)

_REMARKS = (
    f"Apart are {EDGES} Edges, {DACHAS} Dachas, an MR with its PostgreSQL, and NATS.",
    "Processor time includes the changes themselves, the polls and whatever runs meanwhile.",
)


@click.command(name="split", short_help=QUESTION)
@click.option(
    "--streams",
    type=click.IntRange(1),
    default=3_000,
    show_default=True,
    help="Streams at each of the two deployments.",
)
@click.option(
    "--environments",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Environments that the streams are spread over.",
)
@click.option(
    "--updates", type=click.IntRange(1), default=200, show_default=True, help="For each of them."
)
@click.option(
    "--rounds", type=click.IntRange(1), default=4, show_default=True, help="They take turns."
)
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 1_000),
    default=5.0,
    show_default=True,
    help="Updates a second.",
)
@click.option(
    "--polls",
    type=click.FloatRange(0.1, 1_000),
    default=20.0,
    show_default=True,
    help="Polls a second.",
)
@with_output
def command(
    streams: int,
    environments: int,
    updates: int,
    rounds: int,
    rate: float,
    polls: float,
    json_file: Path | None,
    html_file: Path | None,
    *,
    check: bool,
) -> None:
    """Compare a party-server with three Edges, two Dachas, MR and NATS under the same load.

    Every update has to reach every stream, and what was sent last has to be what MR holds.

    \b
    Examples:
      fh bench split --streams 500 --updates 50
      fh bench split --rate 100 --json split.json
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    configure_logging("error", "console")
    with refusals():
        require_bounded(2 * streams, _LIFE_SECONDS)
        require_descriptors(streams)
    options: dict[str, Cell] = {
        "streams": streams,
        "environments": environments,
        "updates": updates,
        "updates/s": rate,
        "polls/s": polls,
    }
    found = begin_result("split", QUESTION, options=options, columns=COLUMNS)
    plan = Plan(streams, rate, polls, _LIFE_SECONDS)
    try:
        with tempfile.TemporaryDirectory(prefix="fh-bench-") as name:
            rows, spoiled = _measured(Path(name), plan, environments, updates, rounds)
    except (DeploymentFailed, LoadFailed) as failure:
        raise click.ClickException(str(failure)) from failure
    result = structs.replace(
        found, rows=tuple(rows), ratios=_ratios(rows), remarks=_REMARKS, spoiled=tuple(spoiled)
    )
    conclude(result, json_file=json_file, html_file=html_file, check=check)


def _measured(
    directory: Path, plan: Plan, environments: int, updates: int, rounds: int
) -> tuple[list[Row], list[str]]:
    with ExitStack() as stack:
        workloads = [
            stack.enter_context(_open(directory / shape, shape, plan, environments))
            for shape in ("party-server", "split")
        ]
        memory = [workload.deployment.memory_bytes() for workload in workloads]
        idle = [workload.idle(_IDLE_SECONDS) for workload in workloads]
        for number in range(rounds):
            for workload in workloads:
                name = workload.deployment.name
                click.echo(f"round {number + 1} of {rounds}: {name}", err=True)
                workload.play(updates // rounds + (number < updates % rounds))
        rows: list[Row] = []
        for workload, weights, share in zip(workloads, memory, idle, strict=True):
            rows.append(_row(workload, plan, weights, share))
        for name, weight in memory[1].items():
            rows.append(Row(f"  {name}", {"memory": weight / _MEBIBYTE}))
        return rows, [fault for workload in workloads for fault in _faults(workload)]


@contextmanager
def _open(directory: Path, shape: str, plan: Plan, environments: int) -> Iterator[Workload]:
    """Start a deployment, put what it needs into it, and open its streams."""
    directory.mkdir()
    with ExitStack() as stack:
        deployment = stack.enter_context(_deployment(directory, shape))
        admin = stack.enter_context(Admin(deployment.admin.port))
        admin.set_up()
        contents = within_database(
            directory / "data", lambda tx: fill(tx, shape, environments, _FEATURES)
        )
        click.echo(f"{shape}: opening {plan.streams:,} streams", err=True)
        yield stack.enter_context(open_workload(deployment, admin, contents.keys, plan))


@contextmanager
def _deployment(directory: Path, shape: str) -> Iterator[Deployment]:
    if shape == "split":
        with open_split(directory, dachas=DACHAS, edges=EDGES) as deployment:
            yield deployment
    else:
        with open_party(directory) as deployment:
            yield deployment


def _row(workload: Workload, plan: Plan, weights: dict[str, int], idle: float) -> Row:
    seen = workload.seen
    late = sorted(seen.late_seconds)
    return Row(
        workload.deployment.name,
        {
            "streams": plan.streams,
            "updates": len(seen.put_seconds),
            "lost": seen.missing,
            "PUT": median(seen.put_seconds) * 1e3,
            "50 %": percentile(late, 50) * 1e3 if late else None,
            "99 %": percentile(late, 99) * 1e3 if late else None,
            "poll": median(seen.poll_seconds) * 1e3 if seen.poll_seconds else None,
            "CPU": seen.processor_seconds / seen.deliveries * 1e6 if seen.deliveries else None,
            "idle": idle * 100,
            "memory": sum(weights.values()) / _MEBIBYTE,
        },
    )


def _ratios(rows: Sequence[Row]) -> dict[str, float]:
    """Return how many times the party-server's figures the parts apart need."""
    party, split = rows[0].cells, rows[1].cells
    ratios = {}
    for name, column in (
        ("cpu_vs_party_server", "CPU"),
        ("memory_vs_party_server", "memory"),
        ("propagation_vs_party_server", "50 %"),
    ):
        match party[column], split[column]:
            case (float() as one, float() as other) if one:
                ratios[name] = other / one
    return ratios


def _faults(workload: Workload) -> Iterator[str]:
    seen, name = workload.seen, workload.deployment.name
    if seen.missing:
        yield f"{name}: {seen.missing} deliveries never arrived"
    if seen.ended_streams:
        yield f"{name}: {seen.ended_streams} streams ended"
    if seen.refused_polls:
        yield f"{name}: {seen.refused_polls} polls were refused"
    if behind := workload.behind_mr():
        yield f"{name}: in {behind} environments streams hold something else than MR"


if __name__ == "__main__":
    command()
