"""A null that a client sends in a strategy is a member left out: no answer holds one."""

from importlib.resources import files

import pytest

_NULLS = {
    "name": "c",
    "value": None,
    "percentage": None,
    "percentageAttributes": None,
    "attributes": None,
    "disabled": None,
    "colouring": None,
    "avatar": None,
}
_MIGRATION = files("fh.db") / "migrations" / "0007_no_nulls_in_strategies.sql"


def _places_of_nulls(body: object, place: str = "") -> list[str]:
    if body is None:
        return [place]
    if isinstance(body, dict):
        return [
            one for key, what in body.items() for one in _places_of_nulls(what, f"{place}.{key}")
        ]
    if isinstance(body, list):
        return [one for what in body for one in _places_of_nulls(what, f"{place}[]")]
    return []


@pytest.fixture
def answers_about(shop):
    """Return all answers that show a value's strategies: alone, in its history, on the board."""

    async def ask(key: str) -> dict:
        application = f"/mr-api/application/{shop.application}"
        history = await shop.api("GET", f"{application}/feature-history?featureKeys={key}")
        board = await shop.api("GET", f"{application}/all-feature-environment?filter={key}")
        return {
            "alone": (await shop.api("GET", shop.value_path(key))).body["rolloutStrategies"],
            "history": history.body["items"][0]["history"][-1]["rolloutStrategies"],
            "board": board.body["environments"][0]["features"][0]["rolloutStrategies"],
        }

    return ask


async def test_a_refusal_shows_faulty_strategies_without_nulls(shop):
    path = f"/mr-api/application/{shop.application}/strategy"
    for body in ({"name": ""}, {**_NULLS, "name": ""}):
        answer = await shop.api("POST", path, body)
        assert answer.status == 422
        [faulty] = answer.body["customStategyViolations"]
        assert faulty["strategy"] == {
            "name": "",
            "percentageAttributes": [],
            "attributes": [],
            "disabled": False,
        }


async def test_a_refused_value_and_a_validation_show_no_nulls_either(shop):
    await shop.add_feature("title", "STRING")
    rule = {"fieldName": "country", "values": None, "type": None, "conditional": None}
    faulty = {**_NULLS, "name": None, "attributes": [rule]}
    refused = await shop.put_value("title", {"locked": False, "rolloutStrategies": [faulty]})
    assert refused.status == 422
    path = f"/mr-api/application/{shop.application}/rollout-strategy-validation"
    judged = await shop.api("POST", path, {"customStrategies": [faulty], "sharedStrategies": []})
    for answer in (refused, judged):
        assert answer.body["customStategyViolations"]
        assert _places_of_nulls(answer.body) == []


@pytest.mark.parametrize("again", [False, True])
async def test_a_value_that_is_null_is_stored_and_shown_as_none(shop, answers_about, again):
    await shop.add_feature("title", "STRING")
    body = {"locked": False, "rolloutStrategies": [] if again else [_NULLS]}
    saved = (await shop.put_value("title", body)).body
    if again:
        saved = (await shop.put_value("title", {**saved, "rolloutStrategies": [_NULLS]})).body
    [strategy] = saved["rolloutStrategies"]
    assert strategy == {
        "id": strategy["id"],
        "name": "c",
        "percentageAttributes": [],
        "attributes": [],
        "disabled": False,
    }
    shown = await answers_about("title")
    assert list(shown.values()) == [[strategy]] * 3
    unchanged = await shop.put_value("title", saved | {"rolloutStrategies": [_NULLS | strategy]})
    assert unchanged.body["version"] == saved["version"]


async def test_nulls_of_old_installations_are_taken_out_of_what_is_stored(shop, sql, answers_about):
    await shop.add_feature("title", "STRING")
    rule = {"fieldName": "f", "conditional": "EQUALS", "type": "NUMBER", "values": [1]}
    sent = [{"name": "a", "value": "null"}, {"name": "b", "value": "x", "attributes": [rule]}]
    saved = await shop.put_value("title", {"locked": False, "rolloutStrategies": sent})
    for table in ("feature_value", "feature_value_version"):
        await sql(
            f"UPDATE {table} SET rollout_strategies = "
            "jsonb_set(rollout_strategies, '{1,value}', 'null')"
        )
    assert _places_of_nulls(await answers_about("title"))

    for statement in _MIGRATION.read_text().split(";")[:-1]:
        await sql(statement)

    first, second = saved.body["rolloutStrategies"]
    second.pop("value")
    shown = await answers_about("title")
    assert list(shown.values()) == [[first, second]] * 3
