"""How a command of live streams is told which server to load, and how much."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click
import httpx2

from bench.command import ENVIRONMENTS, FAILED, STREAMS, WORKERS, refusals, with_remote
from bench.deployment.process import DeploymentFailed
from bench.live.admin import AdminRefused
from bench.live.server import SHAPES
from bench.load.bounds import OutOfBounds
from bench.load.link import LoadFailed
from bench.load.live_link import processes_for
from bench.result import Cell

_INTERRUPTED: Final = 130
"""As shells say it."""

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option(
        "--features",
        type=click.IntRange(1, 100),
        default=5,
        show_default=True,
        help="Features of each environment.",
    ),
    click.option(
        "--load-processes",
        type=click.IntRange(0, 100),
        default=0,
        help="Processes of the load client.  [default: as few as the streams fit into]",
    ),
    click.option(
        "--shape",
        type=click.Choice(SHAPES),
        default=SHAPES[0],
        show_default=True,
        help="The server that is started: a party-server, or NATS, MR, Dacha and Edge apart.",
    ),
    click.option("--admin-url", help="Where MR of --url is, if elsewhere."),
    click.option("--admin-token", help="An access token of an administrator of --url."),
    click.option(
        "--feature", help="STRING features of --url to change, by key; several with commas."
    ),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command was asked for; the options of `with_live`.

    With `one_key` streams use the server-evaluated keys only, else those that are for SDKs, too.
    `window` streams are being opened at once by each load process.
    """

    streams: int
    environments: int
    features: int
    workers: int
    shape: str
    load_processes: int
    url: str | None = None
    key: str | None = None
    pid: int | None = None
    allow_remote: bool = False
    admin_url: str | None = None
    admin_token: str | None = None
    feature: str | None = None
    one_key: bool = False
    window: int = 128

    @property
    def name(self) -> str:
        """What is loaded, for the first column."""
        if self.url:
            return self.url
        return f"{self.shape}, {self.workers} workers" if self.workers else self.shape

    def shown(self) -> dict[str, Cell]:
        """Return the options that a result tells of: no secrets, nothing that was not given."""
        return {
            "streams": self.streams,
            "environments": self.environments,
            "features": self.features,
            "workers": self.workers,
            "shape": None if self.url else self.shape,
            "url": self.url,
            "load processes": self.processes,
        }

    @property
    def processes(self) -> int:
        """Processes of the load client."""
        return self.load_processes or processes_for(self.streams)


def with_live(command: F) -> F:
    """Give a command the options of a server under live streams: the fields of `Wanted`."""
    for option in reversed((STREAMS, ENVIRONMENTS, *_OPTIONS, WORKERS)):
        command = option(command)
    return with_remote(command)


def wanted(options: dict[str, Any]) -> Wanted:
    """Return what the options ask for, taking them out.

    Raises:
        OutOfBounds: they do not fit together.
    """
    names = set(Wanted.__dataclass_fields__) & set(options)
    found = Wanted(**{name: options.pop(name) for name in names})
    if found.url and not (found.key and found.admin_token):
        raise OutOfBounds(
            "--url needs --key, and --admin-token for changes to be made and versions to be told: "
            "log in as an administrator (POST /mr-api/login) and take its accessToken"
        )
    return found


@contextmanager
def failures() -> Iterator[None]:
    """End the command with status 2 when a run is refused, with 1 when it failed."""
    with refusals():
        try:
            yield
        except* (DeploymentFailed, LoadFailed, AdminRefused, httpx2.TransportError) as failed:
            for reason in _reasons(failed):
                click.echo(reason, err=True)
            raise SystemExit(FAILED) from None
        except* KeyboardInterrupt:
            raise SystemExit(_INTERRUPTED) from None
        except* OutOfBounds as refused:
            raise OutOfBounds(_reasons(refused)[0]) from None


def _reasons(group: BaseExceptionGroup[Any]) -> list[str]:
    found: list[str] = []
    for each in group.exceptions:
        found += _reasons(each) if isinstance(each, BaseExceptionGroup) else [str(each)]
    return found
