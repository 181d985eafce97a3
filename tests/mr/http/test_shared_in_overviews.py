"""What features share, where much is shown at once: the dashboard and the history of values."""

import pytest


@pytest.fixture
def dashboard(shop):
    async def load(query=""):
        path = f"/mr-api/application/{shop.application}/all-feature-environment"
        answer = await shop.api("GET", f"{path}?{query}")
        assert answer.status == 200, answer
        return answer.body

    return load


@pytest.fixture
async def strategies(shop):
    path = f"/mr-api/application/{shop.application}/strategy"
    for name in ("first", "second"):
        await shop.api("POST", path, {"name": name, "percentage": 100})
    items = (await shop.api("GET", path)).body["items"]
    return [item["strategy"] | {"code": item["uniqueCode"]} for item in items]


async def attach(shop, strategies):
    """Attach strategies to the switch in this order, with true, false, …"""
    current = (await shop.api("GET", shop.value_path("dark-mode"))).body
    instances = [
        {"strategyId": one["id"], "value": not index} for index, one in enumerate(strategies)
    ]
    body = current | {"locked": False, "rolloutStrategyInstances": instances}
    answer = await shop.put_value("dark-mode", body)
    assert answer.status == 200, answer


async def test_values_have_their_attachments_in_order(shop, dashboard, strategies, group_features):
    await attach(shop, strategies[::-1])
    [production] = (await dashboard())["environments"]
    [switch] = [value for value in production["features"] if value["key"] == "dark-mode"]
    alone = (await shop.api("GET", shop.value_path("dark-mode"))).body
    assert switch["rolloutStrategyInstances"] == alone["rolloutStrategyInstances"]
    assert [one["name"] for one in switch["rolloutStrategyInstances"]] == ["second", "first"]


async def test_values_have_the_strategies_of_groups_in_order(
    shop, dashboard, add_group, group_path
):
    first = await add_group("one", dark_mode=True, title="x")
    await add_group("two", strategy=None, title="y")
    third = await add_group("three", strategy={"name": "Rest", "percentage": 1}, title="z")
    [production] = (await dashboard())["environments"]
    values = {value["key"]: value["featureGroupStrategies"] for value in production["features"]}
    assert values["dark-mode"] == [
        {"name": "Beta users", "featureGroupId": first["id"], "value": True}
    ]
    assert [(one["name"], one["value"]) for one in values["title"]] == [
        ("Beta users", "x"),
        ("Rest", "z"),
    ]
    await shop.api("DELETE", f"{group_path}/{third['id']}")
    [production] = (await dashboard())["environments"]
    titles = [value for value in production["features"] if value["key"] == "title"]
    assert [one["name"] for one in titles[0]["featureGroupStrategies"]] == ["Beta users"]


async def test_features_are_chosen_by_filter(shop, dashboard):
    path = f"/mr-api/portfolio/{shop.portfolio}/feature-filter"
    mobile, web = [
        (await shop.api("POST", path, {"name": name})).body["id"] for name in ("mobile", "web")
    ]
    await shop.add_feature("a", featureFilter=[mobile])
    await shop.add_feature("b", featureFilter=[mobile, web])
    await shop.add_feature("c")

    async def found(*filters):
        body = await dashboard("&".join(f"featureFilter={one}" for one in filters))
        assert body["maxFeatures"] == len(body["features"])
        return [feature["key"] for feature in body["features"]]

    assert await found() == ["a", "b", "c"]
    assert await found(mobile) == ["a", "b"]
    assert await found(web) == ["b"]
    assert await found(mobile, web) == ["a", "b"]
    assert await found(shop.application) == []


async def test_history_shows_attachments_behind_custom_strategies(shop, strategies, group_features):
    await attach(shop, strategies)
    await attach(shop, strategies[:1])
    path = f"/mr-api/application/{shop.application}/feature-history?featureKeys=dark-mode"

    async def attached():
        [item] = (await shop.api("GET", path)).body["items"]
        return [
            [(one["id"], one["name"], one["value"]) for one in version["rolloutStrategies"]]
            for version in item["history"]
        ]

    first, second = [(one["code"], one["name"]) for one in strategies]
    expected = [[], [(*first, True), (*second, False)], [(*first, True)]]
    assert await attached() == expected
    one = f"/mr-api/application/{shop.application}/rollout-strategy/{strategies[0]['id']}"
    assert (await shop.api("DELETE", one)).status == 204
    assert await attached() == [*expected, []]


async def test_an_application_s_groups_go_with_it(shop, add_group, sql):
    await add_group("one", title="x")
    assert (await shop.api("DELETE", f"/mr-api/application/{shop.application}")).status == 200
    assert (await sql("SELECT when_archived FROM feature_group"))[0][0] is not None


async def test_a_portfolio_s_groups_go_with_it(shop, add_group, sql):
    await add_group("one", title="x")
    await shop.api("DELETE", f"/mr-api/portfolio/{shop.portfolio}")
    assert (await sql("SELECT when_archived FROM feature_group"))[0][0] is not None
