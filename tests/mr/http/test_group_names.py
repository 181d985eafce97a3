"""A name belongs to one live feature group of an environment, whatever its case."""

from importlib.resources import files

import pytest

_MIGRATION = files("fh.db") / "migrations" / "0011_names_of_groups.sql"


@pytest.fixture
def place(shop):
    return {"environmentId": shop.production, "features": []}


async def test_a_name_can_be_given_once_and_again_after_deletion(
    shop, group_path, add_group, place
):
    group = await add_group("Beta")
    refused = await shop.api("POST", group_path, {**place, "name": " bETA "})
    assert (refused.status, refused.body["field"]) == (409, "name")
    assert await shop.announced() == []
    beside = await shop.add_environment("beside")
    elsewhere = {**place, "environmentId": beside["id"], "name": "Beta"}
    assert (await shop.api("POST", group_path, elsewhere)).status == 201
    assert (await shop.api("DELETE", f"{group_path}/{group['id']}")).status == 204
    assert (await shop.api("POST", group_path, {**place, "name": "BETA"})).status == 201


async def test_a_group_may_keep_its_name_but_not_take_another_s(shop, group_path, add_group):
    await add_group("Beta")
    other = await add_group("other", dark_mode=True)
    await shop.announced()

    async def renamed(name: str) -> object:
        body = {"id": other["id"], "version": other["version"], "name": name}
        return await shop.api("PUT", group_path, body)

    refused = await renamed("beta")
    assert (refused.status, refused.body["field"]) == (409, "name")
    assert await shop.announced() == []
    assert (await renamed("other")).body == other
    assert (await renamed("OTHER")).body["name"] == "OTHER"


async def test_old_groups_that_share_a_name_get_numbers(database, shop, sql, group_path, add_group):
    long = "n" * 255
    shared = ["Beta", "beta", "BETA", "beta (2)", long, long.upper()]
    groups = [await add_group(f"group {number}") for number in range(len(shared))]
    gone = await add_group("gone")
    await shop.api("DELETE", f"{group_path}/{gone['id']}")
    await sql("DROP INDEX feature_group_name")
    for group, name in zip([*groups, gone], [*shared, "beta (3)"], strict=True):
        await sql("UPDATE feature_group SET name = $2 WHERE id = $1", group["id"], name)

    script = _MIGRATION.read_text()
    await database.transaction(lambda tx: tx.execute(script))

    listed = (await shop.api("GET", group_path)).body["featureGroups"]
    assert [(one["name"], one["version"]) for one in listed] == [
        ("Beta", 1),
        ("beta (3)", 2),
        ("BETA (4)", 2),
        ("beta (2)", 1),
        (long, 1),
        ("N" * 251 + " (2)", 2),
    ]
