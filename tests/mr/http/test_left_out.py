"""What the contract lets clients leave out, or send although it never counts.

Source: Appendix A of the admin contract.
"""

import pytest

from fh.config import Secret
from tests.mr.http.people import admin_group

SETTINGS = "/mr-api/system-api"


async def test_an_environment_without_its_version_is_a_stale_one(shop, member):
    path = f"/mr-api/environment/{shop.production}"
    body = {"id": shop.production, "name": "production"}
    assert (await shop.api("PUT", path, body)).status == 422
    assert (await shop.api("PUT", path, body | {"version": 1})).status == 200
    assert (await member[0]("PUT", path, body)).status == 403


async def test_environments_are_ordered_only_by_their_versions(shop):
    test = (await shop.add_environment("test"))["id"]
    path = f"/mr-api/application/{shop.application}/environment-ordering"
    body = [{"id": test}, {"id": shop.production, "priorEnvironmentId": test}]
    assert (await shop.api("POST", path, body)).status == 400
    complete = [one | {"version": 1} for one in body]
    assert (await shop.api("POST", path, complete)).status == 200


async def test_settings_without_key_or_version_are_passed_over(reconfigured):
    api = reconfigured(secrets_password=Secret("horse"))
    assert (await api("POST", SETTINGS, {})).body == {"configs": []}
    named = {"key": "site.url", "value": "https://a"}
    first = await api("POST", SETTINGS, {"configs": [{"value": "x"}, named]})
    assert [(one["key"], one["version"]) for one in first.body["configs"]] == [("site.url", 1)]
    again = await api("POST", SETTINGS, {"configs": [named | {"value": "https://b"}]})
    assert (again.status, again.body) == (200, {"configs": []})


async def test_a_group_needs_its_name_after_all(shop, member):
    path = f"/mr-api/portfolio/{shop.portfolio}/group"
    answer = await shop.api("POST", path, {})
    assert (answer.status, answer.body["field"]) == (400, "name")
    assert (await member[0]("POST", path, {})).status == 403


async def test_a_member_needs_its_identifier_after_all(shop):
    path = f"/mr-api/portfolio/{shop.portfolio}/group"
    group = (await shop.api("POST", path, {"name": "devs"})).body
    changed = {"id": group["id"], "name": "devs", "version": 1, "members": [{"name": "Ada"}]}
    answer = await shop.api("PUT", f"{path}?updateMembers=true", changed)
    assert (answer.status, answer.body["field"]) == (400, "members[0].id")
    assert (await shop.api("PUT", path, changed)).status == 200


@pytest.mark.parametrize("ignored", ["", "0", "5f8e6c1e-8f1c-4a0e-9f43-0d2b8f6b7a11"])
async def test_which_group_a_role_is_said_to_be_of_does_not_count(shop, ignored):
    role = {"applicationId": shop.application, "groupId": ignored, "roles": ["FEATURE_EDIT"]}
    body = {"name": "devs", "applicationRoles": [role]}
    group = (await shop.api("POST", f"/mr-api/portfolio/{shop.portfolio}/group", body)).body
    found = await shop.api("GET", f"/mr-api/group/{group['id']}?includeGroupRoles=true")
    assert found.body["applicationRoles"] == [role | {"groupId": group["id"]}]
    role = {"environmentId": shop.production, "groupId": ignored, "roles": ["LOCK"]}
    changed = await shop.api(
        "PUT",
        f"/mr-api/portfolio/{shop.portfolio}/v2/group"
        "?updateEnvironmentGroupRoles=true&includeGroupRoles=true",
        {"id": group["id"], "version": 1, "environmentRoles": [role]},
    )
    assert [one["groupId"] for one in changed.body["environmentRoles"]] == [group["id"]]
    admins = await admin_group(shop.api)
    other = await shop.api("GET", f"/mr-api/group/{admins}?includeGroupRoles=true")
    assert other.body["environmentRoles"] == []


async def test_a_feature_needs_its_key_after_all(shop):
    feature = await shop.add_feature("menu")
    del feature["key"]
    for path in (shop.features_path, f"{shop.features_path}/menu"):
        answer = await shop.api("PUT", path, feature)
        assert (answer.status, answer.body["field"]) == (400, "key")


async def test_what_is_attached_has_to_be_known_but_is_validated_all_the_same(shop):
    await shop.add_feature("title", "STRING")
    unsaid = {"locked": False, "rolloutStrategyInstances": [{"value": "x"}, {"value": "y"}]}
    answer = await shop.put_value("title", unsaid)
    place = "rolloutStrategyInstances[0].strategyId"
    assert (answer.status, answer.body["field"]) == (400, place)
    path = f"/mr-api/application/{shop.application}/rollout-strategy-validation"
    body = {"customStrategies": [], "sharedStrategies": [{"name": "x"}]}
    assert (await shop.api("POST", path, body)).status == 200


async def test_no_group_of_features_is_disabled(shop, group_path):
    body = {"name": "g", "environmentId": shop.production, "features": [], "disabled": True}
    made = await shop.api("POST", group_path, body)
    assert made.status == 201
    group = await shop.api("GET", f"{group_path}/{made.body['id']}")
    assert group.body["disabled"] is False


async def test_times_of_a_strategy_are_sent_back_and_stay(shop):
    path = f"/mr-api/application/{shop.application}"
    made = (await shop.api("POST", f"{path}/strategy", {"name": "half", "percentage": 5})).body
    [listed] = (await shop.api("GET", f"{path}/strategy")).body["items"]
    body = made | {"name": "third", "whenCreated": "2001-01-01T00:00:00Z", "whenUpdated": None}
    changed = await shop.api("PUT", f"{path}/rollout-strategy/{made['id']}", body)
    assert (changed.status, changed.body["name"]) == (200, "third")
    [after] = (await shop.api("GET", f"{path}/strategy")).body["items"]
    assert after["whenCreated"] == listed["whenCreated"]
