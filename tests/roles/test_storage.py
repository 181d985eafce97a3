"""The database of a role: what is waited for, and what ends it."""

import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
from structlog.testing import capture_logs

from fh.actors.errors import ChildBeyondRestart, ChildStartFailed
from fh.aio import Island
from fh.db.dsn import Dsn
from fh.db.errors import ClusterLost, DatabaseTooNew, DatabaseUnavailable
from fh.db.migrate import migrate
from fh.roles.settings.database import DatabaseSettings
from fh.roles.storage import Storage
from tests.roles.test_party_server import party_server

pytestmark = pytest.mark.postgres

SECONDS = 60


@pytest.fixture
async def island() -> AsyncIterator[Island]:
    island = Island()
    async with trio.open_nursery() as nursery:
        await nursery.start(island.run)
        yield island
        nursery.cancel_scope.cancel()


@pytest.fixture
async def nursery(island: Island) -> AsyncIterator[trio.Nursery]:
    """Where a storage runs, until the test is over."""
    with trio.fail_after(SECONDS):
        async with trio.open_nursery() as nursery:
            yield nursery
            nursery.cancel_scope.cancel()


def storage_at(dsn: Dsn, island: Island, *, migrates: bool = True) -> Storage:
    settings = DatabaseSettings(database_url=dsn.url, database_user=dsn.user or "")
    return Storage(island, settings, migrates=migrates)


def begin(nursery: trio.Nursery, storage: Storage) -> trio.Event:
    """Start a storage that may have to wait; return what tells that it has not."""
    started = trio.Event()

    async def start() -> None:
        await nursery.start(storage.spec().run)
        started.set()

    nursery.start_soon(start)
    return started


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        await trio.lowlevel.checkpoint()


async def until_lacking(storage: Storage) -> str:
    while True:
        await trio.lowlevel.checkpoint()
        with suppress(DatabaseUnavailable):  # not open yet
            if isinstance(answer := await storage.answers(), str):
                return answer


async def test_where_nothing_is_migrated_others_are_waited_for(
    empty_postgres_dsn: Dsn, island: Island, nursery: trio.Nursery, open_database: Any
) -> None:
    storage = storage_at(empty_postgres_dsn, island, migrates=False)
    with capture_logs() as lines:
        started = begin(nursery, storage)
        lacking = await until_lacking(storage)
        assert await storage.has_answered() == lacking
        assert not started.is_set()
        async with open_database(empty_postgres_dsn) as database:
            number = (await migrate(database)).number
        await started.wait()
    assert f"at migration 0, and {number} is needed: start an MR" in lacking
    assert await storage.answers() is True
    assert await storage.has_answered() is True
    (told,) = [line for line in lines if line["event"] == "database_not_migrated"]
    assert (told["found"], told["wanted"]) == (0, number)


async def test_where_nothing_is_migrated_a_newer_database_is_refused_all_the_same(
    postgres_dsn: Dsn, island: Island, open_database: Any
) -> None:
    newer = "INSERT INTO schema_migration (number, name, checksum) VALUES (9999, '', '')"
    async with open_database(postgres_dsn) as database:
        await database.transaction(lambda tx: tx.execute(newer))
    storage = storage_at(postgres_dsn, island, migrates=False)
    with trio.fail_after(SECONDS), pytest.raises(ChildStartFailed) as failed:
        await storage.spec().run()
    assert isinstance(failed.value.__cause__, DatabaseTooNew)


async def test_a_database_that_can_only_be_read_yet_is_waited_for(
    empty_postgres_dsn: Dsn, island: Island, nursery: trio.Nursery, postgres_admin: Any
) -> None:
    name = empty_postgres_dsn.url.partition("?")[0].rpartition("/")[2]
    postgres_admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with capture_logs() as lines:
        started = begin(nursery, storage_at(empty_postgres_dsn, island))
        await until(lambda: any(line["event"] == "database_waiting" for line in lines))
        assert not started.is_set()
        postgres_admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        postgres_admin.execute(  # as a server that takes over does with those of the old one
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        await started.wait()
    assert len([line for line in lines if line["event"] == "database_waiting"]) == 1
    assert [line for line in lines if line["event"] == "service_crashed"] == []


async def test_a_data_directory_that_lost_its_cluster_ends_the_process(tmp_path: Path) -> None:
    server = party_server(tmp_path)
    cluster = tmp_path / "postgres" / "cluster"
    with trio.fail_after(SECONDS), pytest.RaisesGroup(ChildBeyondRestart) as ended:
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run)
            postmaster = int((cluster / "postmaster.pid").read_text().split()[0])
            shutil.rmtree(cluster)
            os.kill(postmaster, signal.SIGQUIT)
    error: BaseException | None = ended.value.exceptions[0]
    while isinstance(error, ChildBeyondRestart):
        error = error.__cause__
    assert isinstance(error, ClusterLost)
    assert not cluster.exists()
