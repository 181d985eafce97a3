"""Test writes while others write, go away or stop waiting."""

import threading
from uuid import uuid4

import pytest
import trio

from fh.contracts.updates import StreamedFeatureUpdate
from fh.db.errors import CommitUnknown, DatabaseUnavailable, TransactionConflict
from fh.errors import Unavailable
from fh.model.feature_type import FeatureType
from fh.mr.errors import Invalid, VersionConflict
from fh.mr.repositories.features import FeatureText
from fh.mr.sdk_updates import ATTEMPTS, DatabaseUpdates, UpdateStatistics, apply_update
from fh.mr.services.features import FeatureChange, delete_feature, update_feature

APPLIED = UpdateStatistics(applied=1, unchanged=0, dropped=0)
DROPPED = UpdateStatistics(applied=0, unchanged=0, dropped=1)


async def _history(sdk) -> list[tuple[int, str, bool]]:
    rows = await sdk.sql(
        "SELECT v.version, v.default_value, v.retired FROM feature_value_version v "
        "JOIN feature f ON f.id = v.feature_id WHERE f.key = 'STRING' ORDER BY v.version"
    )
    return [tuple(row) for row in rows]


async def test_of_twenty_first_values_at_once_none_is_lost(sdk):
    wanted = {f"value {number}" for number in range(20)}
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            for value in sorted(wanted):
                update = sdk.update("STRING", updating_value=True, value_string=value)
                nursery.start_soon(sdk.updates.submit, update)

    assert sdk.updates.statistics() == UpdateStatistics(applied=20, unchanged=0, dropped=0)
    history = await _history(sdk)
    assert [version for version, *_ in history] == list(range(1, 21))
    assert {value for _, value, _ in history} == wanted
    values = [event["feature"]["value"] for event in await sdk.announced()]
    assert [(one["version"], one["value"]) for one in values] == [
        (version, value) for version, value, _ in history
    ]


async def test_the_second_of_two_first_values_becomes_the_second_version(sdk, in_turn):
    """The first is written and not committed yet: the second one's own try is in vain."""
    first = sdk.update("STRING", updating_value=True, value_string="first")

    async def write_second() -> None:
        assert await sdk.set("STRING", value_string="second", lock=True) == APPLIED

    await in_turn(lambda tx: apply_update(tx, first), write_second)
    assert [value for _, value, _ in await _history(sdk)] == ["first", "second"]
    assert await sdk.row("STRING") == ("second", True, 2)


async def test_twenty_updates_and_a_person_at_once_lose_nothing(sdk):
    put = await sdk.put("STRING", valueString="a")
    wanted = {f"value {number}" for number in range(20)}
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            for number, value in enumerate(sorted(wanted)):
                update = sdk.update("STRING", updating_value=True, value_string=value)
                nursery.start_soon(sdk.updates.submit, update)
                if number == 10:
                    nursery.start_soon(
                        lambda: sdk.put(
                            "STRING", id=put["id"], version=1, valueString="a", retired=True
                        )
                    )

    history = await _history(sdk)
    assert [version for version, *_ in history] == list(range(1, 23))
    assert {value for _, value, _ in history} == wanted | {"a"}
    assert [retired for *_, retired in history] == sorted(retired for *_, retired in history)
    assert history[-1][2] is True
    assert await sdk.row("STRING") == (history[-1][1], False, 22)


async def test_a_cancelled_update_leaves_nothing_behind(sdk, database):
    await sdk.set("STRING", value_string="a")
    await sdk.announced()
    enough = threading.Event()

    async def hold(tx) -> None:
        await tx.fetch("SELECT id FROM feature_value FOR UPDATE")
        while not enough.is_set():
            await tx.fetchval("SELECT pg_sleep(0.001)")

    async def submit(scope: trio.CancelScope) -> None:
        with scope:
            await sdk.updates.submit(
                sdk.update("STRING", updating_value=True, value_string="b", lock=True)
            )

    with trio.fail_after(10):
        async with trio.open_nursery() as holding:
            holding.start_soon(database.transaction, hold)
            while not (
                await sdk.sql(
                    "SELECT count(*) FROM pg_locks WHERE relation = 'feature_value'::regclass "
                    "AND mode = 'RowShareLock'"
                )
            )[0][0]:
                pass
            scope = trio.CancelScope()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(submit, scope)
                while not (await sdk.sql("SELECT count(*) FROM pg_locks WHERE NOT granted"))[0][0]:
                    pass
                scope.cancel()
            enough.set()

    assert scope.cancelled_caught
    assert await sdk.row("STRING") == ("a", False, 1)
    assert await sdk.announced() == []
    assert await sdk.set("STRING", value_string="b", lock=True) == APPLIED


async def test_a_feature_that_is_deleted_meanwhile_is_not_written(sdk, in_turn):
    """The deletion is under way: the update waits for it, and then there is no such feature."""

    async def delete(tx) -> None:
        await delete_feature(tx, sdk.place.caller, sdk.place.application, "STRING")

    async def write() -> None:
        assert await sdk.set("STRING", value_string="a") == DROPPED

    await in_turn(delete, write)
    assert [event["action"] for event in await sdk.announced()] == ["DELETE"]


async def test_a_type_does_not_change_while_an_sdk_writes_the_first_value(sdk, database, in_turn):
    """The value is written and not committed yet: whoever changes the type waits for it."""
    place = sdk.place
    first = sdk.update("STRING", updating_value=True, value_string="no number")
    change = FeatureChange(FeatureText("STRING", "Text"), FeatureType.NUMBER, 1)

    async def change_type() -> None:
        with pytest.raises(Invalid):
            await database.transaction(
                lambda tx: update_feature(tx, place.caller, place.application, "STRING", change)
            )

    await in_turn(lambda tx: apply_update(tx, first), change_type)
    assert await sdk.row("STRING") == ("no number", False, 1)


class Contested:
    """A database in whose way others are, some times."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.attempts = 0

    async def transaction(self, work, *, read_only=False):
        self.attempts += 1
        if self.faults:
            raise self.faults.pop(0)
        return True


def _some_update() -> StreamedFeatureUpdate:
    return StreamedFeatureUpdate(secret="s", environment_id=uuid4(), feature_key="k", lock=True)


@pytest.mark.parametrize(
    "conflict",
    [VersionConflict("feature value"), TransactionConflict("deadlock")],
    ids=["version", "transaction"],
)
async def test_conflicts_are_tried_again_but_not_for_ever(conflict):
    database = Contested(*[conflict] * (ATTEMPTS - 1))
    updates = DatabaseUpdates(database)
    await updates.submit(_some_update())
    assert updates.statistics() == APPLIED
    assert database.attempts == ATTEMPTS

    database = Contested(*[conflict] * ATTEMPTS)
    updates = DatabaseUpdates(database)
    with pytest.raises(Unavailable):
        await updates.submit(_some_update())
    assert updates.statistics() == UpdateStatistics(0, 0, 0)
    assert database.attempts == ATTEMPTS


@pytest.mark.parametrize("fault", [DatabaseUnavailable("away"), CommitUnknown("lost")], ids=repr)
async def test_a_database_that_is_away_is_told_at_once(fault):
    database = Contested(fault)
    updates = DatabaseUpdates(database)
    with pytest.raises(Unavailable):
        await updates.submit(_some_update())
    assert updates.statistics() == UpdateStatistics(0, 0, 0)
    assert database.attempts == 1


async def test_a_bug_is_no_refusal():
    updates = DatabaseUpdates(Contested(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        await updates.submit(_some_update())
