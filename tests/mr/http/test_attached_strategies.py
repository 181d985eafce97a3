"""Application strategies on feature values: attached, ordered, detached, and what is announced."""

import pytest


@pytest.fixture
async def strategies(shop) -> list[dict]:
    """Two strategies, each with its code."""
    path = f"/mr-api/application/{shop.application}/strategy"
    for name in ("first", "second"):
        await shop.api("POST", path, {"name": name, "percentage": 100})
    items = (await shop.api("GET", path)).body["items"]
    return [{**item["strategy"], "code": item["uniqueCode"]} for item in items]


def _instances(strategies: list[dict], *values: object) -> list[dict]:
    return [
        {"strategyId": strategy["id"], "value": value}
        for strategy, value in zip(strategies, values, strict=True)
    ]


@pytest.fixture
async def value(shop, strategies) -> dict:
    """A switch with both strategies attached, as a client reads it."""
    await shop.add_feature("dark-mode")
    got = (await shop.api("GET", shop.value_path("dark-mode"))).body
    answer = await shop.put_value(
        "dark-mode",
        {**got, "locked": False, "rolloutStrategyInstances": _instances(strategies, True, False)},
    )
    assert answer.status == 200, answer
    await shop.announced()
    return (await shop.api("GET", shop.value_path("dark-mode"))).body


async def test_instances_are_shown_with_name_and_typed_value_in_order(value, strategies):
    assert value["version"] == 2
    assert value["rolloutStrategyInstances"] == [
        {"strategyId": strategies[0]["id"], "name": "first", "value": True},
        {"strategyId": strategies[1]["id"], "name": "second", "value": False},
    ]


async def test_sending_them_back_changes_nothing(shop, value):
    again = await shop.api("PUT", shop.value_path("dark-mode"), value)
    assert (again.status, again.body["version"]) == (200, 2)
    assert await shop.announced() == []


async def test_swapped_ones_come_back_and_are_announced_swapped(shop, value, strategies):
    swapped = value["rolloutStrategyInstances"][::-1]
    answer = await shop.api(
        "PUT", shop.value_path("dark-mode"), {**value, "rolloutStrategyInstances": swapped}
    )
    assert answer.body["rolloutStrategyInstances"] == swapped
    [(kind, event)] = await shop.announced()
    assert kind == "feature-values"
    published = event["features"][0]["feature"]["value"]
    assert published["version"] == 3
    assert [(one["id"], one["value"]) for one in published["rolloutStrategies"]] == [
        (strategies[1]["code"], False),
        (strategies[0]["code"], True),
    ]


async def test_its_own_strategies_come_before_attached_ones(shop, value, strategies):
    own = {"name": "own", "percentage": 5, "value": True}
    await shop.api("PUT", shop.value_path("dark-mode"), {**value, "rolloutStrategies": [own]})
    [(_, event)] = await shop.announced()
    published = event["features"][0]["feature"]["value"]["rolloutStrategies"]
    assert [one["id"] for one in published[1:]] == [one["code"] for one in strategies]
    assert published[0]["percentage"] == 5


async def test_an_empty_list_detaches_and_an_absent_one_does_not(shop, value):
    absent = {key: what for key, what in value.items() if key != "rolloutStrategyInstances"}
    same = await shop.api("PUT", shop.value_path("dark-mode"), {**absent, "valueBoolean": True})
    assert len(same.body["rolloutStrategyInstances"]) == 2
    fresh = {**same.body, "rolloutStrategyInstances": []}
    answer = await shop.api("PUT", shop.value_path("dark-mode"), fresh)
    assert answer.body["rolloutStrategyInstances"] == []
    rows = await shop.sql(
        "SELECT jsonb_array_length(attached_strategies) FROM feature_value_version ORDER BY version"
    )
    assert [row[0] for row in rows] == [0, 2, 2, 0]


async def test_two_who_change_one_attached_value_conflict(shop, value):
    def with_value(wanted: bool) -> dict:
        first, second = value["rolloutStrategyInstances"]
        return {
            **value,
            "rolloutStrategyInstances": [{**first, "value": wanted}, {**second, "value": wanted}],
        }

    one = await shop.api("PUT", shop.value_path("dark-mode"), with_value(wanted=True))
    other = await shop.api("PUT", shop.value_path("dark-mode"), with_value(wanted=False))
    assert (one.status, other.status) == (200, 200)  # each changed another one of the two
    values = [each["value"] for each in other.body["rolloutStrategyInstances"]]
    assert values == [False, True]
    detached = await shop.api(
        "PUT", shop.value_path("dark-mode"), {**other.body, "rolloutStrategyInstances": []}
    )
    assert detached.status == 200
    stale = {
        **other.body,
        "rolloutStrategyInstances": [
            {**each, "value": not each["value"]} for each in other.body["rolloutStrategyInstances"]
        ],
    }
    assert (await shop.api("PUT", shop.value_path("dark-mode"), stale)).status == 409


@pytest.mark.parametrize("bulk", [False, True])
async def test_one_strategy_twice_is_412_before_any_rule_is_looked_at(
    shop, value, strategies, bulk
):
    body = {
        **value,
        "rolloutStrategies": [{"percentage": -1}],
        "rolloutStrategyInstances": _instances([strategies[0]] * 2, True, True),
    }
    if bulk:
        path = f"/mr-api/application/{shop.application}/feature-environments/dark-mode"
        answer = await shop.api("PUT", path, [body])
    else:
        answer = await shop.api("PUT", shop.value_path("dark-mode"), body)
    assert answer.status == 412


async def test_strategies_of_other_applications_are_skipped(shop, value, strategies):
    other = await shop.api(
        "POST",
        f"/mr-api/portfolio/{shop.portfolio}/application",
        {"name": "Other", "description": ""},
    )
    path = f"/mr-api/application/{other.body['id']}/strategy"
    foreign = (await shop.api("POST", path, {"name": "foreign"})).body
    instances = _instances([foreign, strategies[1]], True, False)
    answer = await shop.api(
        "PUT", shop.value_path("dark-mode"), {**value, "rolloutStrategyInstances": instances}
    )
    shown = answer.body["rolloutStrategyInstances"]
    assert [one["strategyId"] for one in shown] == [strategies[1]["id"]]


async def test_a_value_of_another_type_is_named(shop, value, strategies):
    instances = _instances(strategies, True, "yes")
    answer = await shop.api(
        "PUT", shop.value_path("dark-mode"), {**value, "rolloutStrategyInstances": instances}
    )
    assert (answer.status, answer.body["field"]) == (400, "rolloutStrategyInstances[1].value")


async def test_a_locked_value_takes_none_and_who_may_only_lock_neither(shop, value, member):
    api, group = member
    await shop.grant(group, ["READ", "LOCK"], environment=shop.production)
    path = shop.value_path("dark-mode")
    mine = (await api("GET", path)).body
    assert (await api("PUT", path, {**mine, "rolloutStrategyInstances": []})).status == 403
    locked = await api("PUT", path, {**mine, "locked": True})
    assert (locked.status, locked.body["locked"]) == (200, True)
    answer = await shop.api("PUT", path, {**locked.body, "rolloutStrategyInstances": []})
    assert answer.status == 409


async def test_one_that_is_disabled_keeps_its_place_and_is_not_published(shop, value, strategies):
    first, second = value["rolloutStrategyInstances"]
    off = [{**first, "disabled": True}, {**second, "disabled": False}]
    saved = await shop.put_value("dark-mode", {**value, "rolloutStrategyInstances": off})
    shown = [{**first, "disabled": True}, second]
    assert (saved.body["version"], saved.body["rolloutStrategyInstances"]) == (3, shown)
    [(_, event)] = await shop.announced()
    published = event["features"][0]["feature"]["value"]["rolloutStrategies"]
    assert [one["id"] for one in published] == [strategies[1]["code"]]

    application = f"/mr-api/application/{shop.application}"
    board = await shop.api("GET", f"{application}/all-feature-environment")
    [on_board] = board.body["environments"][0]["features"]
    assert on_board["rolloutStrategyInstances"] == shown
    history = await shop.api("GET", f"{application}/feature-history?featureKeys=dark-mode")
    versions = history.body["items"][0]["history"]
    assert [[one["disabled"] for one in each["rolloutStrategies"]] for each in versions] == [
        [],
        [False, False],
        [True, False],
    ]
    again = await shop.put_value("dark-mode", saved.body)
    assert again.body == saved.body
    assert await shop.announced() == []


async def test_one_that_is_disabled_stays_so_when_its_strategy_changes(shop, value, strategies):
    off = [{**one, "disabled": True} for one in value["rolloutStrategyInstances"]]
    saved = await shop.put_value("dark-mode", {**value, "rolloutStrategyInstances": off})
    strategy = f"/mr-api/application/{shop.application}/rollout-strategy/{strategies[0]['id']}"
    await shop.api("PUT", strategy, {"percentage": 7})
    got = (await shop.api("GET", shop.value_path("dark-mode"))).body
    assert (got["version"], got["rolloutStrategyInstances"]) == (4, off)
    # The history knows it, too: with its newest version as the base, nothing was touched.
    assert (await shop.put_value("dark-mode", got)).body["version"] == 4
    on = await shop.put_value("dark-mode", {**saved.body, **value, "version": 4})
    assert on.body["rolloutStrategyInstances"] == value["rolloutStrategyInstances"]


async def test_who_switches_one_off_meets_who_changes_its_value(shop, value):
    first, second = value["rolloutStrategyInstances"]
    off = [{**first, "disabled": True}, second]
    assert (
        await shop.put_value("dark-mode", {**value, "rolloutStrategyInstances": off})
    ).status == 200
    for changed, status in ((first, 409), (second, 200)):
        sent = [
            {**one, "value": not one["value"]} if one is changed else one
            for one in value["rolloutStrategyInstances"]
        ]
        answer = await shop.put_value("dark-mode", {**value, "rolloutStrategyInstances": sent})
        assert answer.status == status
    disabled = [one.get("disabled", False) for one in answer.body["rolloutStrategyInstances"]]
    assert disabled == [True, False]


async def test_bulk_writes_and_lists_carry_them_too(shop, value, strategies):
    await shop.add_feature("title", "STRING")
    sent = {
        "key": "title",
        "locked": False,
        "environmentId": shop.production,
        "rolloutStrategyInstances": _instances(strategies[:1], "x"),
    }
    path = f"/mr-api/features/{shop.production}"
    saved = await shop.api("PUT", path, [sent])
    assert saved.status == 200
    listed = (await shop.api("GET", path)).body["featureValues"]
    assert {one["key"]: len(one["rolloutStrategyInstances"]) for one in listed} == {
        "dark-mode": 2,
        "title": 1,
    }
    everywhere = f"/mr-api/application/{shop.application}/feature-environments/title"
    [found] = (await shop.api("GET", everywhere)).body
    assert found["featureValue"]["rolloutStrategyInstances"][0]["value"] == "x"
    emptied = {**found["featureValue"], "rolloutStrategyInstances": []}
    [changed] = (await shop.api("PUT", everywhere, [emptied])).body
    assert changed["featureValue"]["rolloutStrategyInstances"] == []
