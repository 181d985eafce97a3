"""The command line."""

import os
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import click

from fh.config import ConfigurationFaults, properties_of, shown

_FAULTY = 2
_MORE_COMMANDS = "fh.commands"
"""The group of entry points in which other packages offer commands."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("fh"), prog_name="fh")
def fh() -> None:
    """A feature-flag platform that speaks FeatureHub's protocols."""


_COMMON = (
    click.option(
        "--properties",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A properties file; `fh settings ROLE` lists what it may hold.",
    ),
    click.option("--host", metavar="ADDRESS", help="Address to listen on.  [default: all]"),
    click.option("--port", metavar="N", help="Port to listen on; 0 for any."),
)

_DATA_DIRECTORY = click.option(
    "--data-dir", metavar="DIR", help="Where the data is kept.  [default: ./data]"
)

_WORKERS = (
    click.option(
        "--workers",
        metavar="N",
        help="Processes for streams and polls; auto is one a core, and what an Edge has.",
    ),
    click.option(
        "--max-streams",
        metavar="N",
        help="Streams at most: more workers where one process can't open as many files.",
    ),
)

Command: TypeAlias = Callable[..., None]


def _common(command: Command) -> Command:
    for option in _COMMON:
        command = option(command)
    return command


def _workers(command: Command) -> Command:
    for option in reversed(_WORKERS):
        command = option(command)
    return command


@fh.command("party-server")
@_DATA_DIRECTORY
@_workers
@_common
def party_server(**options: Any) -> None:
    """Run everything in one process: admin API, cache, and the port for SDKs.

    It brings its own PostgreSQL, kept in the data directory, unless db.url names another one.
    Every setting is a property: in the file, or in the environment under its own name or in
    capitals with underscores (db.url or DB_URL). `fh settings` lists them.

    \b
    Examples:
      fh party-server
      fh party-server --data-dir /var/lib/fh --port 80
      DB_URL=postgresql://db/fh DB_USERNAME=fh DB_PASSWORD=… fh party-server
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    _run("party-server", options)


@fh.command("party-server-ish")
@_DATA_DIRECTORY
@_common
def party_server_ish(**options: Any) -> None:
    """Run the admin API, polls and test writes, without cache and without streams."""
    _run("party-server-ish", options)


@fh.command("mr")
@_DATA_DIRECTORY
@_common
def mr(**options: Any) -> None:
    """Run the Management Repository alone: the admin API, and what it announces by NATS.

    \b
    Example:
      DB_URL=postgresql://db/fh NATS_URLS=nats://nats MR_DACHA2_API_KEYS=… fh mr
    """  # noqa: D301  as above
    _run("mr", options)


@fh.command("dacha")
@_common
def dacha(**options: Any) -> None:
    """Run the cache between MR and the Edges alone.

    \b
    Example:
      NATS_URLS=nats://nats MANAGEMENT_REPOSITORY_URL=http://mr:8085 \\
      DACHA2_CACHE_API_KEY=… fh dacha
    """  # noqa: D301  as above
    _run("dacha", options)


@fh.command("edge")
@_workers
@_common
def edge(**options: Any) -> None:
    """Run what SDKs connect to alone: streams, polls, test writes.

    \b
    Example:
      NATS_URLS=nats://nats DACHA_URL_DEFAULT=http://dacha:8902 fh edge
    """  # noqa: D301  as above
    _run("edge", options)


@fh.command("edge-rest")
@_common
def edge_rest(**options: Any) -> None:
    """Run polls and test writes alone, straight from an MR's database or a replica of it.

    \b
    Example:
      DB_URL=postgresql://db/fh DB_REPLICA_URL=postgresql://replica/fh fh edge-rest
    """  # noqa: D301  as above
    _run("edge-rest", options)


def add_installed_commands() -> None:
    """Take in the commands that other packages offer."""
    for found in entry_points(group=_MORE_COMMANDS):
        fh.add_command(found.load(), found.name)


def _run(name: str, options: Mapping[str, Any]) -> NoReturn:
    # Imported here, for the other commands to answer at once.
    from fh.roles.kinds import role_kind  # noqa: PLC0415
    from fh.roles.process import run_role  # noqa: PLC0415
    from fh.roles.settings.files import read_files  # noqa: PLC0415

    overrides = {
        known: options[option]
        for option, known in (
            ("port", "server.port"),
            ("host", "server.host"),
            ("data_dir", "fh.data-dir"),
            ("workers", "fh.workers"),
            ("max_streams", "fh.max-streams"),
        )
        if options.get(option) is not None
    }
    try:
        file = read_files(options["properties"])
        status = run_role(role_kind(name), environ=os.environ, file=file, overrides=overrides)
    except ConfigurationFaults as faults:
        click.echo("The configuration can't be used:", err=True)
        for fault in faults.faults:
            click.echo(f"  {fault}", err=True)
        sys.exit(_FAULTY)
    sys.exit(status)


@fh.command("settings")
@click.argument("role", default="party-server")
@click.option("--all", "everything", is_flag=True, help="Also FeatureHub's that do nothing here.")
def settings(role: str, *, everything: bool) -> None:
    """List the properties of a role with their defaults; without one, the party-server's."""
    from fh.roles.settings.roles import SETTINGS  # noqa: PLC0415  as above
    from fh.roles.settings.without_effect import without_effect  # noqa: PLC0415  as above

    if role not in SETTINGS:
        raise click.BadParameter(f"expected one of {', '.join(SETTINGS)}", param_hint="ROLE")
    for name, (known, default) in properties_of(SETTINGS[role]).items():
        click.echo(f"{name}={shown(default)}")
        click.echo(f"    {known.summary}")
    if everything:
        click.echo("\nWithout effect:")
        for each in without_effect(role):
            click.echo(f"{each.name}\n    {each.reason}")
