"""The embedded PostgreSQL: a real server, started, supervised and stopped by this program.

It is the default so that one command runs everything; `db.url` replaces it. The server listens on
a Unix socket that only this user can reach, writes safely (fsync is on), and dies with us.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog
import trio

from fh.db.binaries import Binaries, find_binaries
from fh.db.cluster import USER, DataDirectory, child_environment
from fh.db.dsn import Dsn, socket_dsn
from fh.db.errors import BinariesNotFound, ClusterLost, EmbeddedServerDied, EmbeddedServerFailed
from fh.db.launch import Launch, find_launch
from fh.db.server_process import ServerProcess, start_process, wait_for_orphans

log = structlog.get_logger()

_DATABASE = "postgres"
_LOG_BYTES = 4 * 1024 * 1024
_LAST_WORDS_LINES = 12
_FIRST_IO_METHOD = 18

# A small footprint and a quick start; what concerns safety stays as PostgreSQL has it.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "wal_level": "minimal",  # nobody replicates from here
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "max_worker_processes": "0",
    "max_parallel_workers": "0",
    "max_logical_replication_workers": "0",
    "jit": "off",
    "log_min_messages": "log",  # not each refused row: those are answers, and our log's business
    "log_checkpoints": "off",
    "log_timezone": "UTC",
}


class EmbeddedPostgres:
    """A PostgreSQL server in `data_dir`, for this process and its children.

    A service: `run` makes the data directory when it is new, starts the server and stops it when
    cancelled. Run again, it wants its data where it was: an empty database in its place would be
    believed by every cache. `settings` are PostgreSQL's own, on top of ours.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        environ: Mapping[str, str] = os.environ,
        settings: Mapping[str, str] | None = None,
        find_launch: Callable[[], Launch] = find_launch,
    ) -> None:
        self._directory = DataDirectory(data_dir)
        self._environ = environ
        self._settings = dict(settings or {})
        self._find_launch = find_launch
        self._server: ServerProcess | None = None
        self._has_run = False

    @property
    def dsn(self) -> Dsn:
        """Where the server listens while it runs."""
        return socket_dsn(self._directory.socket_directory, database=_DATABASE, user=USER)

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._server.pid if self._server else None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the server until cancelled. Call it on the main thread.

        Raises:
            BinariesNotFound: there is no PostgreSQL to run.
            EmbeddedServerFailed: it could not be started; the message has its last words.
            ClusterLost: it ran before, and its data is gone.
            EmbeddedServerDied: it ended without being asked to; running again is the cure.
        """
        began = trio.current_time()
        with self._directory.locked():
            launch = await trio.to_thread.run_sync(self._find_launch)
            binaries = await trio.to_thread.run_sync(self._find_binaries)
            is_new = self._directory.major() is None
            if is_new and self._has_run:
                raise ClusterLost(self._directory.root)
            await wait_for_orphans(self._directory.cluster, self._directory.pid_file)
            await self._directory.prepare(binaries, launch)
            _bound_log(self._directory.log)
            said_bytes = _size_bytes(self._directory.log)
            self._server = server = self._start(binaries, launch)
            try:
                if not await server.wait_ready():
                    raise self._failure(said_bytes)
                self._has_run = True
                log.info(
                    "embedded_postgres_started",
                    version=binaries.major,
                    new=is_new,
                    seconds=round(trio.current_time() - began, 3),
                )
                task_status.started()
                raise EmbeddedServerDied(await server.wait())
            finally:
                with trio.CancelScope(shield=True):  # bounded by stop() itself
                    await server.stop()
                self._server = None
                log.info("embedded_postgres_stopped")

    def _find_binaries(self) -> Binaries:
        major = self._directory.major()
        try:
            return find_binaries(self._environ, major=major)
        except BinariesNotFound as error:
            if major is None:
                raise
            raise EmbeddedServerFailed(
                f"the data directory {self._directory.root} was made by PostgreSQL {major}, which "
                f"is not here (found: {'; '.join(error.looked_at)}): set FH_PG_BIN to the programs "
                f"of version {major}, or move the data with pg_dump or pg_upgrade"
            ) from error

    def _start(self, binaries: Binaries, launch: Launch) -> ServerProcess:
        settings = _SETTINGS | {"unix_socket_directories": str(self._directory.socket_directory)}
        if binaries.major >= _FIRST_IO_METHOD:
            settings["io_method"] = "sync"  # no extra processes for reading
        settings |= self._settings
        chosen = [f"--{name}={value}" for name, value in settings.items()]
        return start_process(
            [
                *launch.prefix,
                *launch.tie,
                str(binaries.postgres),
                f"-D{self._directory.cluster}",
                *chosen,
            ],
            pid_file=self._directory.pid_file,
            log_file=self._directory.log,
            environment=child_environment(os.environ),
            options=launch.options(),
        )

    def _failure(self, said_bytes: int) -> EmbeddedServerFailed:
        with self._directory.log.open("rb") as file:
            file.seek(said_bytes)
            said = file.read().decode(errors="replace").strip().splitlines()
        return EmbeddedServerFailed(
            f"the embedded PostgreSQL did not start in {self._directory.root}: "
            f"{' | '.join(said[-_LAST_WORDS_LINES:]) or 'it said nothing'}"
        )


def _size_bytes(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _bound_log(file: Path) -> None:
    """Forget what earlier runs said when it is a lot."""
    if _size_bytes(file) > _LOG_BYTES:
        os.truncate(file, 0)
