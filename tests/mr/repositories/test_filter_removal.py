"""A filter goes while others write values; what goes with it is tested through HTTP."""

import threading
from uuid import UUID

import trio

from fh.mr.repositories.feature_filters import insert_filter
from fh.mr.repositories.filter_removal import relieve_features
from fh.mr.repositories.value_versions import hold_features

_WAITERS = "SELECT count(*) FROM pg_locks WHERE NOT granted"
_IDS = [UUID(int=number) for number in range(1, 6)]


async def test_features_are_relieved_in_the_order_in_which_others_hold_them(database, place, sql):
    filter_id = await database.transaction(
        lambda tx: insert_filter(tx, place.portfolio, "mobile", None, place.caller.person_id)
    )
    for feature_id in reversed(_IDS):  # so that they lie the other way round
        await sql(
            "INSERT INTO feature (id, application_id, key, name, value_type) "
            "VALUES ($1, $2, $3, 'n', 'STRING')",
            feature_id,
            place.application,
            str(feature_id),
        )
        await sql("INSERT INTO feature_filter_feature VALUES ($1, $2)", feature_id, filter_id)
    held = threading.Event()
    runs = []

    async def write(tx):
        runs.append("write")
        await hold_features(tx, place.application, _IDS[:1])
        held.set()
        while not await tx.fetchval(_WAITERS):
            await tx.fetchval("SELECT pg_sleep(0.001)")
        await hold_features(tx, place.application, _IDS[1:])

    async def relieve(tx):
        runs.append("relieve")
        assert await relieve_features(tx, filter_id) == _IDS

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.transaction, write)
            while not held.is_set():
                await sql("SELECT 1")
            nursery.start_soon(database.transaction, relieve)
    assert sorted(runs) == ["relieve", "write"]
    versions = await sql("SELECT version FROM feature WHERE id = ANY ($1)", _IDS)
    assert [row["version"] for row in versions] == [2] * len(_IDS)
