"""The database of a role: the island, the embedded server if there is one, the pool, migrations.

storage (rest_for_one)
├── server          the embedded PostgreSQL; none where db.url is set
├── database        the pool
└── migrations      made here, or waited for where they are another role's business
"""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, TypeVar

import structlog
import trio

from fh.actors.child import ServiceSpec
from fh.actors.restart import Backoff, Intensity, Strategy
from fh.actors.supervisor import Supervisor
from fh.aio import Island
from fh.db.dsn import Dsn
from fh.db.embedded import EmbeddedPostgres
from fh.db.errors import ClusterLost, DatabaseRefused, DatabaseUnavailable
from fh.db.migrate import find_behind, migrate
from fh.db.pool import PostgresDatabase
from fh.db.port import Database, Transaction
from fh.errors import Unavailable
from fh.roles.settings.database import DatabaseSettings

log = structlog.get_logger()

T = TypeVar("T")

# A server that is killed now and then is started again; one that can't live is given up.
_INTENSITY = Intensity(restarts=20, within_seconds=60.0)
_BACKOFF = Backoff(first_seconds=0.05, maximum_seconds=5.0)
_ANSWER_SECONDS = 2.0
_DRAIN_SECONDS = 20.0
_RANDOM: Final = Random()  # noqa: S311 - jitter is no secret
_PAUSE: Final = Backoff(first_seconds=0.05, maximum_seconds=2.0)


class Storage:
    """The database that `settings` name, or the embedded one."""

    def __init__(
        self, island: Island, settings: DatabaseSettings, *, migrates: bool = True
    ) -> None:
        self._settings = settings
        self._migrates = migrates
        named = settings.dsn()
        self._server = (
            EmbeddedPostgres(settings.data_directory / "postgres") if named is None else None
        )
        self._named = named
        self._has_answered = False
        self._lacking = ""
        self.database = PostgresDatabase(
            island,
            self._dsn,
            minimum=settings.connections_least,
            maximum=settings.connections_most,
        )

    def spec(self) -> ServiceSpec:
        """Return the service."""
        children = [
            ServiceSpec("database", self.database.run),
            ServiceSpec("migrations", self._bring_up_to_date),
        ]
        if self._server is not None:
            children.insert(0, ServiceSpec("server", self._server.run))
        supervisor = Supervisor(
            "storage",
            children,
            strategy=Strategy.REST_FOR_ONE,
            intensity=_INTENSITY,
            backoff=_BACKOFF,
            gives_up_on=(ClusterLost,),
        )
        return ServiceSpec(
            "storage", supervisor.run, drain=supervisor.stop, drain_seconds=_DRAIN_SECONDS
        )

    async def answers(self) -> bool | str:
        """Return whether the database answers; a text says what it lacks."""
        return self._lacking or await answers(self.database)

    async def has_answered(self) -> bool | str:
        """Return whether the database answers, or did so once; a text says what it lacks."""
        if self._has_answered:
            return True
        answer = await self.answers()
        self._has_answered = answer is True
        return answer

    def _dsn(self) -> Dsn:
        if self._server is not None:
            return self._server.dsn
        assert self._named is not None
        return self._named

    async def _bring_up_to_date(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        if self._migrates:
            await _once_it_answers(lambda: migrate(self.database))
        else:
            await self._wait_for_migrations()
        task_status.started()
        await trio.sleep_forever()

    async def _wait_for_migrations(self) -> None:
        looks = 0
        while behind := await _once_it_answers(lambda: find_behind(self.database)):
            looks += 1
            hint = "start an MR of this version that may run migrations (db.run-migrations)"
            if looks == 1:
                log.warning(
                    "database_not_migrated", found=behind.found, wanted=behind.wanted, hint=hint
                )
            self._lacking = f"at migration {behind.found}, and {behind.wanted} is needed: {hint}"
            await trio.sleep(_PAUSE.delay_seconds(looks, _RANDOM))
        self._lacking = ""


class Replica:
    """A database that is only read, and may be away whenever it likes, at the start, too."""

    def __init__(self, island: Island, dsn: Dsn, connections: int) -> None:
        self.database = PostgresDatabase(island, lambda: dsn, minimum=0, maximum=connections)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep a pool open from when the server is there, until cancelled.

        Raises:
            DatabaseRefused, UnsupportedServer, InvalidDatabaseUrl: it can never be used.
        """
        opened = trio.Event()

        async def open_pool() -> None:
            await nursery.start(self.database.run)
            opened.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(open_pool)
            # Not for long: what it can't answer, the primary does.
            with trio.move_on_after(_ANSWER_SECONDS):
                await opened.wait()
            task_status.started()

    async def answers(self) -> bool:
        """Return whether it answers."""
        try:
            return await answers(self.database)
        except Unavailable:
            return False


async def _once_it_answers(work: Callable[[], Awaitable[T]]) -> T:
    """Return what `work` returns, as soon as the database lets it be done.

    Raises:
        DatabaseRefused: that will not change by itself.
    """
    attempts = 0
    while True:
        try:
            return await work()
        except DatabaseRefused:
            raise
        except DatabaseUnavailable as error:  # lost since the pool was opened, or read-only yet
            attempts += 1
            if attempts == 1:
                log.warning("database_waiting", reason=str(error))
        await trio.sleep(_PAUSE.delay_seconds(attempts, _RANDOM))


async def answers(database: Database) -> bool:
    """Return whether `database` answers in time."""
    with trio.move_on_after(_ANSWER_SECONDS):
        return await database.transaction(_one, read_only=True)
    return False


async def _one(tx: Transaction) -> bool:
    return bool(await tx.fetchval("SELECT 1") == 1)
