"""PostgreSQL for the tests: one server for the session, a fresh database for each test.

`FH_TEST_DB_URL` names a server to use; otherwise the embedded one is started once.
"""

import asyncio
import logging
import os
import queue
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
import trio

from fh.aio import Island
from fh.db.connect import ConnectionSettings, connect
from fh.db.dsn import Dsn, parse_dsn
from fh.db.embedded import EmbeddedPostgres
from fh.db.migrate import migrate
from fh.db.pool import PostgresDatabase

# How long an example takes says more about what else the machine does.
hypothesis.settings.register_profile("fh", deadline=None)
hypothesis.settings.load_profile("fh")

# Nothing of a test survives a crash of the machine anyway.
_UNSAFE_BUT_QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@pytest.fixture(autouse=True)
def logging_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands configure the logging of their process; when a test runs one, others share it."""
    configure, root = structlog.configure, logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def without_cache(**options: Any) -> None:
        configure(**options | {"cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", without_cache)
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()


class Admin:
    """One connection that makes and drops databases, for synchronous fixtures."""

    def __init__(self, dsn: Dsn) -> None:
        self.dsn = dsn
        self._runner = asyncio.Runner()
        self._connection = self._runner.run(connect(dsn, ConnectionSettings()))

    def execute(self, sql: str) -> None:
        self._runner.run(self._execute(sql))

    async def _execute(self, sql: str) -> None:
        await self._connection.execute(sql)

    @contextmanager
    def fresh_database(self, template: str = "template1") -> Iterator[Dsn]:
        name = f"fh_test_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.dsn.with_database(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        self._runner.run(self._close())
        self._runner.close()

    async def _close(self) -> None:
        await self._connection.close()


@asynccontextmanager
async def running(service: Any) -> AsyncIterator[Any]:
    """Run a service as long as the context lasts."""
    async with trio.open_nursery() as nursery:
        await nursery.start(service.run)
        yield service
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def running_database(dsn: Dsn | Callable[[], Dsn], **options: Any) -> AsyncIterator[Any]:
    async with (
        running(Island()) as island,
        running(PostgresDatabase(island, dsn, **{"minimum": 1, **options})) as database,
    ):
        yield database


@contextmanager
def _embedded_server(data_dir: Path) -> Iterator[Dsn]:
    """Run the embedded server in a thread of its own, under a trio of its own."""
    outcome: queue.Queue[Any] = queue.Queue()

    async def serve() -> None:
        server = EmbeddedPostgres(data_dir, settings=_UNSAFE_BUT_QUICK)
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run)
            token = trio.lowlevel.current_trio_token()
            outcome.put((server.dsn, lambda: token.run_sync_soon(nursery.cancel_scope.cancel)))

    def thread() -> None:
        try:
            trio.run(serve)
        except BaseException as error:
            outcome.put(error)
            raise

    server_thread = threading.Thread(target=thread, name="postgres-for-tests", daemon=True)
    server_thread.start()
    started = outcome.get(timeout=60)
    if isinstance(started, BaseException):
        raise started
    dsn, stop = started
    yield dsn
    stop()
    server_thread.join(timeout=30)


@pytest.fixture(scope="session")
def postgres_admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    if url := os.environ.get("FH_TEST_DB_URL"):
        admin = Admin(parse_dsn(url))
        yield admin
        admin.close()
        return
    with _embedded_server(tmp_path_factory.mktemp("postgres")) as dsn:
        admin = Admin(dsn)
        yield admin
        admin.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_admin: Admin) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    name = f"fh_template_{uuid.uuid4().hex}"
    postgres_admin.execute(f"CREATE DATABASE {name}")

    async def prepare() -> None:
        async with running_database(postgres_admin.dsn.with_database(name)) as database:
            await migrate(database)

    trio.run(prepare)
    yield name
    postgres_admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_dsn(postgres_admin: Admin, postgres_template: str) -> Iterator[Dsn]:
    """A fresh, migrated database."""
    with postgres_admin.fresh_database(postgres_template) as dsn:
        yield dsn


@pytest.fixture
def empty_postgres_dsn(postgres_admin: Admin) -> Iterator[Dsn]:
    """A fresh database without any table."""
    with postgres_admin.fresh_database() as dsn:
        yield dsn


@pytest.fixture
async def database(postgres_dsn: Dsn) -> AsyncIterator[PostgresDatabase]:
    """An open pool on a fresh, migrated database."""
    async with running_database(postgres_dsn) as database:
        yield database


@pytest.fixture
def open_service() -> Callable[[Any], Any]:
    """`async with open_service(service): …`."""
    return running


@pytest.fixture
def open_database() -> Callable[..., Any]:
    """`async with open_database(dsn, maximum=2) as database: …`."""
    return running_database
