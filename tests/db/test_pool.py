"""The pool through the server's coming and going."""

import os
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from fh.aio import Island, IslandDown
from fh.db.embedded import EmbeddedPostgres
from fh.db.errors import DatabaseRefused, DatabaseUnavailable, EmbeddedServerDied
from fh.db.pool import PoolStatistics, PostgresDatabase

pytestmark = pytest.mark.postgres


@pytest.fixture
async def bounded():
    with trio.fail_after(60):
        yield


def value(sql, *args):
    return lambda tx: tx.fetchval(sql, *args)


async def until_available(database):
    """Ask until the database answers; bounded by the fixture."""
    while True:
        try:
            return await database.transaction(value("SELECT 1"))
        except DatabaseUnavailable:
            await trio.sleep(0.01)


async def until_noticed(database, *, connected):
    while database.statistics().connected is not connected:  # noqa: ASYNC110 - no event for it
        await trio.sleep(0.01)


@contextmanager
def impatient(database, monkeypatch):
    """Have the pool wait for nothing; else the bound holds for what has to work, too."""
    with monkeypatch.context() as hurried:
        hurried.setattr(database, "_acquire_seconds", 0.05)
        yield


async def test_the_minimum_is_open_from_the_start(bounded, open_database, empty_postgres_dsn):
    async with open_database(empty_postgres_dsn, minimum=2, maximum=4) as database:
        assert database.statistics() == PoolStatistics(True, size=2, idle=2, maximum=4)


async def test_a_terminated_connection_is_replaced(bounded, open_database, empty_postgres_dsn):
    async with open_database(empty_postgres_dsn, maximum=1) as database:
        async with open_database(empty_postgres_dsn, maximum=1) as other:
            victim = await database.transaction(value("SELECT pg_backend_pid()"))
            await other.transaction(value("SELECT pg_terminate_backend($1, 5000)", victim))

        await until_available(database)
        assert await database.transaction(value("SELECT pg_backend_pid()")) != victim


async def test_a_connection_terminated_in_the_middle_is_reported_and_replaced(
    bounded, open_database, empty_postgres_dsn
):
    async with open_database(empty_postgres_dsn, maximum=1) as database:
        with pytest.raises(DatabaseUnavailable):
            await database.transaction(value("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert await database.transaction(value("SELECT 1")) == 1


async def test_an_exhausted_pool_is_unavailable_after_a_bound(
    bounded, open_database, empty_postgres_dsn, monkeypatch
):
    busy, token = trio.Event(), trio.lowlevel.current_trio_token()

    async def occupy(tx):
        token.run_sync_soon(busy.set)
        await tx.fetchval("SELECT pg_sleep(60)")

    async with open_database(empty_postgres_dsn, maximum=1) as database:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.transaction, occupy)
            await busy.wait()
            refused = pytest.raises(DatabaseUnavailable, match="timed out")
            with impatient(database, monkeypatch), refused:
                await database.transaction(value("SELECT 1"))
            nursery.cancel_scope.cancel()
        assert await database.transaction(value("SELECT 1")) == 1


async def test_the_pool_ends_whatever_its_watch_is_doing(
    bounded, open_database, empty_postgres_dsn
):
    # It looks without a pause, so most of these cancellations come in the middle of a look.
    for _ in range(20):
        async with open_database(empty_postgres_dsn, watch_seconds=0) as database:
            assert await database.transaction(value("SELECT 1")) == 1


async def test_the_pool_waits_for_a_server_that_starts_later(bounded, open_service, tmp_path):
    server = EmbeddedPostgres(tmp_path / "data")
    async with open_service(Island()) as island, trio.open_nursery() as nursery:
        database = PostgresDatabase(island, lambda: server.dsn)
        nursery.start_soon(database.run)
        with pytest.raises(DatabaseUnavailable, match="not open"):
            await database.transaction(value("SELECT 1"))
        assert not database.statistics().connected

        await nursery.start(server.run)
        assert await until_available(database) == 1
        nursery.cancel_scope.cancel()


async def test_the_pool_recovers_from_a_killed_server(
    bounded, open_service, open_database, tmp_path
):
    server = EmbeddedPostgres(tmp_path / "data")
    back = trio.Event()

    async def supervise(task_status):
        with pytest.raises(EmbeddedServerDied) as died:
            await server.run(task_status=task_status)
        assert died.value.status == -signal.SIGKILL
        await back.wait()
        await server.run()

    async with trio.open_nursery() as nursery:
        await nursery.start(supervise)
        async with open_database(lambda: server.dsn, watch_seconds=0.01) as database:
            await database.transaction(lambda tx: tx.execute("CREATE TABLE kept AS SELECT 7 AS x"))
            os.kill(server.pid, signal.SIGKILL)
            await until_noticed(database, connected=False)
            with trio.fail_after(5), pytest.raises(DatabaseUnavailable):
                await database.transaction(value("SELECT 1"))

            back.set()
            await until_available(database)
            assert await database.transaction(value("SELECT x FROM kept")) == 7
            await until_noticed(database, connected=True)
        nursery.cancel_scope.cancel()


async def test_a_listener_comes_back_after_the_server_did(
    bounded, open_service, open_database, tmp_path
):
    server = EmbeddedPostgres(tmp_path / "data")
    stop = trio.Event()

    async def run_until_stopped(task_status):
        async with open_service(server):
            task_status.started()
            await stop.wait()

    async with (
        trio.open_nursery() as nursery,
        open_service(Island()) as island,
    ):
        database = PostgresDatabase(island, lambda: server.dsn)
        await nursery.start(run_until_stopped)
        async with database.listen("changes") as wakeups:
            assert await wakeups.receive() == ""
            stop.set()
            with trio.move_on_after(0.2):  # lost, and tries in vain
                await wakeups.receive()
            await nursery.start(server.run)
            assert await wakeups.receive() == ""
        nursery.cancel_scope.cancel()


async def test_all_may_be_cancelled_at_once(bounded, open_database, empty_postgres_dsn):
    """The island, the pool and a listener, in no order: no connection is left open."""
    with trio.CancelScope() as scope:
        async with (
            open_database(empty_postgres_dsn) as database,
            database.listen("changes") as wakeups,
        ):
            assert await wakeups.receive() == ""
            scope.cancel()
            await wakeups.receive()
    assert scope.cancelled_caught


async def test_a_server_that_hangs_is_unavailable_after_a_bound(
    bounded, open_database, tmp_path, monkeypatch
):
    """It takes part in nothing, but its sockets stay open."""
    server = EmbeddedPostgres(tmp_path / "data")
    async with trio.open_nursery() as nursery:
        await nursery.start(server.run)
        async with open_database(lambda: server.dsn, maximum=1) as database:
            backend = await database.transaction(value("SELECT pg_backend_pid()"))
            os.kill(backend, signal.SIGSTOP)
            try:
                with impatient(database, monkeypatch), pytest.raises(DatabaseUnavailable):
                    await database.transaction(value("SELECT 1"))
                assert await until_available(database) == 1
            finally:
                os.kill(backend, signal.SIGCONT)
        nursery.cancel_scope.cancel()


async def test_a_wrong_database_name_ends_the_start(bounded, open_database, empty_postgres_dsn):
    with pytest.RaisesGroup(DatabaseRefused, flatten_subgroups=True):
        async with open_database(empty_postgres_dsn.with_database("absent")):
            pass


async def test_an_island_that_goes_first_takes_the_pool_along(
    bounded, open_service, empty_postgres_dsn
):
    async with trio.open_nursery() as nursery, open_service(Island()) as island:
        database = PostgresDatabase(island, empty_postgres_dsn)

        async def run(task_status):
            with pytest.raises(IslandDown):
                await database.run(task_status=task_status)

        await nursery.start(run)
    assert database.statistics() == PoolStatistics(False, size=0, idle=0, maximum=10)


async def test_the_fixture_gives_a_migrated_database(bounded, database):
    sql = "SELECT count(*) FROM schema_migration"
    migrations = Path(__file__).parents[2] / "fh/db/migrations"
    assert await database.transaction(value(sql)) == len(list(migrations.glob("*.sql")))
