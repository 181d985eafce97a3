import trio

from fh.mr.repositories.environments import NewEnvironment
from fh.mr.services.environments import (
    EnvironmentParts,
    create_environment,
    delete_environment,
    find_environments,
)


async def test_environments_created_at_once_form_one_chain(database, place):
    async def create(name: str) -> None:
        await database.transaction(
            lambda tx: create_environment(
                tx, place.caller, place.application, NewEnvironment(name, "")
            )
        )

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(create, f"env-{number}")
    found = await database.transaction(
        lambda tx: find_environments(tx, place.caller, place.application, None, EnvironmentParts())
    )
    chain = [details.environment for details in found]
    assert [one.prior_id for one in chain] == [None, *(one.id for one in chain[:-1])]


async def test_of_two_who_delete_at_once_one_announces_it(database, place, sql):
    told = []

    async def delete() -> None:
        told.append(
            await database.transaction(
                lambda tx: delete_environment(tx, place.caller, place.environment)
            )
        )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(delete)
        nursery.start_soon(delete)
    assert sorted(told) == [False, True]
    rows = await sql("SELECT body FROM outbox WHERE kind = 'environment'")
    assert sum(b'"DELETE"' in row["body"] for row in rows) == 1


async def test_information_of_the_management_can_not_be_set(database, place):
    new = NewEnvironment("new", "", information={"mgmt.x": "1", "x": "2"})
    created = await database.transaction(
        lambda tx: create_environment(tx, place.caller, place.application, new)
    )
    assert created.environment.information == {"x": "2"}
