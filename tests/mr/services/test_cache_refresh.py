import msgspec
import trio

from fh.model.feature_type import FeatureType
from fh.mr.repositories.features import FeatureText
from fh.mr.services.cache_refresh import Wanted, refresh_caches
from fh.mr.services.features import NewFeature, create_feature
from fh.mr.services.service_accounts import NewAccount, create_account, delete_account

ROUNDS = 30


async def test_no_list_of_features_follows_one_that_is_not_in_it(database, place, sql):
    """Caches drop what a list lacks, so it must not be read before and told after a feature."""
    wanted = Wanted(applications=[place.application])
    await sql("DELETE FROM outbox")

    async def create() -> None:
        for number in range(ROUNDS):
            new = NewFeature(FeatureText(f"key-{number}", "New"), FeatureType.BOOLEAN)
            await database.transaction(
                lambda tx, new=new: create_feature(tx, place.caller, place.application, new)
            )

    async def refresh() -> None:
        for _ in range(ROUNDS):
            await refresh_caches(database, place.caller, wanted)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(create)
        nursery.start_soon(refresh)

    told: set[str] = set()
    lists = 0
    for row in await sql("SELECT kind, body FROM outbox ORDER BY id"):
        event = msgspec.json.decode(row["body"])
        if row["kind"] == "environment":
            listed = {each["feature"]["key"] for each in event["fv"]}
            assert told <= listed
            lists += bool(told)
        else:
            told.add(event["features"][0]["feature"]["feature"]["key"])
    assert len(told) == ROUNDS
    assert lists > 0


async def test_no_account_is_told_after_its_farewell(database, place, sql):
    await sql("DELETE FROM outbox")
    wanted = Wanted(portfolios=[place.portfolio])
    accounts = []
    for number in range(ROUNDS):
        new = NewAccount(f"account {number}", "", ())
        details = await database.transaction(
            lambda tx, new=new: create_account(tx, place.caller, place.portfolio, new)
        )
        accounts.append(details.account.id)

    async def delete() -> None:
        for account_id in accounts:
            await database.transaction(
                lambda tx, one=account_id: delete_account(tx, place.caller, one)
            )

    async def refresh() -> None:
        for _ in range(ROUNDS // 3):
            await refresh_caches(database, place.caller, wanted)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(delete)
        nursery.start_soon(refresh)

    gone: set[str] = set()
    for row in await sql("SELECT body FROM outbox WHERE kind = 'service-account' ORDER BY id"):
        event = msgspec.json.decode(row["body"])
        account_id = event["serviceAccount"]["id"]
        assert account_id not in gone
        if event["action"] == "DELETE":
            gone.add(account_id)
    assert len(gone) == ROUNDS
