"""One unit of work, on the island: begin, work, commit or roll back, and again when in the way."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

import structlog

from fh.db.driver import DRIVER_ERRORS, Connection, Pool, cut
from fh.db.errors import (
    CommitUnknown,
    DatabaseUnavailable,
    StatementTimedOut,
    TransactionConflict,
)
from fh.db.port import Row, Transaction
from fh.db.translate import Translating

log = structlog.get_logger()

T = TypeVar("T")

ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.005
_ROLLBACK_SECONDS = 3.0  # then the connection is cut instead
_SCRIPT_SECONDS = 3600.0  # a script may be a migration; the server's own limit still holds

_BEGIN = "BEGIN"
# All statements of a reader see one moment, and such a transaction never conflicts.
_BEGIN_READ_ONLY = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


async def run_unit(
    pool: Pool,
    acquire_seconds: float,
    work: Callable[[Transaction], Awaitable[T]],
    *,
    read_only: bool,
) -> T:
    """Do what `Database.transaction` promises, with a connection of `pool`."""
    for attempt in range(1, ATTEMPTS):
        try:
            return await _attempt(pool, acquire_seconds, work, read_only=read_only)
        except TransactionConflict as conflict:
            log.debug("transaction_repeated", attempt=attempt, reason=str(conflict))
        # Growing and random, or the same two would meet again.
        pause = random.uniform(0.5, 1.5) * _FIRST_PAUSE_SECONDS * 2**attempt  # noqa: S311 - no secret
        await asyncio.sleep(pause)
    try:
        return await _attempt(pool, acquire_seconds, work, read_only=read_only)
    except TransactionConflict as conflict:
        log.warning("transaction_given_up", attempts=ATTEMPTS, reason=str(conflict))
        raise


async def _attempt(
    pool: Pool,
    acquire_seconds: float,
    work: Callable[[Transaction], Awaitable[T]],
    *,
    read_only: bool,
) -> T:
    with Translating(None):
        connection = await pool.acquire(timeout=acquire_seconds)
    try:
        await _begin(connection, acquire_seconds, read_only=read_only)
        try:
            result = await work(PostgresTransaction(connection))
        except BaseException:
            await _roll_back(connection)
            raise
        await _commit(connection, read_only=read_only)
        return result
    finally:
        await give_back(pool, connection)


async def give_back(pool: Pool, connection: Connection) -> None:
    """Return the connection; the outcome of the unit stands whatever happens here."""
    try:
        with contextlib.suppress(asyncio.CancelledError):  # too late; and asyncpg goes on anyway
            await pool.release(connection, timeout=_ROLLBACK_SECONDS)
    except DRIVER_ERRORS as error:
        log.debug("connection_dropped", reason=str(error))  # asyncpg has cut it


async def _begin(connection: Connection, seconds: float, *, read_only: bool) -> None:
    try:
        with Translating(connection):
            await connection.execute(_BEGIN_READ_ONLY if read_only else _BEGIN, timeout=seconds)
    except BaseException:
        cut(connection)  # it does not even begin: nothing to be gentle about
        raise


async def _roll_back(connection: Connection) -> None:
    """End the transaction without effect, at the latest by cutting the connection."""
    try:
        async with asyncio.timeout(_ROLLBACK_SECONDS):
            # After a cancelled query this first waits until the server has stopped it.
            await connection.execute("ROLLBACK")
    except DRIVER_ERRORS as error:
        log.debug("rollback_by_disconnect", reason=str(error))
        cut(connection)
    except BaseException:
        cut(connection)
        raise


async def _commit(connection: Connection, *, read_only: bool) -> None:
    """Commit; a cancellation that arrives now is too late and is waited out.

    Otherwise the driver would ask the server to cancel the COMMIT, and whether it happened would
    depend on who is faster.
    """
    sent = asyncio.ensure_future(connection.execute("COMMIT"))
    try:
        with Translating(connection):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(sent)
            status = await sent
    except (StatementTimedOut, TransactionConflict):  # the server said so: rolled back
        raise
    except DatabaseUnavailable as error:
        cut(connection)
        if read_only:
            raise
        raise CommitUnknown(f"lost while committing: {error}") from error
    if status != "COMMIT":
        # The server answers ROLLBACK without an error when a statement had failed before.
        raise RuntimeError("a unit of work hid a database error: nothing was written")


class PostgresTransaction:
    """The port's `Transaction` on one connection of asyncpg."""

    __slots__ = ("_connection", "_translating")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._translating = Translating(connection)

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        """Return all rows."""
        with self._translating:
            return await self._connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """Return the first row, or None."""
        with self._translating:
            return await self._connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """Return the first column of the first row, or None."""
        with self._translating:
            return await self._connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> str:
        """Run one statement, or a script; return the status tag."""
        with self._translating:
            seconds = None if args else _SCRIPT_SECONDS
            return await self._connection.execute(sql, *args, timeout=seconds)

    async def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each sequence of arguments."""
        with self._translating:
            await self._connection.executemany(sql, rows)
