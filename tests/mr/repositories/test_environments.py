import threading
from datetime import UTC, datetime

import pytest
import trio
from structlog.testing import capture_logs

from fh.mr.errors import AlreadyExists
from fh.mr.feature_merge import Setting
from fh.mr.repositories import environments as repository
from fh.mr.repositories.environments import NewEnvironment, decode_information
from fh.mr.repositories.features import archive_features_of, find_feature
from fh.mr.repositories.value_versions import hold_features
from fh.mr.repositories.written_values import insert_values


async def test_archiving_twice_is_archiving_once(database, place):
    async def archive():
        return await database.transaction(
            lambda tx: repository.archive_environment(tx, place.environment, datetime.now(UTC))
        )

    assert await archive()
    assert not await archive()


async def test_names_are_free_only_once_archived(database, place):
    new = NewEnvironment("production", "")
    with pytest.raises(AlreadyExists):
        await database.transaction(
            lambda tx: repository.insert_environment(tx, place.application, new)
        )


async def test_versions_are_counted_up_in_live_environments_only(database, place, sql):
    async def bump(tx):
        await repository.bump_environments(tx, place.application)
        await repository.bump_each_environment(tx, [place.environment])

    before = (await sql("SELECT version FROM environment"))[0]["version"]
    await database.transaction(bump)
    assert (await sql("SELECT version FROM environment"))[0]["version"] == before + 2
    await sql("UPDATE environment SET when_archived = now()")
    await database.transaction(bump)
    assert (await sql("SELECT version FROM environment"))[0]["version"] == before + 2


@pytest.fixture
def in_transaction(database, nursery):
    """Run some work in a transaction that stays open; return what lets it commit."""

    async def begin(work):
        done, committed = threading.Event(), threading.Event()

        async def slowly(tx):
            await work(tx)
            done.set()
            while not committed.is_set():
                await tx.fetchval("SELECT pg_sleep(0.001)")

        nursery.start_soon(database.transaction, slowly)
        while not done.is_set():
            await trio.lowlevel.checkpoint()
        return committed.set

    return begin


async def test_many_who_count_versions_up_do_not_wait_for_each_other_where_somebody_refers_to_one(
    database, place, sql, in_transaction
):
    await sql(
        "INSERT INTO environment (application_id, name) VALUES ($1, 'two')", place.application
    )
    first, second = [row["id"] for row in await sql("SELECT id FROM environment ORDER BY id")]

    def bump(*ids):
        return lambda tx: repository.bump_each_environment(tx, ids)

    async def wait(count, kind):
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = $1"
        while (await sql(waiting, kind))[0]["count"] < count:
            pass

    refer = "SELECT FROM environment WHERE id = $1 FOR KEY SHARE"
    with capture_logs() as logs, trio.fail_after(20):
        refers_no_more = await in_transaction(lambda tx: tx.fetch(refer, first))
        commit_first = await in_transaction(bump(first))
        commit_second = await in_transaction(bump(second))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.transaction, bump(first, second))
            await wait(1, "transactionid")
            nursery.start_soon(database.transaction, bump(first))
            await wait(1, "tuple")
            commit_first()
            # One waits for the second environment, and for that one the other.
            await wait(2, "transactionid")
            commit_second()
        refers_no_more()
    assert [entry for entry in logs if entry["event"] == "transaction_repeated"] == []


async def test_a_first_value_and_the_end_of_its_application_do_not_wait_for_each_other(
    database, place, sql
):
    """The writer holds the feature, the archiver the environment; each needs the other, too."""
    held = threading.Event()
    runs = []

    async def write(tx):
        runs.append("write")
        feature = await find_feature(tx, place.application, "title")
        await hold_features(tx, place.application, [feature.id])
        held.set()
        while not await tx.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await tx.fetchval("SELECT pg_sleep(0.001)")
        at = (place.environment, feature.id)
        await insert_values(tx, {at: Setting("a", locked=False)}, place.caller.person_id)

    async def archive(tx):
        runs.append("archive")
        await repository.archive_environments_of(tx, place.application, datetime.now(UTC))
        await archive_features_of(tx, place.application, datetime.now(UTC))

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.transaction, write)
            while not held.is_set():
                await sql("SELECT 1")
            nursery.start_soon(database.transaction, archive)
    assert sorted(runs) == ["archive", "write"]


def test_no_information_is_an_empty_map():
    assert decode_information(None) == {}
    assert decode_information('{"a": "b"}') == {"a": "b"}
