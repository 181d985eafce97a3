"""The log of announced events, straight from the database."""

import structlog
import trio

from fh.contracts.event_log import Events
from fh.db.port import Database, Transaction
from fh.errors import Unavailable
from fh.mr.repositories.event_log import read_events_after, trim_log

log = structlog.get_logger()

MOST_EVENTS = 10_000
MOST_BYTES = 64 * 1024 * 1024
_TRIM_SECONDS = 30.0


class DatabaseEventLog:
    """The port `EventLog` over the database, and a service that keeps the log short."""

    def __init__(
        self,
        database: Database,
        *,
        most_events: int = MOST_EVENTS,
        most_bytes: int = MOST_BYTES,
        trim_seconds: float = _TRIM_SECONDS,
    ) -> None:
        self._database = database
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._trim_seconds = trim_seconds

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Throw away now and then what is too old, until cancelled."""
        task_status.started()
        while True:
            try:
                await self.trim()
            except Unavailable as away:
                log.debug("event_log_not_trimmed", reason=str(away))
            await trio.sleep(self._trim_seconds)

    async def trim(self) -> None:
        """Throw away what is too old.

        Raises:
            Unavailable: the database is away.
        """

        async def work(tx: Transaction) -> None:
            await trim_log(tx, most_events=self._most_events, most_bytes=self._most_bytes)

        await self._database.transaction(work)

    async def events_after(self, sequence: int) -> Events:
        """Return events after `sequence`, or that they are not kept, or never were there.

        Raises:
            Unavailable: the database is away.
        """

        async def work(tx: Transaction) -> Events:
            return await read_events_after(tx, sequence)

        return await self._database.transaction(work, read_only=True)
