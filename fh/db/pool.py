"""The pool: the adapter of the `Database` port on asyncpg and the asyncio island."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
import trio

from fh.aio import Island, IslandDown
from fh.db.connect import ConnectionSettings, address_of, connect
from fh.db.driver import DRIVER_ERRORS, Connection, Pool, make_pool
from fh.db.dsn import Dsn
from fh.db.errors import DatabaseRefused, DatabaseUnavailable
from fh.db.listen import Wakeups
from fh.db.port import Transaction
from fh.db.unit import give_back, run_unit

log = structlog.get_logger()

T = TypeVar("T")

_CLOSE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.01  # an embedded server is up within tens of milliseconds
_LONGEST_PAUSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """The pool at one moment. `connected`: whether the latest attempt to use the server worked."""

    connected: bool
    size: int
    idle: int
    maximum: int


class PostgresDatabase:
    """The port's `Database` on a PostgreSQL server that may come and go.

    A service: `run` waits until the server is there and closes the connections in the end. While
    the server is away, transactions raise `DatabaseUnavailable` after at most `acquire_seconds`.

    A unit of work must not leave session state behind (`SET` without `LOCAL`, session-level
    advisory locks): connections are not reset between units, which saves a round trip each.
    """

    def __init__(
        self,
        island: Island,
        dsn: Dsn | Callable[[], Dsn],
        *,
        minimum: int = 3,
        maximum: int = 10,
        acquire_seconds: float = 3.0,
        watch_seconds: float = 5.0,
        settings: ConnectionSettings | None = None,
    ) -> None:
        self._island = island
        self._dsn = dsn
        self._minimum = min(minimum, maximum)
        self._maximum = maximum
        self._acquire_seconds = acquire_seconds
        self._watch_seconds = watch_seconds
        self._settings = settings or ConnectionSettings()
        self._pool: Pool | None = None
        self._connected = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Open the pool, waiting for the server as long as it takes, and watch it.

        Raises:
            DatabaseRefused: wrong user, password or database name, at the start.
            UnsupportedServer: not PostgreSQL 15 to 18, at the start.
            InvalidDatabaseUrl: the driver can't use the address.
            IslandDown: the island is not running.
        """
        pool = await self._open()
        try:
            self._pool, self._connected = pool, True
            log.info("database_connected", url=str(address_of(self._dsn)))
            task_status.started()
            # One coroutine that lives as long as the pool: should the island stop first, it is
            # cancelled there and closes the connections while that is still possible.
            await self._island.call(lambda: self._live(pool))
        finally:
            self._pool, self._connected = None, False
            with trio.CancelScope(shield=True), contextlib.suppress(IslandDown):
                await self._island.call(lambda: _close(pool))

    async def transaction(
        self, work: Callable[[Transaction], Awaitable[T]], *, read_only: bool = False
    ) -> T:
        """Run `work` in one transaction; see `fh.db.port.Database.transaction`."""
        pool = self._pool
        if pool is None:
            raise DatabaseUnavailable("the database is not open")
        seconds = self._acquire_seconds
        return await self._island.call(lambda: run_unit(pool, seconds, work, read_only=read_only))

    @asynccontextmanager
    async def listen(self, channel: str) -> AsyncIterator[Wakeups]:
        """Listen to NOTIFY on `channel`; see `Wakeups` for what arrives, and when an empty one."""
        wakeups = Wakeups(self._island, self._dsn, channel, self._settings)
        try:
            yield wakeups
        finally:
            with trio.CancelScope(shield=True), contextlib.suppress(IslandDown):
                await wakeups.close()

    def statistics(self) -> PoolStatistics:
        """Return how the pool is."""
        pool = self._pool
        if pool is None:
            return PoolStatistics(connected=False, size=0, idle=0, maximum=self._maximum)
        return PoolStatistics(self._connected, pool.get_size(), pool.get_idle_size(), self._maximum)

    async def _open(self) -> Pool:
        pause_seconds = _FIRST_PAUSE_SECONDS
        waiting = False
        while True:
            try:
                return await self._island.call(self._make_pool)
            except DatabaseRefused:
                raise  # a fault of the configuration: say so instead of waiting forever
            except DatabaseUnavailable as error:
                if not waiting:
                    address = str(address_of(self._dsn))
                    log.warning("database_waiting", url=address, reason=str(error))
                    waiting = True
            await trio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    async def _make_pool(self) -> Pool:
        # No minimum for asyncpg: it would restore it by itself, with stack traces in the log.
        pool = await make_pool(
            min_size=0, max_size=self._maximum, connect=self._connect, reset=_keep
        )
        try:
            await _warm(pool, self._minimum)
        except BaseException:
            pool.terminate()
            raise
        return pool

    async def _connect(self, *_args: object, **_kwargs: object) -> Any:
        # The address is asked for each time: an embedded server that restarts may move.
        return await connect(address_of(self._dsn), self._settings)

    async def _live(self, pool: Pool) -> None:
        """Notice when the server goes and comes back, even while nobody asks for anything."""
        me = asyncio.current_task()
        assert me is not None
        try:
            # A unit past its point of no return completes in spite of a cancellation: ask for it.
            while not me.cancelling():
                await asyncio.sleep(self._watch_seconds)
                try:
                    await run_unit(pool, self._acquire_seconds, _ping, read_only=True)
                except DatabaseUnavailable as error:
                    if self._connected:
                        log.warning("database_lost", reason=str(error))
                    self._connected = False
                else:
                    if not self._connected:
                        log.info("database_recovered")
                    self._connected = True
        finally:
            await _close(pool)


async def _ping(tx: Transaction) -> None:
    await tx.execute("SELECT 1")


async def _keep(_connection: Connection) -> None:
    """Leave the session as it is: units of work do not change it."""


async def _warm(pool: Pool, count: int) -> None:
    """Open `count` connections at once, so that the first requests find them."""
    opened = await asyncio.gather(*(pool.acquire() for _ in range(count)), return_exceptions=True)
    for outcome in opened:
        if isinstance(outcome, BaseException):
            raise outcome  # the caller cuts the others
    for outcome in opened:
        assert not isinstance(outcome, BaseException)
        await give_back(pool, outcome)


async def _close(pool: Pool) -> None:
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await pool.close()
    except DRIVER_ERRORS as error:  # not in time, or the server went first
        log.debug("database_connections_cut", reason=str(error) or "timed out")
        pool.terminate()
