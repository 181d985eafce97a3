import trio

from fh.model.feature_type import FeatureType
from fh.mr.errors import VersionConflict
from fh.mr.repositories.features import FeatureText
from fh.mr.services.features import (
    FeatureChange,
    NewFeature,
    create_feature,
    load_feature,
    update_feature,
)


async def test_of_two_who_change_a_feature_at_once_one_succeeds(database, place):
    refused = []

    async def rename(name: str) -> None:
        change = FeatureChange(FeatureText("title", name), None, 1)
        try:
            await database.transaction(
                lambda tx: update_feature(tx, place.caller, place.application, "title", change)
            )
        except VersionConflict as conflict:
            refused.append(conflict)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rename, "One")
        nursery.start_soon(rename, "Other")
    assert len(refused) == 1
    feature = await database.transaction(
        lambda tx: load_feature(tx, place.caller, place.application, "title")
    )
    assert feature.version == 2


async def test_a_key_may_look_like_an_identifier(database, place):
    first = await database.transaction(
        lambda tx: load_feature(tx, place.caller, place.application, "title")
    )
    lookalike = FeatureText(str(first.id), "Lookalike")
    await database.transaction(
        lambda tx: create_feature(
            tx, place.caller, place.application, NewFeature(lookalike, FeatureType.STRING)
        )
    )
    found = await database.transaction(
        lambda tx: load_feature(tx, place.caller, place.application, str(first.id))
    )
    assert found.text.name == "Lookalike"  # the key counts first
