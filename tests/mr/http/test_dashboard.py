from uuid import uuid4

import pytest


@pytest.fixture
def path(shop):
    return f"/mr-api/application/{shop.application}/all-feature-environment"


@pytest.fixture
async def filled(shop):
    """Two environments and three features of which one has no value."""
    test = await shop.add_environment("test")
    await shop.add_feature("b-switch", name="Bright")
    await shop.add_feature("a-title", "STRING", name="Heading", metaData="{}")
    await shop.add_feature("c-count", "NUMBER")
    body = {"locked": False, "valueString": "Hello"}
    assert (await shop.put_value("a-title", body)).status == 200
    return test


def keys(answer):
    return [feature["key"] for feature in answer.body["features"]]


async def test_all_features_and_values_in_the_order_of_promotion(shop, path, filled):
    answer = await shop.api("GET", path)
    assert answer.status == 200
    assert answer.body["applicationId"] == shop.application
    assert answer.body["maxFeatures"] == 3
    assert keys(answer) == ["a-title", "b-switch", "c-count"]
    assert "metaData" not in answer.body["features"][0]
    production, test = answer.body["environments"]
    assert production["environmentName"] == "production"
    assert "priorEnvironmentId" not in production
    assert test["priorEnvironmentId"] == shop.production
    assert set(test["roles"]) == {"READ", "LOCK", "UNLOCK", "CHANGE_VALUE", "EXTENDED_DATA"}
    assert [(v["key"], v["value"]) for v in production["features"]] == [
        ("a-title", "Hello"),
        ("b-switch", False),
    ]
    assert [v["key"] for v in test["features"]] == ["b-switch"]
    value = production["features"][0]
    assert value["environmentId"] == shop.production
    assert value["rolloutStrategies"] == []
    assert value["featureGroupStrategies"] == []
    assert "whoUpdated" not in value


async def test_values_look_as_they_do_alone(shop, path):
    sent = {
        "BOOLEAN": {"valueBoolean": True},
        "STRING": {"valueString": "x"},
        "NUMBER": {"valueNumber": 1.50},
        "JSON": {"valueJson": '{"a": 1}'},
    }
    strategy = {"name": "half", "percentage": 500_000, "attributes": []}
    for kind, members in sent.items():
        await shop.add_feature(kind, kind)
        value = next(iter(members.values()))
        strategies = [strategy | {"value": value}]
        first = await shop.api("GET", shop.value_path(kind))
        known = first.body if first.status == 200 else {}
        body = known | members | {"locked": False, "rolloutStrategies": strategies}
        assert (await shop.put_value(kind, body)).status == 200
    [production] = (await shop.api("GET", path)).body["environments"]
    alone = [(await shop.api("GET", shop.value_path(kind))).body for kind in sorted(sent)]
    assert production["features"] == alone


async def test_pages(shop, path, filled):
    first = await shop.api("GET", f"{path}?max=2")
    assert (keys(first), first.body["maxFeatures"]) == (["a-title", "b-switch"], 3)
    second = await shop.api("GET", f"{path}?max=2&page=1")
    assert (keys(second), second.body["maxFeatures"]) == (["c-count"], 3)
    assert second.body["environments"][0]["features"] == []
    beyond = await shop.api("GET", f"{path}?max=2&page=9")
    assert (keys(beyond), beyond.body["maxFeatures"]) == ([], 3)
    odd = await shop.api("GET", f"{path}?max=0&page=-1&sortOrder=DESC")
    assert keys(odd) == ["c-count"]


async def test_an_operator_bounds_the_page(path, filled, reconfigured):
    api = reconfigured(most_features_a_page=1)
    assert len(keys(await api("GET", path))) == 1
    assert len(keys(await api("GET", f"{path}?max=9"))) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("filter=BRIGHT", ["b-switch"]),
        ("filter=%20-T%20", ["a-title"]),
        ("filter=%25", []),
        ("featureTypes=STRING&featureTypes=NUMBER", ["a-title", "c-count"]),
        ("featureTypes=STRING&filter=b", []),
        ("sortOrder=DESC", ["c-count", "b-switch", "a-title"]),
    ],
)
async def test_features_are_chosen_by_text_and_type(shop, path, filled, query, found):
    answer = await shop.api("GET", f"{path}?{query}")
    assert keys(answer) == found
    assert answer.body["maxFeatures"] == len(found)
    shown = {v["key"] for e in answer.body["environments"] for v in e["features"]}
    assert shown <= set(found)


async def test_environments_can_be_chosen_and_the_others_are_listed_empty(shop, path, filled):
    answer = await shop.api("GET", f"{path}?environmentIds={filled['id']}")
    production, test = answer.body["environments"]
    assert (production["roles"], production["features"]) == ([], [])
    assert len(test["features"]) == 1


async def test_members_see_values_where_they_have_a_role(shop, path, filled, member):
    api, group = member
    assert (await api("GET", path)).status == 404
    await shop.grant(group, [], environment=shop.production)
    await shop.grant(group, ["FEATURE_CREATE"], application=shop.application)
    assert (await api("GET", path)).status == 404
    await shop.grant(group, ["CHANGE_VALUE"], environment=filled["id"])
    answer = await api("GET", path)
    production, test = answer.body["environments"]
    assert keys(answer) == ["a-title", "b-switch", "c-count"]
    assert (production["roles"], production["features"]) == ([], [])
    assert test["roles"] == ["CHANGE_VALUE"]
    assert [v["key"] for v in test["features"]] == ["b-switch"]
    only_others = f"{path}?environmentIds={shop.production}"
    assert (await api("GET", only_others)).status == 404
    assert (await shop.api("GET", only_others)).status == 200


async def test_strangers_and_unknown_applications_are_not_found(shop, path, filled, add_person):
    stranger = await add_person("nobody@i.com")
    assert (await stranger("GET", path)).status == 404
    unknown = f"/mr-api/application/{uuid4()}/all-feature-environment"
    assert (await shop.api("GET", unknown)).status == 404


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("featureTypes=COLOUR", 400, "featureTypes[0]"),
        ("sortOrder=SIDEWAYS", 400, "sortOrder"),
        ("max=many", 400, "max"),
        ("environmentIds=x", 404, "environmentIds[0]"),
    ],
)
async def test_bad_parameters_are_named(shop, path, query, status, field):
    answer = await shop.api("GET", f"{path}?{query}")
    assert (answer.status, answer.body["field"]) == (status, field)


async def test_it_takes_as_many_statements_however_much_there_is(shop, path, statements):
    with statements() as few:
        await shop.api("GET", path)
    for number in range(5):
        await shop.add_environment(f"env-{number}")
        await shop.add_feature(f"feature-{number}")
    with statements() as many:
        await shop.api("GET", path)
    assert len(few) == len(many)
