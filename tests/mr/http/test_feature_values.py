from uuid import uuid4

import msgspec
import pytest


def _split(percentage: int, value: object, **more: object) -> dict:
    return {"name": "split", "percentage": percentage, "value": value, "attributes": [], **more}


async def test_the_first_value_needs_neither_id_nor_version(shop):
    await shop.add_feature("title", "STRING")
    await shop.announced()

    answer = await shop.put_value("title", {"valueString": "Hello", "locked": False})

    assert answer.status == 200
    assert answer.body["version"] == 1
    assert answer.body["value"] == answer.body["valueString"] == "Hello"
    assert answer.body["rolloutStrategies"] == []
    assert answer.body["rolloutStrategyInstances"] == []
    assert answer.body["retired"] is False
    assert answer.body["whoUpdated"]["name"] == "Superuser"
    [(kind, event)] = await shop.announced()
    assert kind == "feature-values"
    [change] = event["features"]
    assert change["action"] == "UPDATE"
    assert change["feature"]["value"]["value"] == "Hello"
    assert change["feature"]["value"]["version"] == 1


async def test_a_value_survives_the_round_trip_and_is_not_saved_again(shop):
    await shop.add_feature("title", "STRING")
    await shop.put_value(
        "title", {"valueString": "x", "locked": True, "rolloutStrategies": [_split(5, "y")]}
    )
    got = await shop.api("GET", shop.value_path("title"))
    assert "whoUpdated" not in got.body
    await shop.announced()

    again = await shop.api("PUT", shop.value_path("title"), got.body)

    assert (again.status, again.body["version"]) == (200, 1)
    assert await shop.announced() == []


async def test_one_request_may_unlock_and_change(shop):
    await shop.add_feature("dark-mode")
    got = await shop.api("GET", shop.value_path("dark-mode"))
    answer = await shop.api(
        "PUT", shop.value_path("dark-mode"), {**got.body, "locked": False, "valueBoolean": True}
    )
    assert answer.body["version"] == 2
    assert (answer.body["locked"], answer.body["value"]) == (False, True)


async def test_a_locked_value_is_refused(shop):
    await shop.add_feature("dark-mode")
    got = await shop.api("GET", shop.value_path("dark-mode"))
    answer = await shop.api("PUT", shop.value_path("dark-mode"), {**got.body, "valueBoolean": True})
    assert answer.status == 409


async def test_two_editors_of_different_facets_both_succeed(shop):
    await shop.add_feature("title", "STRING")
    first = (await shop.put_value("title", {"valueString": "x", "locked": False})).body

    one = await shop.put_value("title", {**first, "valueString": "y"})
    other = await shop.put_value("title", {**first, "retired": True})

    assert (one.status, other.status) == (200, 200)
    assert (other.body["value"], other.body["retired"], other.body["version"]) == ("y", True, 3)


async def test_two_editors_of_one_facet_conflict(shop):
    await shop.add_feature("title", "STRING")
    first = (await shop.put_value("title", {"valueString": "x", "locked": False})).body
    await shop.put_value("title", {**first, "valueString": "y"})
    assert (await shop.put_value("title", {**first, "valueString": "z"})).status == 409


async def test_history_knows_what_the_author_looked_at(shop, sql):
    await shop.add_feature("title", "STRING")
    first = (await shop.put_value("title", {"valueString": "x", "locked": False})).body
    await shop.put_value("title", {**first, "valueString": "y"})
    await shop.put_value("title", {**first, "retired": True})
    rows = await sql(
        "SELECT version, version_from, default_value, retired "
        "FROM feature_value_version ORDER BY version"
    )
    assert [tuple(row) for row in rows] == [
        (1, None, "x", False),
        (2, 1, "y", False),
        (3, 1, "y", True),
    ]


async def test_without_id_the_newest_version_is_overwritten_and_others_conflict(shop):
    await shop.add_feature("title", "STRING")
    await shop.put_value("title", {"valueString": "x", "locked": False})
    stale = await shop.put_value("title", {"valueString": "y", "locked": False})
    assert stale.status == 409
    fresh = await shop.put_value("title", {"valueString": "y", "locked": False, "version": 1})
    assert (fresh.status, fresh.body["value"], fresh.body["version"]) == (200, "y", 2)


async def test_an_absent_value_clears_and_the_untyped_one_is_ignored(shop):
    await shop.add_feature("title", "STRING")
    first = (await shop.put_value("title", {"valueString": "x", "locked": False})).body
    del first["valueString"]
    answer = await shop.put_value("title", first)
    assert answer.status == 200
    assert "value" not in answer.body
    assert "valueString" not in answer.body


async def test_numbers_keep_their_digits(shop):
    await shop.add_feature("price", "NUMBER")
    exact = b"123456789012345678901234567890.1234567890"
    body = b'{"key":"price","locked":false,"valueNumber":' + exact + b"}"
    answer = await shop.api("PUT", shop.value_path("price"), body)
    assert answer.status == 200
    client = shop.api._client
    response = await client.get(
        shop.value_path("price"), headers={"Authorization": f"Bearer {shop.api.token}"}
    )
    content = await response.get_data()
    assert b'"value":' + exact in content
    assert b'"valueNumber":' + exact in content
    [row] = await shop.sql("SELECT body FROM outbox ORDER BY id DESC LIMIT 1")
    assert b'"value":' + exact in row["body"]


async def test_equal_numbers_are_no_change(shop):
    await shop.add_feature("price", "NUMBER")
    first = (await shop.put_value("price", {"valueNumber": 15, "locked": False})).body
    answer = await shop.api(
        "PUT",
        shop.value_path("price"),
        msgspec.json.encode(first).replace(b'"valueNumber":15', b'"valueNumber":15.0'),
    )
    assert answer.body["version"] == 1


@pytest.mark.parametrize("number", ['"15"', "true", "[]", "1e999", "{}"])
async def test_numbers_must_be_numbers(shop, number):
    await shop.add_feature("price", "NUMBER")
    body = f'{{"key":"price","locked":false,"valueNumber":{number}}}'.encode()
    answer = await shop.api("PUT", shop.value_path("price"), body)
    assert (answer.status, answer.body["field"]) == (400, "valueNumber")


async def test_json_is_a_string(shop):
    await shop.add_feature("config", "JSON")
    answer = await shop.put_value("config", {"valueJson": '{"a": 1}', "locked": False})
    assert answer.body["value"] == answer.body["valueJson"] == '{"a": 1}'
    wrong = await shop.put_value("config", {"valueJson": {"a": 1}, "locked": False})
    assert (wrong.status, wrong.body["field"]) == (400, "valueJson")


async def test_strategies_get_short_ids_and_keep_their_order(shop):
    await shop.add_feature("title", "STRING")
    rule = {
        "conditional": "EQUALS",
        "fieldName": "country",
        "type": "STRING",
        "values": ["norway"],
        "id": "a-long-temporary-id",
    }
    sent = [_split(250_000, "a", id="temporary"), _split(0, "b", attributes=[rule])]
    answer = await shop.put_value("title", {"locked": False, "rolloutStrategies": sent})

    stored = answer.body["rolloutStrategies"]
    assert [s["value"] for s in stored] == ["a", "b"]
    assert all(len(s["id"]) == 4 for s in stored)
    assert stored[0]["percentage"] == 250_000
    assert stored[0]["percentageAttributes"] == []
    assert stored[0]["disabled"] is False
    assert len(stored[1]["attributes"][0]["id"]) == 4

    await shop.announced()
    second = [_split(1, "c"), _split(2, "d")]
    again = await shop.put_value("title", {**answer.body, "rolloutStrategies": second})
    assert [s["value"] for s in again.body["rolloutStrategies"]] == ["c", "d"]
    [(_, event)] = await shop.announced()
    published = event["features"][0]["feature"]["value"]["rolloutStrategies"]
    assert [s["value"] for s in published] == ["c", "d"]
    assert "name" not in published[0]
    assert published[0]["id"] == again.body["rolloutStrategies"][0]["id"]


async def test_strategies_that_break_rules_are_listed(shop):
    await shop.add_feature("dark-mode")
    answer = await shop.put_value(
        "dark-mode",
        {
            "locked": False,
            "version": 1,
            "rolloutStrategies": [_split(1_000_001, True), _split(-1, None)],
        },
    )
    assert answer.status == 422
    assert [
        [one["violation"] for one in faulty["violations"]]
        for faulty in answer.body["customStategyViolations"]
    ] == [["percentage_over_100_percent"], ["negative_percentage"]]
    assert answer.body["violations"] == ["boolean_has_no_value"]
    assert answer.body["sharedStrategyViolations"] == []


async def test_percentages_may_not_add_up_to_more_than_all(shop):
    await shop.add_feature("title", "STRING")
    answer = await shop.put_value(
        "title",
        {"locked": False, "rolloutStrategies": [_split(600_000, "a"), _split(600_000, "b")]},
    )
    assert answer.status == 422
    assert answer.body["violations"] == ["percentage_adds_over_100_percent"]


@pytest.mark.parametrize("value", [1, True, {}, ["x"]])
async def test_strategy_values_must_be_of_the_features_type(shop, value):
    await shop.add_feature("title", "STRING")
    answer = await shop.put_value(
        "title", {"locked": False, "rolloutStrategies": [_split(1, value)]}
    )
    assert (answer.status, answer.body["field"]) == (400, "rolloutStrategies[0].value")


async def test_a_rule_has_room_for_many_values_but_not_for_any_number(shop):
    await shop.add_feature("title", "STRING")
    rule = {"conditional": "EQUALS", "fieldName": "userkey", "type": "STRING"}
    for values, status in ((1000, 200), (1001, 400)):
        rules = [{**rule, "values": ["x"] * values}]
        answer = await shop.put_value(
            "title",
            {"locked": False, "rolloutStrategies": [_split(1, "a", attributes=rules)]},
        )
        assert answer.status == status
    assert answer.body["field"] == "rolloutStrategies[0].attributes[0].values"


async def test_text_that_is_not_utf8_is_refused_inside_strategies_too(shop):
    await shop.add_feature("title", "STRING")
    body = b'{"key":"title","locked":false,"rolloutStrategies":[{"value":"\xff"}]}'
    assert (await shop.api("PUT", shop.value_path("title"), body)).status == 400


async def test_one_application_strategy_can_be_attached_once(shop):
    await shop.add_feature("title", "STRING")
    instance = {"strategyId": str(uuid4()), "value": "x"}
    answer = await shop.put_value(
        "title", {"locked": False, "rolloutStrategyInstances": [instance, instance]}
    )
    assert answer.status == 412


async def test_post_creates_and_updates_too(shop):
    await shop.add_feature("title", "STRING")
    body = {"key": "title", "valueString": "x", "locked": False}
    first = await shop.api("POST", shop.value_path("title"), body)
    assert first.status == 200
    second = await shop.api("POST", shop.value_path("title"), {**first.body, "valueString": "y"})
    assert second.body["version"] == 2


async def test_values_are_never_deleted(shop):
    await shop.add_feature("title", "STRING")
    assert (await shop.api("DELETE", shop.value_path("title"))).status == 400


async def test_unknown_features_and_environments_are_not_found(shop):
    await shop.add_feature("title", "STRING")
    body = {"valueString": "x", "locked": False}
    assert (await shop.put_value("unknown", body)).status == 404
    path = shop.value_path("title", str(uuid4()))
    assert (await shop.api("PUT", path, {"key": "title", **body})).status == 404
    assert (await shop.api("GET", path)).status == 404


async def test_all_values_of_an_environment_are_listed(shop):
    await shop.add_feature("dark-mode")
    await shop.add_feature("title", "STRING")
    answer = await shop.api("GET", f"/mr-api/features/{shop.production}")
    [value] = answer.body["featureValues"]
    assert value["key"] == "dark-mode"
    assert "whenUpdated" in value
    assert answer.body["environments"][0]["id"] == shop.production
    assert answer.body["applications"] == answer.body["features"] == []


async def test_what_members_may_do_depends_on_their_roles(shop, member):
    api, group = member
    await shop.add_feature("dark-mode")
    path = shop.value_path("dark-mode")
    assert (await api("GET", path)).status == 403
    assert (await api("GET", f"/mr-api/features/{shop.production}")).status == 403

    async def roles(*names: str) -> None:
        await shop.sql("DELETE FROM acl WHERE group_id = $1", group)
        await shop.grant(group, list(names), environment=shop.production)

    await roles("READ")
    got = (await api("GET", path)).body
    unlocked = {**got, "locked": False}
    assert (await api("PUT", path, got)).status == 403  # a reader writes nothing, not even nothing

    await roles("LOCK")
    assert (await api("PUT", path, unlocked)).status == 403
    await roles("UNLOCK")
    assert (await api("PUT", path, {**unlocked, "valueBoolean": True})).status == 403
    assert (await api("PUT", path, unlocked)).status == 200

    await roles("CHANGE_VALUE")
    got = (await api("GET", path)).body
    assert (await api("PUT", path, {**got, "valueBoolean": True})).status == 200
    assert (await api("PUT", path, {**got, "locked": True})).status == 403


async def test_application_roles_lock_and_unlock(shop, member):
    api, group = member
    await shop.add_feature("dark-mode")
    await shop.grant(group, ["FEATURE_CREATE"], application=shop.application)
    got = (await api("GET", shop.value_path("dark-mode"))).body
    assert (await shop.put_value("dark-mode", {**got, "locked": False}, api)).status == 200


async def test_archived_groups_give_nothing(shop, member):
    api, group = member
    await shop.add_feature("dark-mode")
    await shop.grant(group, ["READ"], environment=shop.production)
    await shop.sql("UPDATE person_group SET when_archived = now() WHERE id = $1", group)
    assert (await api("GET", shop.value_path("dark-mode"))).status == 403


async def test_several_features_are_written_together_or_not_at_all(shop):
    await shop.add_feature("a", "STRING")
    await shop.add_feature("b", "STRING")
    path = f"/mr-api/features/{shop.production}"
    items = [
        {"key": "b", "valueString": "2", "locked": False},
        {"key": "a", "valueString": "1", "locked": False},
    ]
    await shop.announced()

    assert (await shop.api("PUT", path, [*items, {"key": "x", "locked": False}])).status == 404
    assert (await shop.api("PUT", path, [*items, items[0]])).status == 412
    assert await shop.announced() == []
    answer = await shop.api("PUT", path, items)

    assert [(value["key"], value["value"]) for value in answer.body] == [("a", "1"), ("b", "2")]
    assert len(await shop.announced()) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"key": "title"}, "locked"),
        ({"locked": True}, "key"),
        ({"key": "title", "locked": "yes"}, "locked"),
        ({"key": "title", "locked": True, "valueString": "\0"}, "valueString"),
        ({"key": "title", "locked": True, "version": "one"}, "version"),
        (
            {"key": "title", "locked": True, "rolloutStrategies": [{"avatar": "x" * 201}]},
            "rolloutStrategies[0].avatar",
        ),
    ],
)
async def test_bad_members_are_named(shop, body, field):
    await shop.add_feature("title", "STRING")
    answer = await shop.api("PUT", shop.value_path("title"), body)
    assert (answer.status, answer.body["field"]) == (400, field)
