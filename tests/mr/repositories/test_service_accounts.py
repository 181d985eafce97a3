from dataclasses import replace

import pytest

from fh.model.roles import Role
from fh.mr.errors import AlreadyExists
from fh.mr.repositories import service_accounts as repository


@pytest.fixture
def add(database, place):
    async def run(name: str):
        async def work(tx):
            account_id = await repository.insert_account(
                tx, place.portfolio, name, "", (f"s-{name}", f"c*{name}"), place.caller.person_id
            )
            return await repository.find_account(tx, account_id)

        return await database.transaction(work)

    return run


async def test_the_person_is_renamed_with_the_account(database, place, add, sql):
    account = replace(await add("one"), name="other")
    await database.transaction(
        lambda tx: repository.save_account(tx, account, place.caller.person_id)
    )
    [person] = await sql("SELECT name FROM person WHERE id = $1", account.sdk_person_id)
    assert person["name"] == "other"


async def test_a_name_is_taken_once(database, place, add):
    await add("one")
    other = replace(await add("other"), name="one")
    with pytest.raises(AlreadyExists):
        await database.transaction(
            lambda tx: repository.save_account(tx, other, place.caller.person_id)
        )


async def test_permissions_are_set_replaced_and_removed(database, place, add):
    account = await add("one")

    async def save(granted, removed=()):
        async def work(tx):
            await repository.save_permissions(tx, account.id, granted, removed)
            return await repository.find_permissions(tx, [account.id])

        return [one.roles for one in await database.transaction(work)]

    environment = place.environment
    assert await save({environment: frozenset({Role.READ})}) == [{Role.READ}]
    assert await save({environment: frozenset({Role.LOCK})}) == [{Role.LOCK}]
    assert await save({}, [environment]) == []
