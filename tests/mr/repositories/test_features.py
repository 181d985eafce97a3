import pytest

from fh.model.feature_type import FeatureType
from fh.mr.errors import VersionConflict
from fh.mr.repositories import features as repository
from fh.mr.repositories.features import FeatureText


async def test_a_feature_comes_back_as_it_was_saved(database, place):
    text = FeatureText("k", "n", "a", "l", "d", "m", secret=True)

    async def work(tx):
        feature = await repository.find_feature(tx, place.application, "title")
        await repository.save_feature(tx, feature.id, text, feature.value_type)
        return feature, await repository.find_feature(tx, place.application, "k")

    before, after = await database.transaction(work)
    assert after.text == text
    assert (after.id, after.version) == (before.id, before.version + 1)


async def test_only_switches_get_a_value_from_the_start(database, place, sql):
    async def work(tx):
        feature = await repository.find_feature(tx, place.application, "title")
        await repository.insert_switches(
            tx, [feature.id], [place.environment], place.caller.person_id
        )
        return await repository.feature_has_values(tx, feature.id)

    assert not await database.transaction(work)


async def test_a_switch_has_one_value_in_an_environment(database, place):
    async def work(tx):
        text, places = FeatureText("switch", "Switch"), [place.environment]
        [switch] = await repository.insert_features(
            tx, place.application, [text], [FeatureType.BOOLEAN]
        )
        for _ in range(2):
            await repository.insert_switches(tx, [switch.id], places, place.caller.person_id)

    with pytest.raises(VersionConflict):
        await database.transaction(work)
