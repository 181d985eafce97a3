"""What one unit of work promises, on a real server."""

import threading
import uuid

import pytest
import trio
from structlog.testing import capture_logs

from fh.db.errors import (
    CheckViolation,
    CommitUnknown,
    DatabaseUnavailable,
    ForeignKeyViolation,
    StatementTimedOut,
    TransactionConflict,
    UniqueViolation,
    UnstorableValue,
)

pytestmark = pytest.mark.postgres

_SCHEMA = """
CREATE TABLE parent (id int PRIMARY KEY, name text UNIQUE, small varchar(3), CHECK (id < 100));
CREATE TABLE child (
    parent int CONSTRAINT child_parent REFERENCES parent DEFERRABLE INITIALLY DEFERRED,
    settings jsonb
)
"""


@pytest.fixture
async def database(open_database, empty_postgres_dsn):
    with trio.fail_after(30):
        async with open_database(empty_postgres_dsn) as database:
            await database.transaction(lambda tx: tx.execute(_SCHEMA))
            yield database


def execute(sql, *args):
    return lambda tx: tx.execute(sql, *args)


async def count(database, table="parent"):
    return await database.transaction(
        lambda tx: tx.fetchval(f"SELECT count(*) FROM {table}"), read_only=True
    )


async def test_what_work_wrote_is_committed_when_it_returns(database):
    async def work(tx):
        await tx.executemany("INSERT INTO parent VALUES ($1, $2)", [(1, "a"), (2, "b")])
        return await tx.fetchrow("SELECT name, id FROM parent WHERE id = $1", 2)

    row = await database.transaction(work)

    assert (row["name"], row[1], tuple(row)) == ("b", 2, ("b", 2))
    assert await count(database) == 2


async def test_an_exception_of_work_rolls_back_and_arrives_unchanged(database):
    error = LookupError("mine")

    async def work(tx):
        await tx.execute("INSERT INTO parent VALUES (1)")
        raise error

    with pytest.raises(LookupError) as caught:
        await database.transaction(work)
    assert caught.value is error
    assert await count(database) == 0


async def test_a_cancelled_unit_of_work_does_not_commit(database):
    wrote = trio.Event()
    token = trio.lowlevel.current_trio_token()

    async def work(tx):
        await tx.execute("INSERT INTO parent VALUES (1)")
        token.run_sync_soon(wrote.set)
        await tx.execute("SELECT pg_sleep(60)")

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.transaction, work)
            await wrote.wait()
            scope.cancel()

    assert scope.cancelled_caught
    assert await count(database) == 0
    # and the server stops the statement: soon nothing is active but this question
    await _until(
        database,
        "query LIKE '%pg_sleep%' AND state = 'active' AND datname = current_database()"
        " HAVING count(*) = 1",
    )


async def test_a_commit_under_way_completes_although_it_is_cancelled(database):
    """A deferred trigger makes COMMIT wait for another; the cancellation arrives while it does."""
    await database.transaction(
        execute(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;"
            "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON parent "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()"
        )
    )
    token = trio.lowlevel.current_trio_token()
    held, cancelled, results = trio.Event(), threading.Event(), []

    async def hold(tx):
        await tx.execute("SELECT pg_advisory_xact_lock(1)")
        token.run_sync_soon(held.set)
        while not cancelled.is_set():
            await tx.execute("SELECT 1")

    async def write():
        async def work(tx):
            await tx.execute("INSERT INTO parent VALUES (1)")
            return "written"

        results.append(await database.transaction(work))

    async with trio.open_nursery() as others:
        others.start_soon(database.transaction, hold)
        await held.wait()
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(write)
                committing = "query = 'COMMIT' AND wait_event = 'advisory'"
                await _until(database, f"{committing} AND datname = current_database()")
                scope.cancel()
                cancelled.set()

    assert results == ["written"]
    assert await count(database) == 1


async def _until(database, condition):
    """Wait for the server to report a session like that; bounded by the fixture."""
    sql = f"SELECT count(*) FROM pg_stat_activity WHERE {condition}"
    while not await database.transaction(lambda tx: tx.fetchval(sql)):
        await trio.lowlevel.checkpoint()


async def test_constraints_are_named(database):
    await database.transaction(execute("INSERT INTO parent VALUES (1, 'a')"))

    with pytest.raises(UniqueViolation) as unique:
        await database.transaction(execute("INSERT INTO parent VALUES (2, 'a')"))
    assert unique.value.constraint == "parent_name_key"
    with pytest.raises(CheckViolation):
        await database.transaction(execute("INSERT INTO parent VALUES (100)"))


async def test_a_deferred_constraint_is_named_too(database):
    with pytest.raises(ForeignKeyViolation) as foreign:
        await database.transaction(execute("INSERT INTO child VALUES (7)"))
    assert foreign.value.constraint == "child_parent"
    assert await count(database, "child") == 0


async def test_values_that_can_not_be_stored_are_refused(database):
    with pytest.raises(UnstorableValue):
        await database.transaction(execute("INSERT INTO parent VALUES (1, $1)", "a\0b"))
    with pytest.raises(UnstorableValue):
        await database.transaction(execute("INSERT INTO parent VALUES (1, 'a', 'long')"))
    with pytest.raises(UnstorableValue):
        await database.transaction(execute("INSERT INTO child VALUES (NULL, $1)", {"text": "a\0b"}))


async def test_json_and_uuids_are_python_objects(database):
    value = {"list": [1, 2.5, None, "ä"], "nested": {"true": True}}
    number = uuid.uuid4()

    row = await database.transaction(
        lambda tx: tx.fetchrow("SELECT $1::jsonb, $2::json, $3::uuid", value, value, number)
    )

    assert tuple(row) == (value, value, number)
    assert isinstance(row[2], uuid.UUID)


async def test_a_database_error_hidden_by_work_is_not_taken_for_success(database):
    async def work(tx):
        await tx.execute("INSERT INTO parent VALUES (1)")
        with pytest.raises(UniqueViolation):
            await tx.execute("INSERT INTO parent VALUES (1)")

    with pytest.raises(RuntimeError, match="hid a database error"):
        await database.transaction(work)
    assert await count(database) == 0


async def test_all_statements_of_a_reader_see_one_moment(database):
    seen = []
    token = trio.lowlevel.current_trio_token()
    looked, wrote = trio.Event(), threading.Event()

    async def work(tx):
        seen.append(await tx.fetchval("SELECT count(*) FROM parent"))
        token.run_sync_soon(looked.set)
        while not wrote.is_set():
            await tx.execute("SELECT 1")
        seen.append(await tx.fetchval("SELECT count(*) FROM parent"))

    async def read():
        await database.transaction(work, read_only=True)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await looked.wait()
        await database.transaction(execute("INSERT INTO parent VALUES (1)"))
        wrote.set()

    assert seen == [0, 0]
    assert await count(database) == 1


async def test_a_reader_can_not_write(database):
    with pytest.raises(DatabaseUnavailable, match="read-only"):
        await database.transaction(execute("INSERT INTO parent VALUES (1)"), read_only=True)


async def test_work_is_run_again_when_others_are_in_the_way(database):
    await database.transaction(execute("INSERT INTO parent VALUES (1, '0')"))
    runs = []

    async def work(tx):
        runs.append(1)
        await tx.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        number = int(await tx.fetchval("SELECT name FROM parent"))
        await tx.execute("UPDATE parent SET name = $1", str(number + 1))

    async def three_times():
        for _ in range(3):
            await database.transaction(work)

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(three_times)

    assert await database.transaction(lambda tx: tx.fetchval("SELECT name FROM parent")) == "6"
    assert len(runs) >= 6


async def test_a_conflict_that_does_not_end_is_given_up(database):
    runs = []

    async def work(tx):
        runs.append(1)
        await tx.execute(
            "DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = 'deadlock_detected'; END $$"
        )

    with capture_logs() as logs, pytest.raises(TransactionConflict):
        await database.transaction(work)
    assert len(runs) == 5
    [warning] = [entry for entry in logs if entry["log_level"] == "warning"]
    assert (warning["event"], warning["attempts"]) == ("transaction_given_up", 5)
    assert warning["reason"] == "in the way"


async def test_a_slow_statement_is_stopped(database):
    async def work(tx):
        await tx.execute("SET LOCAL statement_timeout = 20")
        await tx.execute("SELECT pg_sleep(60)")

    with pytest.raises(StatementTimedOut):
        await database.transaction(work)


async def test_a_connection_that_breaks_while_committing_leaves_the_outcome_unknown(database):
    await database.transaction(
        execute(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;"
            "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON parent "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()"
        )
    )
    with pytest.raises(CommitUnknown):
        await database.transaction(execute("INSERT INTO parent VALUES (1)"))
    assert await count(database) == 0
