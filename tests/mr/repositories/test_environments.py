from datetime import UTC, datetime

import pytest

from fh.mr.errors import AlreadyExists
from fh.mr.repositories import environments as repository
from fh.mr.repositories.environments import NewEnvironment, decode_information


async def test_archiving_twice_is_archiving_once(database, place):
    async def archive():
        return await database.transaction(
            lambda tx: repository.archive_environment(tx, place.environment, datetime.now(UTC))
        )

    assert await archive()
    assert not await archive()


async def test_names_are_free_only_once_archived(database, place):
    new = NewEnvironment("production", "")
    with pytest.raises(AlreadyExists):
        await database.transaction(
            lambda tx: repository.insert_environment(tx, place.application, new)
        )


async def test_versions_are_counted_up_in_live_environments_only(database, place, sql):
    async def bump(tx):
        await repository.bump_environments(tx, place.application)
        await repository.bump_each_environment(tx, [place.environment])

    before = (await sql("SELECT version FROM environment"))[0]["version"]
    await database.transaction(bump)
    assert (await sql("SELECT version FROM environment"))[0]["version"] == before + 2
    await sql("UPDATE environment SET when_archived = now()")
    await database.transaction(bump)
    assert (await sql("SELECT version FROM environment"))[0]["version"] == before + 2


def test_no_information_is_an_empty_map():
    assert decode_information(None) == {}
    assert decode_information('{"a": "b"}') == {"a": "b"}
