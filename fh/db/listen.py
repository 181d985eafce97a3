"""LISTEN: waking up when another session says NOTIFY, across lost connections."""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog
import trio

from fh.aio import Inbox, Island
from fh.db.connect import ConnectionSettings, address_of, connect
from fh.db.driver import DRIVER_ERRORS, Connection
from fh.db.dsn import Dsn
from fh.db.errors import DatabaseUnavailable
from fh.db.translate import Translating

log = structlog.get_logger()

_CAPACITY = 256
_PING_SECONDS = 30.0  # silence after which the connection is asked whether it still lives
_PONG_SECONDS = 5.0
_CLOSE_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0


class Wakeups:
    """The notifications of one channel, for one task.

    `async for payload in wakeups`: the payload is what NOTIFY carried, or empty when notifications
    may have been missed (after each connect, the first included, and when too many came at
    once): then look at everything. The iterating task itself connects again when need be.
    """

    def __init__(
        self,
        island: Island,
        dsn: Dsn | Callable[[], Dsn],
        channel: str,
        settings: ConnectionSettings,
    ) -> None:
        self._island = island
        self._dsn = dsn
        self._channel = channel
        self._settings = settings
        self._connection: Connection | None = None
        self._inbox: Inbox[str] | None = None
        self._refused = 0

    def __aiter__(self) -> "Wakeups":
        return self

    async def __anext__(self) -> str:
        return await self.receive()

    async def receive(self) -> str:
        """Wait for the next wake-up.

        Raises:
            DatabaseRefused: the server does not let us in any more.
            IslandDown: the island is not running.
        """
        while True:
            if self._inbox is None:
                await self._connect()
                return ""
            if (refused := self._inbox.statistics().refused) != self._refused:
                self._refused = refused
                return ""
            try:
                with trio.move_on_after(_PING_SECONDS):
                    return await self._inbox.receive()
            except trio.EndOfChannel:
                log.warning("database_listener_lost", channel=self._channel)
                await self.close()
            else:
                await self._check()

    async def close(self) -> None:
        """Give the connection up; `receive` would open another one."""
        connection, self._connection, self._inbox = self._connection, None, None
        if connection is not None:
            await self._island.call(lambda: _close(connection))

    async def _connect(self) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            inbox: Inbox[str] = self._island.inbox(_CAPACITY)
            try:
                self._connection = await self._island.call(partial(self._listen, inbox))
            except DatabaseUnavailable as error:
                log.debug("database_listener_waiting", channel=self._channel, reason=str(error))
            else:
                self._inbox, self._refused = inbox, 0
                return
            await trio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    async def _listen(self, inbox: Inbox[str]) -> Connection:
        def arrived(_connection: object, _pid: int, _channel: str, payload: object) -> None:
            inbox.put_nowait(str(payload))  # full: counted as refused, which receive() sees

        connection = await connect(address_of(self._dsn), self._settings)
        try:
            connection.add_termination_listener(lambda _connection: inbox.close())
            with Translating(connection):
                await connection.add_listener(self._channel, arrived)
        except BaseException:
            connection.terminate()
            raise
        # Everything is cancelled at once: then the island may stop before close() is called.
        stay = self._island.at_stop(connection.terminate)
        connection.add_termination_listener(lambda _connection: stay())
        return connection

    async def _check(self) -> None:
        """Find out whether a silent connection is a dead one."""
        connection = self._connection
        if connection is None:
            return
        try:
            await self._island.call(lambda: _ping(connection))
        except DatabaseUnavailable:
            await self.close()


async def _ping(connection: Connection) -> None:
    with Translating(connection):
        await connection.execute("SELECT 1", timeout=_PONG_SECONDS)


async def _close(connection: Connection) -> None:
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await connection.close()
    except DRIVER_ERRORS as error:
        log.debug("database_listener_cut", reason=str(error))
        connection.terminate()
