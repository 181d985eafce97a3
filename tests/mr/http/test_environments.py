from uuid import uuid4

import pytest


def _path(shop) -> str:
    return f"/mr-api/application/{shop.application}/environment"


async def test_a_new_environment_comes_last_in_the_promotion_order(shop):
    test = await shop.add_environment("test")
    uat = await shop.add_environment("uat")
    assert test["priorEnvironmentId"] == shop.production
    assert uat["priorEnvironmentId"] == test["id"]
    listed = await shop.api("GET", _path(shop))
    assert [e["name"] for e in listed.body] == ["production", "test", "uat"]


async def test_environments_are_sorted_by_name_on_demand(shop):
    await shop.add_environment("Alpha")
    names = [e["name"] for e in (await shop.api("GET", f"{_path(shop)}?order=DESC")).body]
    assert names == ["production", "Alpha"]
    assert [e["name"] for e in (await shop.api("GET", f"{_path(shop)}?filter=LPH")).body] == [
        "Alpha"
    ]


async def test_creating_announces_it_and_each_switch(shop):
    await shop.add_feature("a-switch")
    await shop.add_feature("b-text", "STRING")
    await shop.add_feature("c-switch")
    await shop.announced()

    test = await shop.add_environment("test", environmentInfo={"cacheControl": "x", "mgmt.a": "y"})

    events = await shop.announced()
    kinds = [kind for kind, _ in events]
    assert kinds == ["environment", "feature-values", "feature-values"]
    environment = events[0][1]
    assert environment["environment"] == {
        "id": test["id"],
        "version": 1,
        "eInf": {"cacheControl": "x"},
    }
    assert [f["feature"]["key"] for f in environment["fv"]] == ["a-switch", "b-text", "c-switch"]
    assert "value" not in environment["fv"][1]
    assert environment["fv"][0]["value"]["locked"] is True
    assert environment["fv"][0]["value"]["value"] is False
    assert environment["c"] == 2
    for (_, event), key in zip(events[1:], ["a-switch", "c-switch"], strict=True):
        [feature] = event["features"]
        assert feature["action"] == "UPDATE"
        assert feature["environmentId"] == test["id"]
        assert feature["feature"]["feature"]["key"] == key


async def test_management_information_overlays_the_users(shop, sql):
    await sql(
        'UPDATE environment SET environment_info = \'{"a": "1", "b": "2"}\', '
        'management_info = \'{"b": "3"}\' WHERE id = $1',
        shop.production,
    )
    await shop.announced()
    await shop.add_account(**{f"e_{shop.production.replace('-', '_')}": ["READ"]})
    events = await shop.announced()
    assert events[1][1]["environment"]["eInf"] == {"a": "1", "b": "3"}


async def test_the_deprecated_path_creates_too(shop):
    answer = await shop.api(
        "POST",
        f"/mr-api/application/{shop.application}/permissions",
        {"name": "dev", "description": "d"},
    )
    assert answer.status == 200
    assert answer.body["description"] == "d"


async def test_names_are_unique_in_an_application(shop):
    answer = await shop.api("POST", _path(shop), {"name": "production", "description": ""})
    assert answer.status == 409
    other_case = await shop.api("POST", _path(shop), {"name": "Production", "description": ""})
    assert other_case.status == 200


async def test_the_prior_environment_must_be_of_the_same_application(shop):
    body = {"name": "x", "description": "", "priorEnvironmentId": str(uuid4())}
    answer = await shop.api("POST", _path(shop), body)
    assert answer.status == 400
    assert answer.body["field"] == "priorEnvironmentId"


async def test_only_admins_create(shop, member):
    api, _group = member
    assert (await api("POST", _path(shop), {"name": "x", "description": ""})).status == 403
    unknown = f"/mr-api/application/{uuid4()}/environment"
    assert (await shop.api("POST", unknown, {"name": "x", "description": ""})).status == 404


async def test_strangers_see_no_environments(shop, add_person):
    api = await add_person("nobody@i.com")
    assert (await api("GET", _path(shop))).body == []
    assert (await api("GET", f"/mr-api/environment/{shop.production}")).status == 403


async def test_members_see_environments_with_the_parts_they_ask_for(shop, member):
    api, group = member
    await shop.grant(group, ["CHANGE_VALUE"], environment=shop.production)
    await shop.add_feature("dark-mode")
    await shop.add_feature("title", "STRING")

    plain = await api("GET", f"/mr-api/environment/{shop.production}")
    assert plain.body["groupRoles"] == []
    assert plain.body["features"] == []
    assert "description" not in plain.body
    assert "serviceAccountPermission" not in plain.body

    query = "includeAcls=true&includeFeatures=true&includeDetails=true"
    full = await api("GET", f"/mr-api/environment/{shop.production}?{query}")
    assert full.body["groupRoles"] == [
        {
            "environmentId": shop.production,
            "groupId": group,
            "roles": ["READ", "CHANGE_VALUE"],
        }
    ]
    assert [f["key"] for f in full.body["features"]] == ["dark-mode"]
    assert full.body["description"] == "production"
    assert full.body["environmentInfo"] == {}


async def test_sdk_urls_are_shown_to_those_with_the_accounts_roles(shop, member):
    api, group = member
    place = f"e_{shop.production.replace('-', '_')}"
    account = await shop.add_account(**{place: ["READ", "LOCK"]})
    path = f"/mr-api/environment/{shop.production}?includeServiceAccounts=true&includeSdkUrl=true"

    await shop.grant(group, ["READ"], environment=shop.production)
    [hidden] = (await api("GET", path)).body["serviceAccountPermission"]
    assert "sdkUrlClientEval" not in hidden
    assert "apiKeyServerSide" not in hidden["serviceAccount"]

    [shown] = (await shop.api("GET", path)).body["serviceAccountPermission"]
    assert shown["sdkUrlServerEval"] == f"{shop.production}/{account['apiKeyServerSide']}"
    assert shown["serviceAccount"]["apiKeyClientSide"] == account["apiKeyClientSide"]


async def test_unknown_environments_are_forbidden(shop):
    assert (await shop.api("GET", f"/mr-api/environment/{uuid4()}")).status == 403


async def test_deleting_closes_the_gap_and_announces(shop):
    test = await shop.add_environment("test")
    uat = await shop.add_environment("uat")
    await shop.announced()

    answer = await shop.api("DELETE", f"/mr-api/environment/{test['id']}")

    assert (answer.status, answer.body) == (200, True)
    [(kind, event)] = await shop.announced()
    assert (kind, event["action"]) == ("environment", "DELETE")
    assert event["environment"] == {"id": test["id"], "version": (1 << 63) - 1}
    assert event["c"] == 2
    after = await shop.api("GET", f"/mr-api/environment/{uat['id']}")
    assert after.body["priorEnvironmentId"] == shop.production
    assert after.body["version"] == uat["version"] + 1
    again = await shop.add_environment("test")
    assert again["id"] != test["id"]


async def test_others_are_told_false_and_nothing_happens(shop, member):
    api, _group = member
    answer = await api("DELETE", f"/mr-api/environment/{shop.production}")
    assert (answer.status, answer.body) == (200, False)
    unknown = await shop.api("DELETE", f"/mr-api/environment/{uuid4()}")
    assert (unknown.status, unknown.body) == (200, False)
    assert (await shop.api("GET", f"/mr-api/environment/{shop.production}")).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x" * 151, "description": ""}, "name"),
        ({"name": " ", "description": ""}, "name"),
        ({"name": "x"}, "description"),
        ({"name": "x", "description": "", "environmentInfo": {"a": 1}}, "environmentInfo[...]"),
        ({"name": "x", "description": "", "priorEnvironmentId": "y"}, "priorEnvironmentId"),
    ],
)
async def test_bad_members_are_named(shop, body, field):
    answer = await shop.api("POST", _path(shop), body)
    assert answer.status == 400
    assert answer.body["field"] == field
