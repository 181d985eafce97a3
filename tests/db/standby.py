"""A real streaming replica beside a real primary, both embedded servers of the test's own."""

import os
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from fh.aio import Island
from fh.db.binaries import find_binaries
from fh.db.cluster import DataDirectory
from fh.db.embedded import EmbeddedPostgres
from fh.db.pool import PostgresDatabase

# What the embedded server spares itself, because usually nobody replicates from it.
_REPLICATES = {"wal_level": "replica", "max_wal_senders": "4"}


class Server:
    """An embedded server that can be ended and started again."""

    def __init__(self, directory: Path, nursery: trio.Nursery) -> None:
        self._postgres = EmbeddedPostgres(directory, settings=_REPLICATES)
        self._nursery = nursery
        self._running = trio.CancelScope()
        self._ended = trio.Event()
        self.dsn = self._postgres.dsn

    async def start(self) -> None:
        self._running, self._ended = trio.CancelScope(), trio.Event()
        await self._nursery.start(self._run)

    async def stop(self) -> None:
        self._running.cancel()
        await self._ended.wait()

    async def _run(self, *, task_status: trio.TaskStatus[None]) -> None:
        with self._running:
            await self._postgres.run(task_status=task_status)
        self._ended.set()


class Standby(Server):
    """The replica; what it has heard of can be held back."""

    async def hold(self) -> None:
        """Have it apply nothing more; return when it has stopped."""
        await self._ask("SELECT pg_wal_replay_pause()")
        while await self._ask("SELECT pg_get_wal_replay_pause_state()") != "paused":
            await trio.lowlevel.checkpoint()

    async def release(self) -> None:
        await self._ask("SELECT pg_wal_replay_resume()")

    async def _ask(self, question: str) -> object:
        island = Island()
        database = PostgresDatabase(island, self.dsn, minimum=1, maximum=1)
        async with trio.open_nursery() as nursery:
            await nursery.start(island.run)
            await nursery.start(database.run)
            answer = await database.transaction(lambda tx: tx.fetchval(question))
            nursery.cancel_scope.cancel()
        return answer


@asynccontextmanager
async def replicated(directory: Path) -> AsyncIterator[tuple[Server, Callable]]:
    """Run a primary; yield it, and what makes a standby of it and starts that."""
    async with trio.open_nursery() as nursery:
        primary = Server(directory / "primary", nursery)
        await primary.start()

        async def start_standby() -> Standby:
            root = directory / "standby"
            root.mkdir(mode=0o700)
            copy = [
                find_binaries(os.environ).directory / "pg_basebackup",
                f"--pgdata={DataDirectory(root).cluster}",
                f"--host={DataDirectory(directory / 'primary').socket_directory}",
                f"--username={primary.dsn.user}",
                "--checkpoint=fast",
                "--write-recovery-conf",
            ]
            await trio.run_process(copy, stderr=subprocess.STDOUT, capture_stdout=True)
            standby = Standby(root, nursery)
            await standby.start()
            return standby

        yield primary, start_standby
        nursery.cancel_scope.cancel()
