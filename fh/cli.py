"""The command line."""

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fh.config import ConfigurationFaults, Secret, properties_of, read_properties

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAULTY = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("fh"), prog_name="fh")
def fh() -> None:
    """A feature-flag platform that speaks FeatureHub's protocols."""


@fh.command("party-server")
@click.option("--port", metavar="N", help="Port to listen on; 0 for any.  [default: 8085]")
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [default: all]")
@click.option("--data-dir", metavar="DIR", help="Where the data is kept.  [default: ./data]")
@click.option(
    "--properties",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A properties file; `fh settings` lists what it may hold.",
)
def party_server(
    port: str | None, host: str | None, data_dir: str | None, properties: Path | None
) -> None:
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
    # Imported here, for the other commands to answer at once.
    from fh.roles.process import run_party_server  # noqa: PLC0415

    overrides = {
        name: value
        for name, value in (
            ("server.port", port),
            ("server.host", host),
            ("fh.data-dir", data_dir),
        )
        if value is not None
    }
    try:
        file: Mapping[str, str] = read_properties(properties) if properties else {}
        status = run_party_server(environ=os.environ, file=file, overrides=overrides)
    except ConfigurationFaults as faults:
        click.echo("The configuration can't be used:", err=True)
        for fault in faults.faults:
            click.echo(f"  {fault}", err=True)
        sys.exit(_FAULTY)
    sys.exit(status)


@fh.command("settings")
def settings() -> None:
    """List the properties of the party-server with their defaults."""
    from fh.roles.settings import PartyServerSettings  # noqa: PLC0415  as above

    for name, (known, default) in properties_of(PartyServerSettings).items():
        click.echo(f"{name}={_shown(default)}")
        click.echo(f"    {known.summary}")


def _shown(default: Any) -> str:
    match default:
        case Secret():
            return ""
        case bool():
            return str(default).lower()
        case tuple():
            return ",".join(default)
        case _:
            return str(default)
