"""How long do people wait for the admin API, when there is much in it?

    fh bench mr [--applications 20 --environments 5 --features 50 --people 100]

Starts a party-server, fills it by way of its HTTP API, waits until all of it is announced, and then
asks as one client.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Final

import click
import msgspec
from msgspec import structs

from bench.admin.api import AdminApi
from bench.admin.filling import Filled, Size, fill
from bench.admin.waits import Question, questions, waits_ms
from bench.command import conclude, with_output
from bench.deployment.process import DeploymentFailed
from bench.deployment.shapes import Deployment, open_party
from bench.load.percentiles import percentile
from bench.progress import progress
from bench.result import Better, Cell, Column, Result, Row, Target, begin_result
from fh.log import configure_logging

QUESTION = "How long do people wait for the admin API?"
FULL: Final = Size(applications=1_000, environments=10, features=500, people=1_000)

COLUMNS: Final = (
    Column("requests", "how many were timed, one after the other"),
    Column("50 %", "the median wait", "ms", Better.LOWER, 1),
    Column("99 %", "what 99 % of the waits do not exceed", "ms", Better.LOWER, 1),
    Column("target", "what 99 % should not exceed", "ms"),
)
_FILLED: Final = "filled.json"
_SHORTEST_WAIT_SECONDS: Final = 60.0


@click.command(name="mr", short_help=QUESTION)
@click.option(
    "--applications", type=click.IntRange(1), default=20, show_default=True, help="To be made."
)
@click.option(
    "--environments",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Of each application.",
)
@click.option(
    "--features", type=click.IntRange(1), default=50, show_default=True, help="Of each application."
)
@click.option("--people", type=click.IntRange(0), default=100, show_default=True, help="Besides.")
@click.option(
    "--full",
    is_flag=True,
    help="1,000 applications of 10 environments and 500 features each, and 1,000 people: an hour.",
)
@click.option(
    "--connections",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="That fill side by side.",
)
@click.option(
    "--requests",
    type=click.IntRange(1, 100_000),
    default=200,
    show_default=True,
    help="Timed of each kind.",
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the installation stays; what is filled already is asked again at once.",
)
@with_output
def command(
    applications: int,
    environments: int,
    features: int,
    people: int,
    connections: int,
    requests: int,
    directory: Path | None,
    json_file: Path | None,
    html_file: Path | None,
    *,
    full: bool,
    check: bool,
) -> None:
    """Fill an installation through the admin API, then time what people wait for.

    A page of the dashboard and a page of people should take 100 ms at most, and so should all
    applications of a portfolio; one written value 50 ms, its commit included.

    \b
    Examples:
      fh bench mr
      fh bench mr --applications 200 --features 100 --json mr.json --html mr.html
      fh bench mr --full --directory /var/tmp/fh-full
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    configure_logging("error", "console")
    size = FULL if full else Size(applications, environments, features, people)
    try:
        with _place(directory) as place:
            result = _measured(place, size, connections, requests)
    except DeploymentFailed as failure:
        raise click.ClickException(str(failure)) from failure
    conclude(result, json_file=json_file, html_file=html_file, check=check)


def as_result(
    filled: Filled,
    asked: Sequence[tuple[Question, Sequence[float]]],
    *,
    remarks: Sequence[str],
) -> Result:
    """Return the result; who was never asked has no waits."""
    options: dict[str, Cell] = {
        "applications": filled.applications,
        "environments": filled.environments,
        "features": filled.features,
        "people": filled.people,
    }
    if filled.seconds is not None:
        remarks = [*remarks, f"Filling took {filled.seconds:,.0f} s."]
    if filled.later_seconds is not None:
        remarks = [*remarks, f"Announcing all of it took {filled.later_seconds:,.0f} s more."]
    if not filled.people:
        remarks = [*remarks, "There are no people beside the superuser."]
    return structs.replace(
        begin_result("mr", QUESTION, options=options, columns=COLUMNS),
        rows=tuple(_row(question, waits) for question, waits in asked),
        targets=tuple(
            Target(
                f"{question.name}, 99 % in ms",
                percentile(waits, 99) if waits else None,
                question.limit_ms,
            )
            for question, waits in asked
            if question.limit_ms is not None
        ),
        remarks=tuple(remarks),
    )


def _measured(place: Path, size: Size, connections: int, requests: int) -> Result:
    with open_party(place) as party, AdminApi(party.admin.port) as api:
        api.enter()
        filled = _filled(party, api, place, size, connections)
        served, asked = api.operations(), []
        with progress("waits", len(questions(filled))) as tell:
            for question in questions(filled):
                tell(question.name)
                there = question.needs in served
                asked.append((question, waits_ms(api, question, requests) if there else ()))
        megabytes = sum(party.memory_bytes().values()) // 2**20
    remarks = [f"Party-server and PostgreSQL had {megabytes:,} MB in memory at the end."]
    return as_result(filled, asked, remarks=remarks)


def _filled(party: Deployment, api: AdminApi, place: Path, size: Size, connections: int) -> Filled:
    """Return what there is to ask about, made now if it was not before."""
    known = place / _FILLED
    if known.exists():
        return msgspec.json.decode(known.read_bytes(), type=Filled)
    began = perf_counter()
    with progress("filling", size.steps) as tell:
        filled = fill(api, size, connections=connections, tell=tell)
    seconds = perf_counter() - began
    party.admin.wait_until(
        lambda: party.admin.metric("mr_outbox_lag_seconds") == 0,
        "announcing what was made",
        seconds=max(_SHORTEST_WAIT_SECONDS, seconds),
        pause_seconds=1,
    )
    later_seconds = perf_counter() - began - seconds
    filled = structs.replace(filled, seconds=seconds, later_seconds=later_seconds)
    known.write_bytes(msgspec.json.encode(filled))
    return filled


def _row(question: Question, waits: Sequence[float]) -> Row:
    if not waits:
        return Row(question.name, note=f"{question.meaning}; this server has no {question.needs}")
    cells: dict[str, Cell] = {
        "requests": len(waits),
        "50 %": percentile(waits, 50),
        "99 %": percentile(waits, 99),
        "target": question.limit_ms,
    }
    return Row(question.name, cells, question.meaning)


@contextmanager
def _place(directory: Path | None) -> Iterator[Path]:
    if directory is None:
        with tempfile.TemporaryDirectory(prefix="fh-bench-") as name:
            yield Path(name)
    else:
        directory.mkdir(parents=True, exist_ok=True)
        yield directory
