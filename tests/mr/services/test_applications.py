import contextlib

import trio

from fh.mr.errors import AlreadyExists, NotFound
from fh.mr.repositories.environments import NewEnvironment
from fh.mr.services.applications import (
    ApplicationParts,
    create_application,
    delete_application,
    find_applications,
)
from fh.mr.services.environments import create_environment
from fh.mr.settings import MrSettings


async def test_the_first_environment_is_named_by_the_settings(database, place):
    settings = MrSettings(
        production_environment_name="live", production_environment_description="careful"
    )
    created = await database.transaction(
        lambda tx: create_application(tx, place.caller, place.portfolio, " A ", "", settings)
    )
    assert created.application.name == "A"
    [environment] = created.environments
    assert (environment.name, environment.description) == ("live", "careful")


async def test_of_two_who_take_one_name_at_once_one_succeeds(database, place):
    refused = []

    async def create() -> None:
        try:
            await database.transaction(
                lambda tx: create_application(
                    tx, place.caller, place.portfolio, "New", "", MrSettings()
                )
            )
        except AlreadyExists as taken:
            refused.append(taken)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(create)
        nursery.start_soon(create)
    assert len(refused) == 1


async def test_no_environment_survives_its_application(database, place, sql):
    """Created and deleted at once: either it is archived along, or it is refused."""

    async def create() -> None:
        new = NewEnvironment("new", "")
        with contextlib.suppress(NotFound):
            await database.transaction(
                lambda tx: create_environment(tx, place.caller, place.application, new)
            )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(create)
        nursery.start_soon(
            database.transaction, lambda tx: delete_application(tx, place.caller, place.application)
        )
    assert await sql("SELECT 1 FROM environment WHERE when_archived IS NULL") == []
    found = await database.transaction(
        lambda tx: find_applications(tx, place.caller, place.portfolio, None, ApplicationParts())
    )
    assert found == []
