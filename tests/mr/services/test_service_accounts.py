import trio

from fh.model.roles import Role
from fh.mr.errors import VersionConflict
from fh.mr.service_account import AccountChange, Grant, NewAccount
from fh.mr.services.service_accounts import (
    create_account,
    load_account,
    update_account,
)


async def test_of_two_who_change_an_account_at_once_one_succeeds(database, place):
    created = await database.transaction(
        lambda tx: create_account(tx, place.caller, place.portfolio, NewAccount("sdk", ""))
    )
    account = created.account
    refused = []

    async def grant(role: Role) -> None:
        change = AccountChange(
            account.id,
            "sdk",
            None,
            account.version,
            [Grant(place.environment, frozenset({role}))],
        )
        try:
            await database.transaction(
                lambda tx: update_account(tx, place.caller, place.portfolio, change)
            )
        except VersionConflict as conflict:
            refused.append(conflict)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(grant, Role.READ)
        nursery.start_soon(grant, Role.LOCK)
    assert len(refused) == 1
    found = await database.transaction(lambda tx: load_account(tx, place.caller, account.id, None))
    assert found.account.version == account.version + 1
    assert len(found.permissions or ()) == 1


async def test_secrets_never_show_in_a_repr(database, place):
    created = await database.transaction(
        lambda tx: create_account(tx, place.caller, place.portfolio, NewAccount("sdk", ""))
    )
    assert created.account.server_secret not in repr(created)
    assert created.account.client_secret not in repr(created)
