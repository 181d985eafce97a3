"""What happens when others write members' values; what one alone may do is tested through HTTP."""

import threading

import trio
from msgspec import Raw

from fh.model.feature_type import FeatureType
from fh.mr.feature_group import NewGroup, SentMember
from fh.mr.feature_merge import Setting
from fh.mr.repositories.features import FeatureText
from fh.mr.repositories.written_values import insert_values, lock_values_at
from fh.mr.rollout_strategy import RolloutStrategy
from fh.mr.services.feature_groups import create_group
from fh.mr.services.features import NewFeature, create_features

_WAITERS = "SELECT count(*) FROM pg_locks WHERE NOT granted"


async def test_a_group_locks_what_is_there_before_it_writes_first_values(database, place, sql):
    """Somebody has locked one value and is about to write the first one of another feature."""
    new = [
        NewFeature(FeatureText(key, key), FeatureType.STRING) for key in ("with value", "without")
    ]
    features = await database.transaction(
        lambda tx: create_features(tx, place.caller, place.application, new)
    )
    there, missing = ((place.environment, feature.id) for feature in features)
    author = place.caller.person_id
    await database.transaction(
        lambda tx: insert_values(tx, {there: Setting("a", locked=False)}, author)
    )
    locked = threading.Event()
    runs = []

    async def write(tx):
        runs.append("write")
        await lock_values_at(tx, [there, missing])
        locked.set()
        while not await tx.fetchval(_WAITERS):
            await tx.fetchval("SELECT pg_sleep(0.001)")
        await insert_values(tx, {missing: Setting("first", locked=False)}, author)

    async def group(tx):
        runs.append("group")
        await create_group(
            tx,
            place.caller,
            place.application,
            NewGroup(
                place.environment,
                "beta",
                "",
                [SentMember(feature.id, Raw(b'"x"')) for feature in features],
                [RolloutStrategy(name="s", percentage=1)],
            ),
        )

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.transaction, write)
            while not locked.is_set():
                await sql("SELECT 1")
            nursery.start_soon(database.transaction, group)
    assert sorted(runs) == ["group", "write"]
    rows = await sql("SELECT default_value, version FROM feature_value ORDER BY default_value")
    assert [tuple(row) for row in rows] == [("a", 2), ("first", 2)]
