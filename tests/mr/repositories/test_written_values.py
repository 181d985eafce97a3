import threading

import pytest
import trio

from fh.mr.errors import VersionConflict
from fh.mr.feature_merge import Setting
from fh.mr.repositories.feature_values import find_value
from fh.mr.repositories.features import find_feature
from fh.mr.repositories.value_versions import ValuePlace, save_next_versions
from fh.mr.repositories.written_values import (
    NextVersion,
    find_settings,
    insert_values,
    lock_values_at,
    save_versions,
)
from fh.mr.rollout_strategy import RolloutStrategy


async def test_every_version_stays_readable(database, place):
    author = place.caller.person_id
    first = Setting("a", locked=False, strategies=(RolloutStrategy(id="x", attributes=()),))
    second = Setting(None, locked=True, retired=True)

    async def work(tx):
        feature = await find_feature(tx, place.application, "title")
        at = (place.environment, feature.id)
        await insert_values(tx, {at: first}, author)
        value = (await lock_values_at(tx, [at]))[at]
        await save_versions(tx, [NextVersion(value.id, second, 1)], author)
        newest = await find_value(tx, place.environment, feature.id)
        versions = [
            (await find_settings(tx, [(value.id, number)])).get(value.id) for number in (1, 2, 3)
        ]
        return newest, versions

    newest, [one, two, three] = await database.transaction(work)
    assert newest.version == 2
    assert newest.setting == two == second
    assert (one.value, one.locked, [s.id for s in one.strategies]) == ("a", False, ["x"])
    assert three is None


async def test_a_second_first_version_is_a_conflict(database, place):
    async def work(tx):
        feature = await find_feature(tx, place.application, "title")
        for _ in range(2):
            await insert_values(
                tx,
                {(place.environment, feature.id): Setting("a", locked=False)},
                place.caller.person_id,
            )

    with pytest.raises(VersionConflict):
        await database.transaction(work)


@pytest.mark.parametrize("shared", [False, True])
async def test_a_version_is_not_older_than_the_one_before(database, place, sql, shared):
    """The transaction of the third version begins before that of the second ends."""
    author = place.caller.person_id

    async def first(tx):
        feature = await find_feature(tx, place.application, "title")
        at = (place.environment, feature.id)
        await insert_values(tx, {at: Setting("a", locked=False)}, author)
        return at, (await lock_values_at(tx, [at]))[at].id

    at, value_id = await database.transaction(first)

    async def write(tx):
        await lock_values_at(tx, [at])
        if shared:
            await save_next_versions(tx, [ValuePlace(value_id, *at)], author)
        else:
            await save_versions(tx, [NextVersion(value_id, Setting("b", locked=False), 1)], author)

    begun = threading.Event()

    async def late(tx):
        begun.set()
        while not await tx.fetchval("SELECT version = 2 FROM feature_value"):
            await tx.fetchval("SELECT pg_sleep(0.001)")
        await write(tx)

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.transaction, late)
            while not begun.is_set():
                await sql("SELECT 1")
            await database.transaction(write)
    rows = await sql("SELECT version, when_created FROM feature_value_version ORDER BY version")
    assert [row["version"] for row in rows] == [1, 2, 3]
    assert rows[0]["when_created"] < rows[1]["when_created"] < rows[2]["when_created"]
    [value] = await sql("SELECT when_updated FROM feature_value")
    assert value["when_updated"] == rows[2]["when_created"]
