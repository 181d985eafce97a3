"""The server under live streams: one that runs already, or one started for the run."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench.deployment.process import NatsProgram, Program, RoleProgram
from bench.load.bounds import OutOfBounds, require_local

SHAPES: Final = ("party", "split")
START_SECONDS: Final = 600.0
"""Dozens of workers on two processors take their time."""

_MR_KEY: Final = "what-a-dacha-shows"
_DACHA_KEY: Final = "what-an-edge-shows"


@dataclass(frozen=True, slots=True)
class LiveServer:
    """Where SDKs connect and where changes are made; `programs` are those that we started.

    `edge` is the one of them that has the streams, `pid` that process or the one we were told.
    """

    host: str
    port: int
    admin_url: str
    path: str = ""
    pid: int | None = None
    edge: RoleProgram | None = None
    programs: tuple[Program, ...] = ()

    def processes(self) -> list[int]:
        """Return every process of it that can be seen."""
        if self.programs:
            return [pid for program in self.programs for pid in program.family()]
        return [] if self.pid is None else [self.pid]


def running_server(url: str, *, admin_url: str, pid: int | None, allow_remote: bool) -> LiveServer:
    """Return a server that runs already.

    Raises:
        OutOfBounds: the URL names no server, or one on another machine without consent.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise OutOfBounds(f"{url} is no http:// address with a host")
    port = parts.port or 80
    require_local(parts.hostname, port, allow_remote=allow_remote)
    return LiveServer(parts.hostname, port, admin_url or url, parts.path.rstrip("/"), pid)


@contextmanager
def started_server(
    directory: Path, shape: str, *, workers: int, settings: Mapping[str, str]
) -> Iterator[LiveServer]:
    """Run a server of `shape` on an empty directory; `settings` are told to every role.

    Raises:
        DeploymentFailed: a part of it ended, or did not get ready.
    """
    with ExitStack() as stack:
        parts = _split(directory, workers, settings) if shape == "split" else None
        programs = parts or [_role("party-server", directory, settings, workers)]
        for program in programs:
            stack.callback(program.end, signal.SIGTERM)
            _start(program)
        roles = [program for program in programs if isinstance(program, RoleProgram)]
        for role in roles:
            role.wait_ready(seconds=START_SECONDS)
        mr, edge = roles[0], roles[-1]
        yield LiveServer(
            "127.0.0.1", edge.port, mr.url, pid=edge.pid, edge=edge, programs=tuple(programs)
        )


def _split(directory: Path, workers: int, settings: Mapping[str, str]) -> list[Program]:
    """Return NATS, MR, Dacha and Edge, in the order in which they start."""
    nats = NatsProgram(directory)
    joined = {"NATS_URLS": nats.url, **settings}
    mr = _role("mr", directory, {**joined, "MR_DACHA2_API_KEYS": _MR_KEY})
    asks_mr = {"MANAGEMENT_REPOSITORY_URL": mr.url, "DACHA2_CACHE_API_KEY": _MR_KEY}
    dacha = _role("dacha", directory, {**joined, **asks_mr, "FH_DACHA_API_KEYS": _DACHA_KEY})
    asks_dacha = {"DACHA_URL_DEFAULT": dacha.url, "DACHA2_CACHE_API_KEY": _DACHA_KEY}
    return [nats, mr, dacha, _role("edge", directory, {**joined, **asks_dacha}, workers)]


def _role(role: str, directory: Path, settings: Mapping[str, str], workers: int = 0) -> RoleProgram:
    more = {"FH_WORKERS": str(workers)} if workers else {}
    return RoleProgram(role, directory, {**settings, **more})


def _start(program: Program) -> None:
    match program:
        case NatsProgram():
            program.start()
        case _:
            program.launch()
