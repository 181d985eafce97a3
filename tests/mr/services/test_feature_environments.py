from uuid import uuid4

import pytest
import trio

from fh.mr.errors import Invalid, VersionConflict
from fh.mr.repositories.environments import NewEnvironment
from fh.mr.services.environments import create_environment
from fh.mr.services.feature_environments import load_values_everywhere, save_values_everywhere
from fh.mr.services.value_writes import SentValue


async def test_one_refused_value_undoes_all(database, place):
    sent = [
        (place.environment, SentValue(locked=False, string="x")),
        (uuid4(), SentValue(locked=False, string="y")),
    ]
    with pytest.raises(Invalid):
        await database.transaction(
            lambda tx: save_values_everywhere(tx, place.caller, place.application, "title", sent)
        )
    found = await database.transaction(
        lambda tx: load_values_everywhere(tx, place.caller, place.application, "title")
    )
    assert [one.value for one in found] == [None]


async def test_writers_in_opposite_orders_do_not_wait_for_each_other_for_ever(database, place):
    created = await database.transaction(
        lambda tx: create_environment(
            tx, place.caller, place.application, NewEnvironment("new", "")
        )
    )
    environments = [place.environment, created.environment.id]
    refused = []

    async def save(order) -> None:
        sent = [(one, SentValue(locked=False, string="x")) for one in order]
        try:
            await database.transaction(
                lambda tx: save_values_everywhere(
                    tx, place.caller, place.application, "title", sent
                )
            )
        except VersionConflict as conflict:
            refused.append(conflict)

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(save, environments)
            nursery.start_soon(save, environments[::-1])
    assert len(refused) == 1
