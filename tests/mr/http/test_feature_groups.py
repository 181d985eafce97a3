from uuid import uuid4

import pytest


@pytest.fixture
def path(group_path) -> str:
    return group_path


@pytest.fixture
def features(group_features) -> dict[str, str]:
    return group_features


@pytest.fixture
def add(add_group):
    return add_group


async def _update(shop, path, group: dict, **more) -> dict:
    body = {"id": group["id"], "version": group["version"], **more}
    answer = await shop.api("PUT", path, body)
    assert answer.status == 200, answer
    return answer.body


async def _published(shop) -> dict[str, dict]:
    """Return the values announced by key; each announcement is about one feature."""
    events = await shop.announced()
    changes = [event["features"] for _, event in events]
    assert all(len(one) == 1 and one[0]["action"] == "UPDATE" for one in changes)
    values = {one[0]["feature"]["feature"]["key"]: one[0]["feature"]["value"] for one in changes}
    assert len(values) == len(events)
    return values


async def test_creation_with_a_strategy_announces_all_members(shop, path, add):
    group = await add("beta", dark_mode=True, title="x", size=1.50)

    values = await _published(shop)

    assert {key: value["version"] for key, value in values.items()} == {
        "dark-mode": 2,
        "title": 1,
        "size": 1,
    }
    shown = {key: value["rolloutStrategies"][0]["value"] for key, value in values.items()}
    assert shown == {"dark-mode": True, "title": "x", "size": 1.5}
    [strategy] = values["title"]["rolloutStrategies"]
    assert strategy["id"].startswith("!")
    assert (strategy["percentage"], "name" in strategy) == (250_000, False)
    assert "value" not in values["title"]
    assert values["title"]["locked"] is False
    assert group["strategies"][0]["id"] == strategy["id"]
    assert [(one["key"], one["value"], one["locked"]) for one in group["features"]] == [
        ("dark-mode", True, True),
        ("size", 1.5, False),
        ("title", "x", False),
    ]
    assert (group["order"], group["version"], group["disabled"]) == (10, 1, False)
    history = await shop.sql("SELECT version FROM feature_value_version ORDER BY version")
    assert [row["version"] for row in history] == [1, 1, 1, 2]


async def test_without_a_strategy_only_first_values_are_announced(shop, add):
    await add("plain", None, dark_mode=True, title="x")
    values = await _published(shop)
    assert {key: value["rolloutStrategies"] for key, value in values.items()} == {"title": []}


async def test_the_created_one_is_answered_as_in_the_list(shop, path, add):
    group = await add("beta", title="x", dark_mode=False)
    plain = await add("plain", None)
    answer = await shop.api("GET", path)
    assert answer.body["count"] == 2
    first, second = answer.body["featureGroups"]
    assert first == {
        "id": group["id"],
        "order": 10,
        "name": "beta",
        "description": "d",
        "environmentId": shop.production,
        "environmentName": "production",
        "version": 1,
        "hasStrategy": True,
        "features": [{"key": "dark-mode"}, {"key": "title"}],
    }
    assert (second["id"], second["order"], second["hasStrategy"]) == (plain["id"], 20, False)


async def test_the_list_is_filtered_sorted_and_paged(shop, path, add):
    for name in ("beta", "Alpha", "gamma"):
        await add(name)

    async def names(query: str) -> list[str]:
        answer = await shop.api("GET", f"{path}?{query}")
        return [one["name"] for one in answer.body["featureGroups"]]

    assert await names("") == ["beta", "Alpha", "gamma"]
    assert await names("sortOrder=DESC&max=2") == ["gamma", "Alpha"]
    assert await names("filter=MA") == ["gamma"]
    assert await names("max=2&page=1") == ["gamma"]
    assert await names("max=0") == ["beta"]
    assert await names(f"environmentId={uuid4()}") == []
    assert await names(f"environmentId={shop.production}&max=1") == ["beta"]


async def test_groups_come_after_own_and_attached_strategies_in_their_order(shop, path, add):
    await add("first", title="1")
    second = await add("second", title="2")
    made = await shop.api(
        "POST", f"/mr-api/application/{shop.application}/strategy", {"name": "shared"}
    )
    got = (await shop.api("GET", shop.value_path("title"))).body
    body = {
        **got,
        "rolloutStrategies": [{"name": "own", "value": "own"}],
        "rolloutStrategyInstances": [{"strategyId": made.body["id"], "value": "shared"}],
    }
    await shop.announced()
    await shop.api("PUT", shop.value_path("title"), body)

    async def order() -> list[str]:
        values = await _published(shop)
        return [one["value"] for one in values["title"]["rolloutStrategies"]]

    assert await order() == ["own", "shared", "1", "2"]
    await _update(shop, path, second, order=5)
    assert await order() == ["own", "shared", "2", "1"]


async def test_members_that_change_join_or_leave_are_announced_and_no_others(
    shop, path, add, features
):
    group = await add("beta", dark_mode=True, title="x")
    await shop.announced()
    members = [
        {"id": features["title"], "value": "y"},
        {"id": features["size"], "value": None},
    ]
    changed = await _update(shop, path, group, features=members)
    assert changed["version"] == 2
    values = await _published(shop)
    assert sorted(values) == ["dark-mode", "size", "title"]
    assert values["dark-mode"]["rolloutStrategies"] == []
    assert values["title"]["rolloutStrategies"][0]["value"] == "y"
    assert "value" not in values["size"]["rolloutStrategies"][0]
    members[1]["value"] = 15
    again = await _update(shop, path, changed, features=members)
    assert list(await _published(shop)) == ["size"]
    members[1]["value"] = 15.0
    same = await _update(shop, path, again, features=members, strategies=again["strategies"])
    assert same == again
    assert await shop.announced() == []


async def test_a_new_strategy_is_announced_to_who_stays_and_to_who_leaves(
    shop, path, add, features
):
    group = await add("beta", dark_mode=True, title="x", size=1)
    await shop.announced()
    members = [
        {"id": features["dark-mode"], "value": True},
        {"id": features["title"], "value": "x"},
    ]
    strategy = {**group["strategies"][0], "percentage": 500_000}
    changed = await _update(shop, path, group, features=members, strategies=[strategy])
    values = await _published(shop)
    assert {key: len(value["rolloutStrategies"]) for key, value in values.items()} == {
        "dark-mode": 1,
        "title": 1,
        "size": 0,
    }
    emptied = await _update(shop, path, changed, strategies=[])
    assert emptied["strategies"] == []
    values = await _published(shop)
    assert {key: value["rolloutStrategies"] for key, value in values.items()} == {
        "dark-mode": [],
        "title": [],
    }


async def test_other_words_and_places_are_not_announced_where_sdks_see_nothing(shop, path, add):
    group = await add("beta", title="x")
    plain = await add("plain", None, title="y")
    await shop.announced()
    renamed = await _update(shop, path, group, name="new", description="", order=10)
    assert (renamed["name"], renamed["description"], renamed["version"]) == ("new", "", 2)
    assert (await _update(shop, path, plain, order=70))["order"] == 70
    painted = {**group["strategies"][0], "name": "other", "colouring": 3, "avatar": "a"}
    saved = await _update(shop, path, renamed, strategies=[painted])
    assert (saved["strategies"], saved["version"]) == ([painted], 3)
    assert (await shop.api("GET", shop.value_path("title"))).body["version"] == 1
    assert await shop.announced() == []


async def test_values_are_locked_before_first_ones_are_inserted(shop, add, statements):
    with statements() as collected:
        await add("beta", dark_mode=True, title="x")
    kinds = [
        "lock" if "FROM feature_value" in sql else "insert"
        for sql in collected
        if "INSERT INTO feature_value " in sql
        or ("FROM feature_value" in sql and "FOR NO KEY UPDATE" in sql)
    ]
    assert kinds == ["lock", "insert", "lock"]
    assert sorted(await _published(shop)) == ["dark-mode", "title"]


async def test_locked_values_take_part(shop, path, add, features):
    group = await add("beta", dark_mode=False)
    assert group["features"][0]["locked"] is True
    await shop.announced()
    await _update(shop, path, group, features=[{"id": features["dark-mode"], "value": True}])
    values = await _published(shop)
    assert values["dark-mode"]["locked"] is True
    assert values["dark-mode"]["rolloutStrategies"][0]["value"] is True


async def test_each_conflict_has_its_status(shop, path, add):
    group = await add("beta", title="x")
    gone = await add("gone")
    await shop.api("DELETE", f"{path}/{gone['id']}")

    async def status(**body) -> int:
        return (await shop.api("PUT", path, {**body})).status

    named = {"id": group["id"], "version": 1}
    assert await status(id=group["id"], version=2) == 412
    assert await status(**named, order=gone["order"]) == 413  # taken for ever
    assert await status(id=gone["id"], version=2) == 404
    assert await status(id=str(uuid4()), version=1) == 404
    assert await status(**named, features=[{"id": str(uuid4()), "value": 1}]) == 404
    await shop.sql("UPDATE environment SET when_archived = now()")
    assert await status(**named, name="late") == 414


async def test_deletion_announces_the_members_of_a_strategy(shop, path, add):
    group = await add("beta", title="x", dark_mode=True)
    plain = await add("plain", None, title="x")
    await shop.announced()
    assert (await shop.api("DELETE", f"{path}/{plain['id']}")).status == 204
    assert await shop.announced() == []
    assert (await shop.api("DELETE", f"{path}/{group['id']}")).status == 204
    values = await _published(shop)
    assert {key: value["rolloutStrategies"] for key, value in values.items()} == {
        "title": [],
        "dark-mode": [],
    }
    assert values["title"]["version"] == 2
    assert (await shop.api("DELETE", f"{path}/{group['id']}")).status == 404
    assert (await shop.api("GET", path)).body == {"count": 0, "featureGroups": []}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "n" * 256}, "name"),
        ({"features": "twice"}, "features"),
        ({"features": "wrong"}, "features[0].value"),
    ],
)
async def test_bad_members_are_named(shop, path, features, more, field):
    lists = {
        "twice": [{"id": features["title"]}] * 2,
        "wrong": [{"id": features["title"], "value": 1}],
    }
    body = {"name": "n", "environmentId": shop.production, "features": [], **more}
    body["features"] = lists.get(body["features"] or "", [])
    answer = await shop.api("POST", path, body)
    assert (answer.status, answer.body["field"]) == (400, field)


async def test_a_strategy_that_breaks_rules_is_refused(shop, path, add):
    group = await add("beta", title="x")
    body = {"name": "n", "environmentId": shop.production, "features": []}
    for method, more in (
        ("POST", body),
        ("PUT", {"id": group["id"], "version": 1}),
    ):
        answer = await shop.api(method, path, {**more, "strategies": [{"percentage": -1}]})
        assert answer.status == 422
        [faulty] = answer.body["customStategyViolations"]
        assert [one["violation"] for one in faulty["violations"]] == [
            "no_name",
            "negative_percentage",
        ]


async def test_what_is_not_of_the_application_is_404(shop, path, features):
    other = await shop.api(
        "POST",
        f"/mr-api/portfolio/{shop.portfolio}/application?includeEnvironments=true",
        {"name": "Other", "description": ""},
    )
    elsewhere = other.body["environments"][0]["id"]
    body = {"name": "n", "environmentId": elsewhere, "features": []}
    assert (await shop.api("POST", path, body)).status == 404
    foreign = f"/mr-api/application/{other.body['id']}/feature-groups"
    body["features"] = [{"id": features["title"], "value": "x"}]
    assert (await shop.api("POST", foreign, body)).status == 404
    assert (await shop.api("GET", f"{path}/environment/{elsewhere}")).status == 404
    assert (await shop.api("GET", f"{path}/{uuid4()}")).status == 404
    unknown = f"/mr-api/application/{uuid4()}/feature-groups"
    assert (await shop.api("GET", unknown)).status == 404


async def test_what_a_group_could_have_is_listed_without_values(shop, path, features):
    found = await shop.api("GET", f"{path}/environment/{shop.production}")
    assert found.body == [
        {
            "id": features[key],
            "key": key,
            "name": key.title(),
            "type": value_type,
            "locked": value_type == "BOOLEAN",
        }
        for key, value_type in (("dark-mode", "BOOLEAN"), ("size", "NUMBER"), ("title", "STRING"))
    ]


async def test_a_deleted_feature_leaves_its_groups(shop, path, add):
    group = await add("beta", title="x", dark_mode=True)
    await shop.api("DELETE", f"{shop.features_path}/title")
    left = (await shop.api("GET", f"{path}/{group['id']}")).body
    assert [one["key"] for one in left["features"]] == ["dark-mode"]
    assert left["version"] == 1
    assert len(await shop.sql("SELECT FROM feature_group_member")) == 1
    await shop.announced()
    await _update(shop, path, left, strategies=[{"name": "other", "percentage": 7}])
    assert list(await _published(shop)) == ["dark-mode"]


async def test_a_deleted_environment_takes_its_groups_along(shop, path, add, features):
    test = await shop.add_environment("test")
    body = {"name": "t", "environmentId": test["id"], "features": [], "strategies": [{"name": "n"}]}
    other = await shop.api("POST", path, body)
    assert other.body["order"] == 10
    kept = await add("kept", title="x")
    await shop.api("DELETE", f"/mr-api/environment/{test['id']}")
    listed = (await shop.api("GET", path)).body["featureGroups"]
    assert [one["id"] for one in listed] == [kept["id"]]
    assert (await shop.api("GET", f"{path}/{other.body['id']}")).status == 404


async def test_a_deleted_application_takes_its_groups_along(shop, path, add):
    await add("beta", title="x")
    await shop.announced()
    assert (await shop.api("DELETE", f"/mr-api/application/{shop.application}")).status == 200
    assert [kind for kind, _ in await shop.announced()] == ["environment"]
    assert (await shop.api("GET", path)).status == 404
    [row] = await shop.sql("SELECT count(*) FROM feature_group WHERE when_archived IS NULL")
    assert row[0] == 0


async def test_a_deleted_portfolio_takes_its_groups_along_and_leaves_its_filters(shop, path, add):
    await add("beta", title="x")
    filters = f"/mr-api/portfolio/{shop.portfolio}/feature-filter"
    assert (await shop.api("POST", filters, {"name": "kept"})).status == 201
    await shop.announced()
    assert (await shop.api("DELETE", f"/mr-api/portfolio/{shop.portfolio}")).status == 200
    assert [kind for kind, _ in await shop.announced()] == ["environment"]
    assert await shop.sql("SELECT FROM feature_group WHERE when_archived IS NULL") == []
    assert await shop.sql("SELECT FROM feature_group_member") == []
    assert len(await shop.sql("SELECT FROM feature_filter")) == 1
