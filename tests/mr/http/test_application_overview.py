from uuid import uuid4

import pytest


@pytest.fixture
def on_application(shop) -> str:
    return f"/mr-api/application/{shop.application}"


async def test_the_summary_counts_what_is_live(shop, sql, on_application):
    path = f"{on_application}/summary"
    assert (await shop.api("GET", path)).body == {
        "groupsHavePermission": False,
        "serviceAccountsHavePermission": False,
        "featureCount": 0,
        "environmentCount": 1,
    }
    group = await shop.add_group("developers")
    await shop.grant(group, ["READ"], environment=shop.production)
    await shop.add_account(**{f"e_{shop.production.replace('-', '_')}": ["READ"]})
    await shop.add_feature("a")
    await shop.add_feature("b")
    await shop.api("DELETE", f"{shop.features_path}/b")
    assert (await shop.api("GET", path)).body == {
        "groupsHavePermission": True,
        "serviceAccountsHavePermission": True,
        "featureCount": 1,
        "environmentCount": 1,
    }
    await sql("UPDATE person_group SET when_archived = now() WHERE id = $1", group)
    await sql("UPDATE service_account SET when_archived = now()")
    answer = (await shop.api("GET", path)).body
    assert answer["groupsHavePermission"] is False
    assert answer["serviceAccountsHavePermission"] is False


async def test_readers_see_the_summary(shop, member, on_application):
    api, group = member
    path = f"{on_application}/summary"
    assert (await api("GET", path)).status == 403
    await shop.grant(group, ["READ"], environment=shop.production)
    assert (await api("GET", path)).status == 200
    assert (await shop.api("GET", f"/mr-api/application/{uuid4()}/summary")).status == 404


async def test_permissions_are_what_the_groups_were_given(shop, member, on_application):
    api, group = member
    path = f"{on_application}/permissions"
    await shop.add_environment("test")
    assert (await api("GET", path)).body == {"applicationRoles": [], "environments": []}
    await shop.grant(group, ["LOCK"], environment=shop.production)
    await shop.grant(group, ["FEATURE_CREATE"], application=shop.application)
    assert (await api("GET", path)).body == {
        "applicationRoles": ["FEATURE_CREATE"],
        "environments": [{"id": shop.production, "name": "production", "roles": ["READ", "LOCK"]}],
    }


async def test_admins_have_all_permissions(shop, on_application):
    answer = (await shop.api("GET", f"{on_application}/permissions")).body
    assert set(answer["applicationRoles"]) == {
        "FEATURE_EDIT",
        "FEATURE_CREATE",
        "FEATURE_EDIT_AND_DELETE",
        "APP_STRATEGY_EDIT",
        "APP_STRATEGY_CREATE",
        "APP_STRATEGY_EDIT_AND_DELETE",
    }
    [environment] = answer["environments"]
    assert set(environment["roles"]) == {
        "READ",
        "LOCK",
        "UNLOCK",
        "CHANGE_VALUE",
        "EXTENDED_DATA",
    }
    assert (await shop.api("GET", f"/mr-api/application/{uuid4()}/permissions")).status == 404
