from uuid import uuid4

import pytest


@pytest.fixture
def paths(shop):
    return {
        "updateEnvironmentOnApplication": f"/mr-api/application/{shop.application}/environment",
        "updateEnvironment": f"/mr-api/environment/{shop.production}",
        "updateEnvironmentV2": f"/mr-api/environment/{shop.production}/v2",
    }


OPERATIONS = ["updateEnvironmentOnApplication", "updateEnvironment", "updateEnvironmentV2"]


def content(shop, **more):
    return {
        "id": shop.production,
        "version": 1,
        "name": "live",
        "description": "For customers",
        "production": False,
    } | more


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_each_path_updates_and_announces_the_environment(shop, paths, operation):
    await shop.announced()
    path = f"{paths[operation]}?includeDetails=true"
    answer = await shop.api("PUT", path, content(shop, groupRoles=[], unknown=1))
    assert answer.status == 200
    assert answer.body["name"] == "live"
    assert answer.body["description"] == "For customers"
    assert answer.body["production"] is False
    assert answer.body["version"] == 2
    [(kind, event)] = await shop.announced()
    assert (kind, event["action"]) == ("environment", "UPDATE")
    assert event["environment"]["version"] == 2


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_what_comes_back_as_it_was_read_changes_nothing(shop, paths, operation):
    await shop.add_environment("second", environmentInfo={"a": "1"})
    whole = f"/mr-api/environment/{shop.production}?includeDetails=true"
    body = (await shop.api("GET", whole)).body
    await shop.announced()
    answer = await shop.api("PUT", f"{paths[operation]}?includeDetails=true", body)
    assert (answer.status, answer.body) == (200, body)
    assert await shop.announced() == []


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_what_is_absent_stays_even_the_place_in_the_order(shop, paths, operation):
    first = await shop.add_environment("first", environmentInfo={"a": "1"})
    moved = content(shop, priorEnvironmentId=first["id"], name="production")
    answer = await shop.api("PUT", paths["updateEnvironmentV2"], moved)
    assert answer.body["priorEnvironmentId"] == first["id"]

    body = {"id": shop.production, "version": 2, "name": "renamed"}
    answer = await shop.api("PUT", f"{paths[operation]}?includeDetails=true", body)

    assert answer.body["name"] == "renamed"
    assert answer.body["priorEnvironmentId"] == first["id"]
    assert answer.body["description"] == "For customers"


async def test_versions_are_looked_at_but_not_where_the_ui_sends_stale_ones(shop, paths):
    stale = content(shop, version=9)
    assert (await shop.api("PUT", paths["updateEnvironment"], stale)).status == 422
    assert (await shop.api("PUT", paths["updateEnvironmentV2"], stale)).status == 422
    path = paths["updateEnvironmentOnApplication"]
    assert (await shop.api("PUT", path, stale)).status == 200


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_names_stay_unique_and_are_trimmed(shop, paths, operation):
    await shop.add_environment("test")
    path = paths[operation]
    answer = await shop.api("PUT", path, content(shop, name="test"))
    assert (answer.status, answer.body["field"]) == (409, "name")
    trimmed = await shop.api("PUT", path, content(shop, name=" live "))
    assert trimmed.body["name"] == "live"


async def test_the_name_of_an_archived_environment_is_free(shop, paths):
    test = await shop.add_environment("test")
    await shop.api("DELETE", f"/mr-api/environment/{test['id']}")
    answer = await shop.api("PUT", paths["updateEnvironmentV2"], content(shop, name="test"))
    assert answer.status == 200


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_only_admins_change_environments(shop, member, paths, operation):
    api, group = member
    await shop.grant(group, ["CHANGE_VALUE"], environment=shop.production)
    answer = await api("PUT", paths[operation], content(shop))
    assert answer.status == 403
    assert await _name(shop) == "production"


async def test_what_is_not_there_is_not_found(shop, paths):
    body = content(shop, id=str(uuid4()))
    assert (await shop.api("PUT", paths["updateEnvironmentOnApplication"], body)).status == 404
    unknown = f"/mr-api/environment/{body['id']}"
    assert (await shop.api("PUT", unknown, body)).status == 404
    assert (await shop.api("PUT", f"{unknown}/v2", body)).status == 404
    nowhere = f"/mr-api/application/{uuid4()}/environment"
    assert (await shop.api("PUT", nowhere, content(shop))).status == 404


async def test_an_environment_of_another_application_is_not_found(shop, paths):
    other = await shop.api(
        "POST",
        f"/mr-api/portfolio/{shop.portfolio}/application?includeEnvironments=true",
        {"name": "Other", "description": ""},
    )
    foreign = other.body["environments"][0]["id"]
    path = paths["updateEnvironmentOnApplication"]
    assert (await shop.api("PUT", path, content(shop, id=foreign))).status == 404
    body = content(shop, priorEnvironmentId=foreign)
    answer = await shop.api("PUT", path, body)
    assert (answer.status, answer.body["field"]) == (400, "priorEnvironmentId")


async def test_the_path_decides_which_one_it_is(shop, paths):
    test = await shop.add_environment("test")
    answer = await shop.api("PUT", paths["updateEnvironment"], content(shop, id=test["id"]))
    assert (answer.status, answer.body["field"]) == (400, "id")
    assert await _name(shop) == "production"


async def test_a_circle_is_broken_by_the_old_place(shop, paths):
    one = await shop.add_environment("one")
    two = await shop.add_environment("two")
    body = content(shop, name="production", priorEnvironmentId=two["id"])
    await shop.api("PUT", paths["updateEnvironmentV2"], body)
    listed = await shop.api("GET", paths["updateEnvironmentOnApplication"])
    assert [e["name"] for e in listed.body] == ["one", "two", "production"]
    itself = content(shop, version=2, priorEnvironmentId=shop.production)
    answer = await shop.api("PUT", paths["updateEnvironmentV2"], itself)
    assert (answer.status, answer.body["field"]) == (400, "priorEnvironmentId")
    assert one["priorEnvironmentId"] == shop.production


async def test_parts_are_filled_on_demand(shop, member, paths):
    _api, group = member
    await shop.grant(group, ["READ"], environment=shop.production)
    await shop.add_feature("switch")
    path = f"{paths['updateEnvironmentV2']}?includeAcls=true&includeFeatures=true"
    answer = await shop.api("PUT", path, {"version": 2})
    assert answer.body["groupRoles"][0]["roles"] == ["READ"]
    assert [f["key"] for f in answer.body["features"]] == ["switch"]
    assert "description" not in answer.body


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 151}, "name"),
        ({"description": "x" * 401}, "description"),
        ({"version": None}, "version"),
        ({"production": "yes"}, "production"),
        ({"environmentInfo": {"k" * 256: ""}}, "environmentInfo"),
        ({"environmentInfo": {"k": "x" * 10_001}}, "environmentInfo.k"),
        ({"webhookEnvironmentInfo": {"a": 1}}, "webhookEnvironmentInfo[...]"),
    ],
)
async def test_bad_members_are_named(shop, paths, members, field):
    answer = await shop.api("PUT", paths["updateEnvironmentV2"], content(shop, **members))
    assert (answer.status, answer.body["field"]) == (400, field)


async def _name(shop) -> str:
    return (await shop.api("GET", f"/mr-api/environment/{shop.production}")).body["name"]
