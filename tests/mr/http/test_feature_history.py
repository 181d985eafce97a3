from uuid import uuid4

import pytest


@pytest.fixture
def path(shop):
    return f"/mr-api/application/{shop.application}/feature-history"


async def write(shop, key, environment=None, **members):
    current = await shop.api("GET", shop.value_path(key, environment))
    base = current.body if current.status == 200 else {"key": key, "locked": False}
    answer = await shop.api("PUT", shop.value_path(key, environment), base | members)
    assert answer.status == 200, answer
    return answer.body


async def settings_of(api, path, query=""):
    answer = await api("GET", f"{path}?{query}")
    assert answer.status == 200, answer
    [item] = answer.body["items"]
    return [(h["locked"], h["retired"], h["value"]) for h in item["history"]]


async def test_every_write_leaves_a_version(shop, path):
    feature = await shop.add_feature("switch")
    await write(shop, "switch", locked=False, retired=True)
    await write(shop, "switch", valueBoolean=True)
    value = await write(shop, "switch", retired=False)

    assert await settings_of(shop.api, path) == [
        (True, False, False),
        (False, True, False),
        (False, True, True),
        (False, False, True),
    ]
    answer = await shop.api("GET", path)
    assert answer.body["max"] == 4
    [item] = answer.body["items"]
    assert item["envId"] == shop.production
    assert item["featureId"] == feature["id"]
    assert item["featureValueId"] == value["id"]
    assert [h["version"] for h in item["history"]] == [1, 2, 3, 4]
    assert [h.get("versionFrom") for h in item["history"]] == [None, 1, 2, 3]
    newest = item["history"][-1]
    assert newest["who"]["name"] == "Superuser"
    assert newest["who"]["email"] == "irina@i.com"
    assert newest["who"]["type"] == "person"
    assert newest["rolloutStrategies"] == []
    assert newest["when"].endswith("Z")


async def test_an_old_version_stays_as_it_was(shop, path):
    await shop.add_feature("title", "STRING")
    strategy = {"name": "half", "percentage": 500_000, "attributes": [], "value": "x"}
    await write(shop, "title", valueString="a", rolloutStrategies=[strategy])
    query = f"{path}?featureKeys=title&versions=1"
    before = await shop.api("GET", query)
    assert before.body["items"][0]["history"][0]["rolloutStrategies"][0]["percentage"] == 500_000
    await write(shop, "title", valueString="b", rolloutStrategies=[])
    assert (await shop.api("GET", query)).body == before.body


async def test_values_have_their_types_and_unset_ones_are_left_out(shop, path):
    for key, kind in (("count", "NUMBER"), ("document", "JSON")):
        await shop.add_feature(key, kind)
    await write(shop, "count", valueNumber=1.50)
    await write(shop, "document", valueJson='{"a": 1}')
    assert await settings_of(shop.api, path, "featureKeys=count") == [(False, False, 1.5)]
    assert await settings_of(shop.api, path, "featureKeys=document") == [(False, False, '{"a": 1}')]
    await write(shop, "count", valueNumber=None)
    [item] = (await shop.api("GET", f"{path}?featureKeys=count&versions=2")).body["items"]
    assert "value" not in item["history"][0]


async def test_pages_go_by_version_and_keep_values_together(shop, path):
    test = await shop.add_environment("test")
    await shop.add_feature("switch")
    await write(shop, "switch", locked=False)
    pages = [await shop.api("GET", f"{path}?max=2&startAt={start}&order=desc") for start in (0, 2)]
    assert [page.body["max"] for page in pages] == [3, 3]
    items = [item for page in pages for item in page.body["items"]]
    assert (items[0]["envId"], items[0]["history"][0]["version"]) == (shop.production, 2)
    found = [(i["envId"], h["version"]) for i in items for h in i["history"]]
    assert sorted(found) == sorted([(shop.production, 2), (shop.production, 1), (test["id"], 1)])
    whole = await shop.api("GET", path)
    assert len(whole.body["items"]) == 2
    odd = await shop.api("GET", f"{path}?max=0&startAt=-5")
    assert sum(len(i["history"]) for i in odd.body["items"]) == 1
    assert (await shop.api("GET", f"{path}?startAt=99")).body == {"max": 3, "items": []}


async def test_versions_count_for_one_feature_only(shop, path):
    one = await shop.add_feature("one")
    two = await shop.add_feature("two")
    await write(shop, "one", locked=False)
    for query in (f"featureIds={one['id']}", "featureKeys=one"):
        answer = await shop.api("GET", f"{path}?{query}&versions=2&versions=-1")
        assert answer.body["max"] == 1
    both = f"{path}?featureIds={one['id']}&featureIds={two['id']}&versions=2"
    assert (await shop.api("GET", both)).body["max"] == 3
    assert (await shop.api("GET", f"{path}?versions=2")).body["max"] == 3


async def test_identifiers_win_over_keys_and_find_deleted_features_too(shop, path):
    one = await shop.add_feature("one")
    await shop.add_feature("two")
    answer = await shop.api("GET", f"{path}?featureIds={one['id']}&featureKeys=two")
    assert [i["featureId"] for i in answer.body["items"]] == [one["id"]]
    await shop.api("DELETE", f"{shop.features_path}/one")
    assert (await shop.api("GET", path)).body["max"] == 1
    assert (await shop.api("GET", f"{path}?featureKeys=one")).body["max"] == 0
    assert (await shop.api("GET", f"{path}?featureIds={one['id']}")).body["max"] == 1


async def test_members_see_environments_where_they_have_a_role(shop, path, member):
    api, group = member
    test = await shop.add_environment("test")
    await shop.add_feature("switch")
    assert (await api("GET", path)).status == 404
    await shop.grant(group, ["FEATURE_EDIT"], application=shop.application)
    assert (await api("GET", path)).status == 404
    await shop.grant(group, ["READ"], environment=test["id"])
    answer = await api("GET", path)
    assert [i["envId"] for i in answer.body["items"]] == [test["id"]]
    both = f"{path}?environmentIds={test['id']}&environmentIds={shop.production}"
    assert (await api("GET", both)).body["max"] == 1


async def test_asking_for_nothing_but_others_environments_gives_nothing(shop, path, member):
    api, group = member
    test = await shop.add_environment("test")
    await shop.add_feature("switch")
    await shop.grant(group, ["READ"], environment=test["id"])
    answer = await api("GET", f"{path}?environmentIds={shop.production}")
    assert answer.body == {"max": 0, "items": []}
    everywhere = await shop.api("GET", f"{path}?environmentIds={shop.production}")
    assert everywhere.body["max"] == 1


async def test_other_applications_are_not_reached_through_this_one(shop, path):
    other = await shop.api(
        "POST", f"/mr-api/portfolio/{shop.portfolio}/application", {"name": "O", "description": ""}
    )
    feature = await shop.add_feature("switch")
    elsewhere = f"/mr-api/application/{other.body['id']}/feature-history"
    answer = await shop.api("GET", f"{elsewhere}?featureIds={feature['id']}")
    assert answer.body == {"max": 0, "items": []}
    unknown = f"/mr-api/application/{uuid4()}/feature-history"
    assert (await shop.api("GET", unknown)).status == 404


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("max=x", 400, "max"),
        ("order=sideways", 400, "order"),
        ("versions=x", 400, "versions[0]"),
        ("featureIds=x", 404, "featureIds[0]"),
    ],
)
async def test_bad_parameters_are_named(shop, path, query, status, field):
    answer = await shop.api("GET", f"{path}?{query}")
    assert (answer.status, answer.body["field"]) == (status, field)


async def test_it_takes_as_many_statements_however_much_there_is(shop, path, statements):
    await shop.add_feature("switch")
    with statements() as few:
        await shop.api("GET", path)
    for number in range(4):
        await shop.add_environment(f"env-{number}")
        await write(shop, "switch", locked=bool(number % 2))
    with statements() as many:
        await shop.api("GET", path)
    assert len(few) == len(many)


async def test_an_account_that_is_gone_is_called_as_it_was(sdk, superuser):
    await sdk.set("STRING", value_string="from afar")
    account = sdk.account["id"]
    assert (await superuser("DELETE", f"/mr-api/service-account/{account}")).status == 200
    path = f"/mr-api/application/{sdk.place.application}/feature-history?featureKeys=STRING"
    [item] = (await superuser("GET", path)).body["items"]
    values = (await superuser("GET", f"/mr-api/features/{sdk.environment}")).body["featureValues"]
    [value] = [one for one in values if one["key"] == "STRING"]
    for who in (item["history"][0]["who"], value["whoUpdated"]):
        assert who["name"] == "sdk"
