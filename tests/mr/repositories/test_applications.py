from uuid import uuid4

from fh.mr.repositories import applications as repository


async def test_an_application_of_an_archived_portfolio_is_not_found(database, place, sql):
    async def find():
        return await database.transaction(
            lambda tx: repository.find_application(tx, place.application)
        )

    assert (await find()).name == "Shop"
    await sql("UPDATE portfolio SET when_archived = now()")
    assert await find() is None
    live = await database.transaction(lambda tx: repository.portfolio_is_live(tx, place.portfolio))
    assert not live


async def test_locking_what_does_not_exist_finds_nothing(database):
    assert await database.transaction(lambda tx: repository.lock_application(tx, uuid4())) is None
