"""A strategy's colour is an int32, whichever kind of strategy it is."""

from importlib.resources import files

import pytest

_FITTING = (-(2**31), 2**31 - 1)
_WILD = (-(2**31) - 1, 2**31, 2**80)
_MIGRATION = files("fh.db") / "migrations" / "0009_colouring_of_strategies.sql"


@pytest.fixture(params=["custom", "application", "group"])
def save(request, shop, group_path, group_features):
    """Return what saves one strategy and answers, and how refusals call its place."""

    async def save(strategy: dict) -> object:
        match request.param:
            case "custom":
                got = await shop.api("GET", shop.value_path("title"))
                known = got.body if got.status == 200 else {"locked": False}
                sent = [{**strategy, "value": "x"}]
                return await shop.put_value("title", {**known, "rolloutStrategies": sent})
            case "application":
                path = f"/mr-api/application/{shop.application}/strategy"
                return await shop.api("POST", path, strategy)
            case _:
                place = {"name": strategy["name"], "environmentId": shop.production}
                body = {**place, "features": [], "strategies": [strategy]}
                return await shop.api("POST", group_path, body)

    place = {"custom": "rolloutStrategies[0].", "application": "", "group": "strategies[0]."}
    return save, place[request.param]


async def test_any_int32_can_be_a_colour_and_nothing_else(save):
    save, place = save
    for number, colour in enumerate(_FITTING):
        answer = await save({"name": f"fitting {number}", "colouring": colour})
        assert answer.status in {200, 201}
    for colour in _WILD:
        answer = await save({"name": "wild", "colouring": colour})
        assert (answer.status, answer.body["field"]) == (400, f"{place}colouring")


async def test_wild_colours_of_old_installations_are_dropped(
    database, shop, sql, add_group, group_path
):
    sent = [{"name": "a", "value": "x", "colouring": 7}, {"name": "b", "value": "y"}]
    await shop.put_value("title", {"locked": False, "rolloutStrategies": sent})
    saved = await shop.api("GET", shop.value_path("title"))
    group = await add_group("group")
    for table, column in (
        ("feature_value", "rollout_strategies"),
        ("feature_value_version", "rollout_strategies"),
        ("feature_group", "strategies"),
    ):
        await sql(
            f"UPDATE {table} SET {column} = "
            f"jsonb_set({column}, '{{-1,colouring}}', '{2**80}') "
            f"WHERE jsonb_array_length({column}) > 0"
        )

    script = _MIGRATION.read_text()
    await database.transaction(lambda tx: tx.execute(script))

    assert (await shop.api("GET", shop.value_path("title"))).body == saved.body
    again = await shop.api("GET", f"{group_path}/{group['id']}")
    assert again.body == group
