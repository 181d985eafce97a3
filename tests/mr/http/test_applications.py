from uuid import uuid4

import pytest


async def test_a_new_application_starts_with_production(shop):
    answer = await shop.api(
        "GET", f"/mr-api/application/{shop.application}?includeEnvironments=true"
    )
    assert answer.status == 200
    assert answer.body["name"] == "Shop"
    assert answer.body["features"] == []
    assert [(e["name"], e["production"]) for e in answer.body["environments"]] == [
        ("production", True)
    ]


async def test_environments_are_only_filled_on_demand(shop):
    answer = await shop.api(
        "POST",
        f"/mr-api/portfolio/{shop.portfolio}/application",
        {"name": "Other", "description": ""},
    )
    assert answer.body["environments"] == []
    plain = await shop.api("GET", f"/mr-api/application/{shop.application}")
    assert plain.body["environments"] == []


async def test_creating_announces_the_environment(shop):
    [(kind, event)] = await shop.announced()
    assert kind == "environment"
    assert event["action"] == "UPDATE"
    assert event["environment"]["id"] == shop.production
    assert event["aId"] == shop.application
    assert event["pId"] == shop.portfolio
    assert event["fv"] == []
    assert event["sa"] == []


async def test_the_admin_group_gets_application_roles(shop, sql):
    [row] = await sql("SELECT roles FROM acl WHERE application_id = $1", shop.application)
    assert row["roles"] == ["FEATURE_CREATE", "FEATURE_EDIT_AND_DELETE"]


async def test_names_are_unique_in_a_portfolio_whatever_their_case(shop):
    path = f"/mr-api/portfolio/{shop.portfolio}/application"
    answer = await shop.api("POST", path, {"name": "SHOP", "description": ""})
    assert answer.status == 409
    assert answer.body["field"] == "name"


async def test_only_admins_create(shop, member):
    api, _group = member
    path = f"/mr-api/portfolio/{shop.portfolio}/application"
    assert (await api("POST", path, {"name": "New", "description": ""})).status == 403


async def test_an_unknown_portfolio_is_not_found(shop):
    path = f"/mr-api/portfolio/{uuid4()}/application"
    assert (await shop.api("POST", path, {"name": "New", "description": ""})).status == 404


async def test_a_search_takes_any_part_of_the_name(shop):
    path = f"/mr-api/portfolio/{shop.portfolio}/application"
    await shop.api("POST", path, {"name": "100%_x", "description": ""})
    assert [a["name"] for a in (await shop.api("GET", f"{path}?filter=HO")).body] == ["Shop"]
    assert [a["name"] for a in (await shop.api("GET", f"{path}?filter=%25_")).body] == ["100%_x"]
    names = [a["name"] for a in (await shop.api("GET", f"{path}?order=DESC")).body]
    assert names == ["Shop", "100%_x"]


async def test_a_search_can_include_environments_and_features(shop):
    await shop.add_feature("dark-mode")
    path = f"/mr-api/portfolio/{shop.portfolio}/application"
    answer = await shop.api("GET", f"{path}?includeEnvironments=true&includeFeatures=true")
    assert [f["key"] for f in answer.body[0]["features"]] == ["dark-mode"]
    assert len(answer.body[0]["environments"]) == 1


async def test_members_find_applications_with_a_role_in_an_environment(shop, member):
    api, group = member
    path = f"/mr-api/portfolio/{shop.portfolio}/application"
    assert (await api("GET", path)).body == []
    await shop.grant(group, ["READ"], environment=shop.production)
    assert [a["name"] for a in (await api("GET", path)).body] == ["Shop"]


async def test_reading_needs_a_role(shop, member):
    api, group = member
    path = f"/mr-api/application/{shop.application}"
    assert (await api("GET", path)).status == 403
    await shop.grant(group, [], application=shop.application)
    assert (await api("GET", path)).status == 200


async def test_an_unknown_application_is_not_found(shop):
    assert (await shop.api("GET", f"/mr-api/application/{uuid4()}")).status == 404
    assert (await shop.api("GET", "/mr-api/application/not-a-uuid")).status == 404


async def test_deleting_takes_environments_and_features_along(shop, sql):
    await shop.add_feature("dark-mode")
    test = await shop.add_environment("test")
    await shop.announced()

    answer = await shop.api("DELETE", f"/mr-api/application/{shop.application}")

    assert (answer.status, answer.body) == (200, True)
    events = await shop.announced()
    assert [(kind, e["action"]) for kind, e in events] == [("environment", "DELETE")] * 2
    assert {e["environment"]["id"] for _, e in events} == {shop.production, test["id"]}
    assert all(e["environment"]["version"] == (1 << 63) - 1 for _, e in events)
    assert (await shop.api("GET", f"/mr-api/application/{shop.application}")).status == 404
    assert (await shop.api("GET", f"/mr-api/environment/{test['id']}")).status == 403
    [live] = await sql("SELECT count(*) FROM feature WHERE when_archived IS NULL")
    assert live[0] == 0
    again = await shop.api("DELETE", f"/mr-api/application/{shop.application}")
    assert again.status == 404


async def test_only_admins_delete(shop, member):
    api, _group = member
    assert (await api("DELETE", f"/mr-api/application/{shop.application}")).status == 403


async def test_features_of_a_deleted_application_are_in_no_group_any_more(shop, group_path, sql):
    feature = await shop.add_feature("f")
    body = {
        "name": "g",
        "description": "",
        "environmentId": shop.production,
        "features": [{"id": feature["id"]}],
    }
    assert (await shop.api("POST", group_path, body)).status == 201
    [row] = await sql("SELECT count(*) FROM feature_group_member")
    assert row[0] == 1
    assert (await shop.api("DELETE", f"/mr-api/application/{shop.application}")).status == 200
    [row] = await sql("SELECT count(*) FROM feature_group_member")
    assert row[0] == 0


async def test_the_name_of_a_deleted_application_is_free(shop):
    await shop.api("DELETE", f"/mr-api/application/{shop.application}")
    path = f"/mr-api/portfolio/{shop.portfolio}/application"
    assert (await shop.api("POST", path, {"name": "shop", "description": ""})).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"description": ""}, "name"),
        ({"name": "x" * 101, "description": ""}, "name"),
        ({"name": "  ", "description": ""}, "name"),
        ({"name": "", "description": ""}, "name"),
        ({"name": "x\0", "description": ""}, "name"),
        ({"name": "x", "description": "d" * 401}, "description"),
        ({"name": 1, "description": ""}, "name"),
    ],
)
async def test_bad_members_are_named(shop, body, field):
    path = f"/mr-api/portfolio/{shop.portfolio}/application"
    answer = await shop.api("POST", path, body)
    assert answer.status == 400
    assert answer.body["field"] == field


async def test_deleting_takes_as_many_statements_however_much_there_is(shop, statements):
    async def count() -> int:
        path = f"/mr-api/portfolio/{shop.portfolio}/application?includeEnvironments=true"
        made = (await shop.api("POST", path, {"name": "Another", "description": ""})).body
        return made["id"]

    small, large = await count(), shop.application
    for number in range(4):
        await shop.add_environment(f"env-{number}")
        await shop.add_feature(f"feature-{number}")
    with statements() as few:
        await shop.api("DELETE", f"/mr-api/application/{small}")
    with statements() as many:
        await shop.api("DELETE", f"/mr-api/application/{large}")
    assert len(many) == len(few) > 0


async def test_features_whose_long_keys_begin_alike_go_together(shop):
    for end in "ab":
        await shop.add_feature("k" * 254 + end, name="x")
    answer = await shop.api("DELETE", f"/mr-api/application/{shop.application}")
    assert answer.status == 200
