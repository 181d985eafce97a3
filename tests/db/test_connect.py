import asyncio
import dataclasses

import asyncpg
import pytest
import trio

from fh.aio import Island
from fh.db.connect import ConnectionSettings, _check_version, connect
from fh.db.dsn import Dsn
from fh.db.errors import DatabaseRefused, DatabaseUnavailable, UnsupportedServer

pytestmark = pytest.mark.postgres


@pytest.fixture
async def island(open_service):
    with trio.fail_after(30):
        async with open_service(Island()) as island:
            yield island


class ServerOf:
    """A connection to a server of some version."""

    def __init__(self, major):
        self._version = asyncpg.types.ServerVersion(major, 3, 0, "final", 0)

    def get_server_version(self):
        return self._version


@pytest.mark.parametrize("major", [14, 19])
def test_other_versions_are_refused_by_name(major):
    with pytest.raises(UnsupportedServer, match=rf"PostgreSQL {major}\.3 is not supported"):
        _check_version(ServerOf(major))


@pytest.mark.parametrize("major", [15, 16, 17, 18])
def test_four_versions_are_welcome(major):
    _check_version(ServerOf(major))


async def test_the_session_is_set_up(island, empty_postgres_dsn):
    async def work():
        connection = await connect(empty_postgres_dsn, ConnectionSettings(statement_seconds=7))
        try:
            return [
                await connection.fetchval(f"SHOW {name}")
                for name in ("application_name", "TimeZone", "statement_timeout", "plan_cache_mode")
            ]
        finally:
            await connection.close()

    assert await island.call(work) == ["fh", "UTC", "7s", "force_custom_plan"]


async def test_the_server_ends_the_statement_of_a_client_that_hung_up(island, empty_postgres_dsn):
    """Long before its own limit for statements."""
    patient = ConnectionSettings(statement_seconds=600)
    sleepers = "SELECT count(*) FROM pg_stat_activity WHERE query = $1 AND state = 'active'"
    statement = "SELECT pg_sleep(600)"

    async def work():
        watcher = await connect(empty_postgres_dsn, patient)
        sleeper = await connect(empty_postgres_dsn, patient)
        sent = asyncio.ensure_future(sleeper.execute(statement))
        while not await watcher.fetchval(sleepers, statement):
            pass
        sleeper.terminate()
        await asyncio.wait([sent])
        while await watcher.fetchval(sleepers, statement):
            pass
        await watcher.close()
        return type(sent.exception())

    assert issubclass(await island.call(work), (OSError, asyncpg.PostgresError))


async def test_a_server_that_is_not_there_is_unavailable(island, tmp_path):
    nowhere = Dsn(f"postgresql:///postgres?host={tmp_path}", "fh")
    with pytest.raises(DatabaseUnavailable):
        await island.call(lambda: connect(nowhere, ConnectionSettings()))


async def test_a_database_that_is_not_there_is_refused(island, empty_postgres_dsn):
    absent = empty_postgres_dsn.with_database("absent")
    with pytest.raises(DatabaseRefused, match="absent"):
        await island.call(lambda: connect(absent, ConnectionSettings()))


async def test_a_user_that_is_not_known_is_refused(island, empty_postgres_dsn):
    stranger = dataclasses.replace(empty_postgres_dsn, user="stranger")
    with pytest.raises(DatabaseRefused, match="stranger"):
        await island.call(lambda: connect(stranger, ConnectionSettings()))
