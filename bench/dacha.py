"""What does the cache need for many environments? One real Dacha, before a real MR and PostgreSQL.

    fh bench dacha [--environments 10000] [--features 100000]

Each part is a process of its own, joined by HTTP and NATS as in a deployment.
"""

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from bench.cache.hits import change_over_bus, in_process, over_http
from bench.cache.loading import announce_all, capacity, keep, load_all, restore
from bench.cache.meter import COLUMNS
from bench.cache.misses import miss
from bench.cache.reloading import reload_all
from bench.command import conclude, refusals, with_output
from bench.deployment.admin import Admin
from bench.deployment.contents import Contents, fill, within_database
from bench.deployment.process import DeploymentFailed
from bench.deployment.shapes import Parts, open_parts
from bench.load.bounds import OutOfBounds
from bench.result import Row, begin_result
from fh.log import configure_logging

QUESTION = "What does the cache need for many environments?"

FEWEST_FEATURES = 4
"""For each environment, so that the smaller half has one of type STRING."""

_WARM_UP = 100
_MOST_MISSES = 1_000
_CHANGES = 200
_SAMPLE = 2_000

_REMARKS = (
    "Each environment has a service account of its own; reloads count both.",
    "Latencies in the row of the reload are those of hits on /v2 that go on meanwhile.",
    "Memory in the row of the file is its length; it is read with MR paused.",
)


@click.command(name="dacha", short_help=QUESTION)
@click.option(
    "--environments",
    type=click.IntRange(10, 100_000),
    default=10_000,
    show_default=True,
    help="Environments, each with a service account of its own.",
)
@click.option(
    "--features",
    type=click.IntRange(1),
    default=100_000,
    show_default=True,
    help="Features in all environments together.",
)
@with_output
def command(
    environments: int, features: int, json_file: Path | None, html_file: Path | None, *, check: bool
) -> None:
    """Measure the memory, loads, misses, hits, changes and reloads of one Dacha.

    MR, its PostgreSQL, NATS, Dacha and an Edge are started on this machine and filled. With the
    defaults it takes about half an hour.

    \b
    Examples:
      fh bench dacha --environments 500 --features 5000
      fh bench dacha --json dacha.json
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    configure_logging("error", "console")
    with refusals():
        if features < environments * FEWEST_FEATURES:
            raise OutOfBounds(
                f"{features:,} features are too few for {environments:,} environments: "
                f"at least {FEWEST_FEATURES} each"
            )
        found = begin_result(
            "dacha",
            QUESTION,
            options={"environments": environments, "features": features},
            columns=COLUMNS,
        )
        try:
            rows = tuple(_rows(environments, features // environments))
        except DeploymentFailed as failure:
            raise click.ClickException(str(failure)) from failure
    result = msgspec.structs.replace(found, rows=rows, remarks=_REMARKS)
    conclude(result, json_file=json_file, html_file=html_file, check=check)


def _rows(environments: int, mean: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="fh-bench-") as name:
        directory = Path(name)
        with open_parts(directory) as parts, Admin(parts.mr.port) as admin:
            admin.set_up()
            yield from _situations(parts, admin, directory, environments, mean)


def _situations(
    parts: Parts, admin: Admin, directory: Path, environments: int, mean: int
) -> Iterator[Row]:
    data = directory / "data"

    def filled(name: str, count: int, features: int) -> Contents:
        click.echo(f"filling: {count:,} environments of {features} features", err=True)
        return within_database(data, lambda tx: fill(tx, name, count, features))

    warm_up = filled("warm-up", _WARM_UP, mean)
    small = filled("small", environments // 2, mean // 2)
    large = filled("large", environments - environments // 2, 2 * mean - mean // 2)
    keys = (*small.keys, *large.keys)
    file = directory / "last-known"
    kept = {
        "FH_LAST_KNOWN_FILE": str(file),
        "FH_LAST_KNOWN_KEY": secrets.token_hex(32),
        "FH_LAST_KNOWN_SECONDS": "86400",  # only at the stop
    }
    sizes = capacity(len(keys) + len(warm_up.keys))

    yield from _told(miss(parts, warm_up.keys, large.keys[:_MOST_MISSES]))
    dacha = parts.add_dacha("dacha", sizes | kept)
    yield from _told(load_all(parts, dacha, warm_up, small, large))
    yield from _told(over_http(parts, dacha, keys))
    yield from _told([change_over_bus(parts, dacha, admin, keys[:_CHANGES])])
    yield from _told(in_process(dacha, keys[:_SAMPLE]))
    yield from _told([reload_all(parts, dacha, keys, data)])
    yield from _told([keep(dacha, file, 2 * len(keys))])
    yield from _told([restore(parts, dacha, keys)])
    dacha.end()
    yield from _told([announce_all(parts, data, keys)])


def _told(rows: Sequence[Row]) -> Sequence[Row]:
    for row in rows:
        click.echo(f"measured: {row.name}", err=True)
    return rows


if __name__ == "__main__":
    command()
