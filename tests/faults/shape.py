"""How the deployment is put together that a fault happens to, with something on every way."""

import random
import subprocess
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from fh.db.cluster import USER
from fh.db.embedded import EmbeddedPostgres
from tests.e2e.role_process import free_port
from tests.e2e.server import SplitServer
from tests.faults.proxy import Proxy

LAST_KNOWN_SECONDS = 1
_SETTINGS = {"EDGE_SSE_DROP_AFTER_SECONDS": "600", "FH_LOG_LEVEL": "debug"}
_LAST_KNOWN = {
    "FH_LAST_KNOWN_KEY": "what only a test would choose",
    "FH_LAST_KNOWN_SECONDS": str(LAST_KNOWN_SECONDS),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What is different from two Dachas, two Edges and one NATS on a disk with room.

    Attributes:
        nats: How many servers of NATS there are.
        workers: Of each Edge; none is Edge in one process.
        has_own_database: Whether MR's PostgreSQL is apart from it, behind the way "mr-postgres".
        keeps_last_known: Whether Dachas and Edges have a file of what they know.
        small_disk: Which directory is on a disk of so few megabytes: "data" is MR's, "last-known"
            the caches'.
    """

    nats: int = 1
    workers: int = 0
    has_own_database: bool = False
    keeps_last_known: bool = False
    small_disk: tuple[str, int] | None = None


ORDINARY = Shape()


class DiskRefused(Exception):
    """There can't be a file system of ours here."""


class Disk:
    """A file system of so few megabytes, at a directory."""

    def __init__(self, directory: Path, megabytes: int):
        """Make it.

        Raises:
            DiskRefused: who runs the tests may not.
        """
        self._directory = directory
        self._filler = directory / "filler"
        directory.mkdir()
        options = ["-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "fh-faults"]
        mounted = subprocess.run(
            ["mount", *options, str(directory)], capture_output=True, text=True, check=False
        )
        if mounted.returncode:
            raise DiskRefused(mounted.stderr.strip())

    def fill(self) -> None:
        """Leave no room at all."""
        piece = bytes(65_536)
        with self._filler.open("ab", buffering=0) as file:
            while piece:
                try:
                    file.write(piece)
                except OSError:
                    piece = piece[: len(piece) // 2]

    def free(self) -> None:
        self._filler.unlink()

    def discard(self) -> None:
        """Give it back, whoever may still use it."""
        subprocess.run(["umount", "--lazy", str(self._directory)], check=True)


class Deployment:
    """A split deployment; `ways` are what lies between its parts, by name."""

    def __init__(self, directory: Path, shape: Shape, source: random.Random):
        self.ways: dict[str, list[Proxy]] = defaultdict(list)
        self.disk: Disk | None = None
        self._directory = directory
        self._shape = shape
        self._source = source
        self._roles: Counter[str] = Counter()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SplitServer]:
        """Have everything that is to be there before the roles start."""
        async with trio.open_nursery() as nursery:
            if self._shape.has_own_database:
                await nursery.start(self._postgres().run)
            split = SplitServer(
                self._directory,
                _SETTINGS,
                dachas=2,
                edges=2,
                nats=self._shape.nats,
                between=self._between,
                tell=self._settings_of,
            )
            for proxy in [each for way in self.ways.values() for each in way]:
                nursery.start_soon(proxy.run)
            if self._shape.small_disk is not None:
                name, megabytes = self._shape.small_disk
                self.disk = Disk(self._directory / name, megabytes)
            elif self._shape.keeps_last_known:
                self._directory.joinpath("last-known").mkdir()
            try:
                yield split
            finally:
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(split.discard)
                if self.disk is not None:
                    self.disk.discard()
                nursery.cancel_scope.cancel()

    def _postgres(self) -> EmbeddedPostgres:
        port = free_port()
        door = self._between("mr-postgres", port)
        self._database_url = f"postgresql://{USER}@127.0.0.1:{door}/postgres?sslmode=disable"
        return EmbeddedPostgres(
            self._directory / "postgres",
            settings={"listen_addresses": "127.0.0.1", "port": str(port)},
        )

    def _between(self, name: str, port: int) -> int:
        proxy = Proxy(port, self._source)
        self.ways[name].append(proxy)
        return proxy.port

    def _settings_of(self, role: str) -> Mapping[str, str]:
        self._roles[role] += 1
        settings = {}
        if role == "mr":
            if self._shape.has_own_database:
                settings["DB_URL"] = self._database_url
        elif self._shape.keeps_last_known:
            file = self._directory / "last-known" / f"{role}-{self._roles[role]}"
            settings |= {**_LAST_KNOWN, "FH_LAST_KNOWN_FILE": str(file)}
        if role == "edge":
            settings["FH_WORKERS"] = str(self._shape.workers)
        return settings
