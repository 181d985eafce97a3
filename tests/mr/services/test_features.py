import pytest
import trio

from fh.model.feature_type import FeatureType
from fh.mr.errors import Invalid, VersionConflict
from fh.mr.repositories.features import FeatureText
from fh.mr.services.feature_values import save_value
from fh.mr.services.features import (
    FeatureChange,
    NewFeature,
    create_feature,
    load_feature,
    update_feature,
)
from fh.mr.services.value_writes import SentValue

_A_TEXT = SentValue(locked=False, string="no number")
_INTO_NUMBERS = FeatureChange(FeatureText("title", "Title"), FeatureType.NUMBER, 1)


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


async def test_a_type_does_not_change_while_the_first_value_is_on_its_way(database, place, in_turn):
    async def write(tx):
        await save_value(tx, place.caller, place.environment, "title", _A_TEXT)

    async def change():
        with pytest.raises(Invalid) as refused:
            await database.transaction(
                lambda tx: update_feature(
                    tx, place.caller, place.application, "title", _INTO_NUMBERS
                )
            )
        assert refused.value.field == "valueType"

    await in_turn(write, change)


async def test_a_first_value_is_none_of_the_type_before(database, place, sql, in_turn):
    async def change(tx):
        await update_feature(tx, place.caller, place.application, "title", _INTO_NUMBERS)

    async def write():
        with pytest.raises(VersionConflict):
            await database.transaction(
                lambda tx: save_value(tx, place.caller, place.environment, "title", _A_TEXT)
            )

    await in_turn(change, write)
    assert await sql("SELECT FROM feature_value") == []
