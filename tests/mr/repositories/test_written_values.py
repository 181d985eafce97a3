import pytest

from fh.mr.errors import VersionConflict
from fh.mr.feature_merge import Setting
from fh.mr.repositories.feature_values import find_value
from fh.mr.repositories.features import find_feature
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
