from uuid import uuid4

import pytest

_RULE = {"fieldName": "country", "conditional": "EQUALS", "type": "STRING", "values": [" at "]}


@pytest.fixture
def path(shop) -> str:
    return f"/mr-api/application/{shop.application}/strategy"


@pytest.fixture
def one(shop):
    """Return the path of one strategy."""
    return lambda made: f"/mr-api/application/{shop.application}/rollout-strategy/{made['id']}"


@pytest.fixture
def add(shop, path):
    async def create(name: str = "half", **more) -> dict:
        answer = await shop.api("POST", path, {"name": name, "percentage": 500_000, **more})
        assert answer.status == 201, answer
        return answer.body

    return create


async def _code(shop, path, made: dict) -> str:
    listed = (await shop.api("GET", path)).body["items"]
    return next(item["uniqueCode"] for item in listed if item["strategy"]["id"] == made["id"])


async def test_one_is_created_with_ids_and_trimmed_texts_and_read_again(shop, add, one):
    await shop.announced()
    made = await add("Half", attributes=[_RULE], colouring=3, avatar="a")
    assert made["name"] == "Half"
    assert (made["percentage"], made["percentageAttributes"], made["disabled"]) == (
        500_000,
        [],
        False,
    )
    [attribute] = made["attributes"]
    assert attribute["id"].startswith("@")
    assert attribute["values"] == ["at"]
    assert (made["colouring"], made["avatar"]) == (3, "a")
    assert (await shop.api("GET", one(made))).body == made
    assert await shop.announced() == []


async def test_names_are_unique_whatever_their_case_and_free_after_deletion(shop, path, add, one):
    made = await add("Half")
    other = await add("Other")
    assert (await shop.api("POST", path, {"name": "hALF"})).status == 409
    assert (await shop.api("PUT", one(other), {"name": "HALF"})).status == 409
    assert (await shop.api("DELETE", one(made))).status == 204
    assert (await shop.api("DELETE", one(made))).status == 404
    assert (await shop.api("GET", one(made))).status == 404
    assert (await shop.api("PUT", one(made), {"name": "x"})).status == 404
    again = await add("Half")
    await shop.api("DELETE", one(again))
    listed = await shop.api("GET", f"{path}?includeArchived=true")
    assert [item["strategy"]["name"] for item in listed.body["items"]] == ["Half", "Half", "Other"]


@pytest.mark.parametrize(
    ("body", "violations"),
    [
        ({}, [{"violation": "no_name"}]),
        ({"name": "  "}, [{"violation": "no_name"}]),
        ({"name": "n", "percentage": -1}, [{"violation": "negative_percentage"}]),
        (
            {"name": "n", "attributes": [{"id": "temporary-1", "type": "DATE", "values": ["x"]}]},
            [
                {"violation": "attr_missing_conditional", "id": "temporary-1"},
                {"violation": "attr_missing_field_name", "id": "temporary-1"},
                {"violation": "attr_val_not_date", "id": "temporary-1"},
            ],
        ),
    ],
)
async def test_what_breaks_the_rules_is_refused_with_all_of_them(shop, path, body, violations):
    answer = await shop.api("POST", path, body)
    assert answer.status == 422
    [faulty] = answer.body["customStategyViolations"]
    assert faulty["violations"] == violations
    assert answer.body["sharedStrategyViolations"] == []
    assert (await shop.api("GET", path)).body["max"] == 0


async def test_an_update_is_held_to_the_rules_too(shop, add, one):
    made = await add()
    answer = await shop.api("PUT", one(made), {"percentage": 1_000_001})
    assert answer.status == 422
    assert (await shop.api("GET", one(made))).body == made


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "n" * 151}, "name"),
        ({"name": "n", "avatar": "a" * 201}, "avatar"),
        ({"name": "n", "colouring": 2**31}, "colouring"),
        ({"name": "n", "attributes": [{**_RULE, "conditional": "LIKE"}]}, "attributes[0]"),
    ],
)
async def test_bad_members_are_named(shop, path, body, field):
    answer = await shop.api("POST", path, body)
    assert answer.status == 400
    assert answer.body["field"].startswith(field)


async def test_members_that_are_absent_stay_as_they_are(shop, add, one):
    made = await add(attributes=[_RULE], percentageAttributes=["company"])
    renamed = (await shop.api("PUT", one(made), {"name": "Renamed", "percentage": None})).body
    assert renamed == {**made, "name": "Renamed"}
    emptied = (await shop.api("PUT", one(made), {"attributes": []})).body
    assert emptied == {**renamed, "attributes": []}


async def test_the_list_is_filtered_sorted_and_paged(shop, path, add):
    for name in ("beta", "Alpha", "gamma"):
        await add(name)

    async def names(query: str) -> list[str]:
        answer = await shop.api("GET", f"{path}?{query}")
        return [item["strategy"]["name"] for item in answer.body["items"]]

    assert await names("") == ["Alpha", "beta", "gamma"]
    assert await names("sortOrder=DESC") == ["gamma", "beta", "Alpha"]
    assert await names("filter=MA") == ["gamma"]
    assert await names("filter=%25") == []
    assert await names("max=2&page=1") == ["gamma"]
    assert await names("max=0") == ["Alpha"]
    assert await names("page=9223372036854775807") == []
    answer = await shop.api("GET", f"{path}?max=1&page=-1")
    assert (answer.body["max"], answer.body["page"]) == (3, 0)


async def test_an_item_tells_who_changed_it_and_where_it_is_attached(shop, path, add):
    made = await add()
    for key in ("title", "colour"):
        await shop.add_feature(key, "STRING")
        await shop.put_value(
            key,
            {"locked": False, "rolloutStrategyInstances": [{"strategyId": made["id"]}]},
        )
    [item] = (await shop.api("GET", path)).body["items"]
    assert item["strategy"] == made
    assert item["uniqueCode"].startswith("@")
    assert len(item["uniqueCode"]) == 4
    assert item["updatedBy"] == {"email": "irina@i.com", "name": "Superuser"}
    assert item["usage"] == [{"id": shop.production, "name": "production", "featuresCount": 2}]
    await shop.api("DELETE", f"{shop.features_path}/colour")
    [item] = (await shop.api("GET", path)).body["items"]
    assert item["usage"][0]["featuresCount"] == 1


async def _attach(shop, made: dict, key: str, value: object, value_type: str, **more) -> dict:
    await shop.add_feature(key, value_type)
    instance = {"strategyId": made["id"], "value": value}
    answer = await shop.put_value(
        key, {"locked": False, "rolloutStrategyInstances": [instance], **more}
    )
    assert answer.status == 200, answer
    return answer.body


def _published(events: list) -> dict[str, dict]:
    """Return the values announced by key; each announcement is about one feature."""
    assert all(kind == "feature-values" for kind, _ in events)
    values = [event["features"] for _, event in events]
    assert all(len(features) == 1 for features in values)
    assert all(features[0]["action"] == "UPDATE" for features in values)
    return {one[0]["feature"]["feature"]["key"]: one[0]["feature"]["value"] for one in values}


async def test_a_change_that_sdks_see_is_announced_with_each_value(shop, path, add, one):
    made = await add(attributes=[_RULE])
    code = await _code(shop, path, made)
    await _attach(shop, made, "number", 15.50, "NUMBER")
    await _attach(shop, made, "title", "x", "STRING")
    await shop.add_feature("other", "STRING")
    await shop.announced()

    answer = await shop.api("PUT", one(made), {"percentage": 250_000})

    assert answer.status == 200
    values = _published(await shop.announced())
    assert sorted(values) == ["number", "title"]
    [strategy] = values["number"]["rolloutStrategies"]
    assert strategy["id"] == code
    assert strategy["percentage"] == 250_000
    assert strategy["value"] == 15.5
    assert strategy["attributes"][0]["values"] == ["at"]
    assert "name" not in strategy
    assert values["title"]["version"] == 2
    rows = await shop.sql("SELECT attached_strategies::text FROM feature_value_version v")
    assert len(rows) == 4


async def test_being_disabled_is_seen_and_a_new_name_is_not(shop, add, one):
    made = await add()
    await _attach(shop, made, "title", "x", "STRING")
    await shop.announced()
    await shop.api("PUT", one(made), {"name": "new", "colouring": 1, "avatar": "b"})
    await shop.api("PUT", one(made), {"percentage": 500_000})
    assert await shop.announced() == []
    await shop.api("PUT", one(made), {"disabled": True})
    [value] = _published(await shop.announced()).values()
    assert value["rolloutStrategies"] == []
    await shop.api("PUT", one(made), {"disabled": False})
    [value] = _published(await shop.announced()).values()
    assert len(value["rolloutStrategies"]) == 1


async def test_deletion_detaches_announces_and_leaves_the_rest(shop, add, one):
    made, kept = await add(), await add("kept")
    await _attach(shop, made, "title", "x", "STRING")
    await shop.add_feature("both", "STRING")
    instances = [{"strategyId": one["id"], "value": "v"} for one in (made, kept)]
    await shop.put_value("both", {"locked": False, "rolloutStrategyInstances": instances})
    await shop.announced()

    assert (await shop.api("DELETE", one(made))).status == 204

    values = _published(await shop.announced())
    assert {key: len(value["rolloutStrategies"]) for key, value in values.items()} == {
        "title": 0,
        "both": 1,
    }
    left = (await shop.api("GET", shop.value_path("both"))).body
    assert [each["strategyId"] for each in left["rolloutStrategyInstances"]] == [kept["id"]]
    assert left["version"] == 2


async def test_values_that_are_gone_are_not_announced(shop, add, one):
    made = await add()
    await _attach(shop, made, "title", "x", "STRING")
    test = await shop.add_environment("test")
    await shop.api(
        "PUT",
        shop.value_path("title", test["id"]),
        {
            "key": "title",
            "locked": False,
            "rolloutStrategyInstances": [{"strategyId": made["id"], "value": "y"}],
        },
    )
    await shop.api("DELETE", f"/mr-api/environment/{test['id']}")
    await shop.announced()
    await shop.api("PUT", one(made), {"percentage": 1})
    assert len(await shop.announced()) == 1
    await shop.api("DELETE", f"{shop.features_path}/title")
    await shop.announced()
    await shop.api("PUT", one(made), {"percentage": 2})
    await shop.api("DELETE", one(made))
    assert await shop.announced() == []


@pytest.mark.parametrize(
    ("roles", "allowed"),
    [
        (["APP_STRATEGY_CREATE"], {"POST"}),
        (["APP_STRATEGY_EDIT"], {"PUT"}),
        (["APP_STRATEGY_EDIT_AND_DELETE"], {"PUT", "DELETE"}),
        (["FEATURE_EDIT_AND_DELETE", "FEATURE_CREATE"], set()),
    ],
)
async def test_each_role_allows_its_part(shop, path, add, one, member, roles, allowed):
    api, group = member
    made = await add()
    await shop.grant(group, roles, application=shop.application)
    statuses = {
        "POST": (await api("POST", path, {"name": "another"})).status,
        "PUT": (await api("PUT", one(made), {"name": "changed"})).status,
        "DELETE": (await api("DELETE", one(made))).status,
    }
    done = {"POST": 201, "PUT": 200, "DELETE": 204}
    assert statuses == {
        method: done[method] if method in allowed else 403 for method in ("POST", "PUT", "DELETE")
    }
    assert (await api("GET", path)).status == 200


async def test_who_has_no_role_at_all_may_not_even_read(shop, path, add, one, member):
    api, _ = member
    made = await add()
    assert (await api("GET", path)).status == 403
    assert (await api("GET", one(made))).status == 403
    assert (await api("POST", path, {"name": "x"})).status == 403


async def test_what_is_not_there_is_404(shop, one):
    unknown = f"/mr-api/application/{uuid4()}"
    assert (await shop.api("GET", f"{unknown}/strategy")).status == 404
    assert (await shop.api("POST", f"{unknown}/strategy", {"name": "n"})).status == 404
    missing = one({"id": str(uuid4())})
    for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
        assert (await shop.api(method, missing, body)).status == 404


async def test_anybody_may_have_strategies_validated(shop, add_person):
    api = await add_person("nobody@i.com")
    path = f"/mr-api/application/{uuid4()}/rollout-strategy-validation"
    fine = {"name": "n", "percentage": 600_000, "value": True}
    answer = await api("POST", path, {"customStrategies": [fine], "sharedStrategies": []})
    assert answer.status == 200
    assert answer.body == {
        "customStategyViolations": [],
        "sharedStrategyViolations": [],
        "violations": [],
    }
    odd = {"name": "", "attributes": [{**_RULE, "id": "x", "type": "NUMBER", "values": [{}]}]}
    answer = await api("POST", path, {"customStrategies": [fine, fine, odd]})
    assert answer.status == 200
    assert answer.body["violations"] == ["percentage_adds_over_100_percent"]
    [faulty] = answer.body["customStategyViolations"]
    assert faulty["strategy"]["attributes"][0]["id"] == "x"
    assert faulty["violations"] == [
        {"violation": "no_name"},
        {"violation": "attr_val_not_number", "id": "x"},
    ]
    assert (await api("POST", path, {})).status == 200
