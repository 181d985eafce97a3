"""Where a new group comes, when somebody has put one to the end of all numbers."""

from importlib.resources import files

import pytest

_LAST = 2**31 - 1
_MIGRATION = files("fh.db") / "migrations" / "0010_positions_of_groups.sql"


@pytest.fixture
def move(shop, group_path):
    async def move(group: dict, order: int) -> dict:
        body = {"id": group["id"], "version": group["version"], "order": order}
        answer = await shop.api("PUT", group_path, body)
        assert answer.status == 200, answer
        return answer.body

    return move


@pytest.fixture
def echo(shop, group_path):
    """Send a group back as it was answered; it must change nothing."""

    async def echo(group: dict) -> None:
        answer = await shop.api("PUT", group_path, group)
        assert (answer.status, answer.body) == (200, group)

    return echo


async def test_before_one_at_the_very_end_there_is_room(add_group, move, echo):
    await move(await add_group("end"), _LAST)
    orders = []
    for name in ("a", "b", "c"):
        group = await add_group(name)
        orders.append(group["order"])
        await echo(group)
    assert orders == [_LAST - 1, _LAST - 2, _LAST - 3]


@pytest.mark.parametrize("last", [_LAST, _LAST - 1, _LAST - 9])
async def test_behind_the_live_ones_when_the_end_is_only_reserved(
    shop, group_path, add_group, move, echo, last
):
    await add_group("first")
    gone = await move(await add_group("gone"), last)
    assert (await shop.api("DELETE", f"{group_path}/{gone['id']}")).status == 204
    orders = []
    for name in ("a", "b", "c"):
        group = await add_group(name)
        orders.append(group["order"])
        await echo(group)
    assert orders == [11, 12, 13]


async def test_what_is_reserved_is_passed_over(shop, group_path, add_group, move):
    for order in (_LAST, 1, 3):
        gone = await move(await add_group(f"gone {order}"), order)
        await shop.api("DELETE", f"{group_path}/{gone['id']}")
    assert [(await add_group(name))["order"] for name in ("a", "b", "c")] == [2, 4, 5]


async def test_the_last_one_that_can_be_reached_by_steps(add_group, move, echo):
    await move(await add_group("near"), _LAST - 10)
    group = await add_group("next")
    assert group["order"] == _LAST
    await echo(group)


async def test_groups_beyond_the_end_are_brought_back_in_their_order(
    database, shop, sql, group_path, add_group, echo
):
    groups = [await add_group(name) for name in ("a", "b", "c")]
    for group, position in zip(groups, (_LAST, _LAST + 20, _LAST + 10), strict=True):
        await sql("UPDATE feature_group SET position = $2 WHERE id = $1", group["id"], position)
    beside = await shop.add_environment("beside")
    place = {"name": "other", "environmentId": beside["id"], "features": []}
    other = (await shop.api("POST", group_path, place)).body

    script = _MIGRATION.read_text()
    await database.transaction(lambda tx: tx.execute(script))

    listed = (await shop.api("GET", group_path)).body["featureGroups"]
    assert [(one["name"], one["order"]) for one in listed if one["id"] != other["id"]] == [
        ("a", 10),
        ("c", 20),
        ("b", 30),
    ]
    assert other in listed
    for group in groups:
        await echo((await shop.api("GET", f"{group_path}/{group['id']}")).body)
