"""The log of announced events, straight from the database."""

from fh.contracts.event_log import Events
from fh.db.port import Database, Transaction
from fh.mr.repositories.event_log import read_events_after, trim_log

MOST_EVENTS = 10_000
MOST_BYTES = 64 * 1024 * 1024


class DatabaseEventLog:
    """The port `EventLog` over the database, which has to be kept short."""

    def __init__(
        self,
        database: Database,
        *,
        most_events: int = MOST_EVENTS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._database = database
        self._most_events = most_events
        self._most_bytes = most_bytes

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
