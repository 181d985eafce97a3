import pytest

from fh.mr.errors import VersionConflict
from fh.mr.feature_merge import Setting
from fh.mr.repositories import feature_values as repository
from fh.mr.repositories.features import find_feature
from fh.mr.rollout_strategy import RolloutStrategy


async def test_every_version_stays_readable(database, place):
    author = place.caller.person_id
    first = Setting("a", locked=False, strategies=(RolloutStrategy(id="x", attributes=()),))
    second = Setting(None, locked=True, retired=True)

    async def work(tx):
        feature = await find_feature(tx, place.application, "title")
        await repository.insert_value(tx, place.environment, feature.id, first, author)
        value = await repository.lock_value(tx, place.environment, feature.id)
        await repository.save_value(tx, value.id, second, author, 1)
        newest = await repository.find_value(tx, place.environment, feature.id)
        versions = [await repository.find_setting(tx, value.id, number) for number in (1, 2, 3)]
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
            await repository.insert_value(
                tx,
                place.environment,
                feature.id,
                Setting("a", locked=False),
                place.caller.person_id,
            )

    with pytest.raises(VersionConflict):
        await database.transaction(work)
