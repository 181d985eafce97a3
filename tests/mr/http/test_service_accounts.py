import re
from uuid import uuid4

import pytest


def _grant(environment: str, *roles: str) -> dict:
    return {"environmentId": environment, "permissions": list(roles)}


@pytest.fixture
def path(shop) -> str:
    return f"/mr-api/portfolio/{shop.portfolio}/service-account"


@pytest.fixture
async def account(shop, path) -> dict:
    """An account with READ and LOCK in production, its creation already announced."""
    body = {
        "name": "sdk",
        "description": "d",
        "permissions": [_grant(shop.production, "READ", "LOCK")],
    }
    answer = await shop.api("POST", f"{path}?includePermissions=true", body)
    assert answer.status == 200, answer
    await shop.announced()
    return answer.body


async def test_creating_gives_both_keys_and_announces(shop, path):
    await shop.announced()
    before = await shop.api("GET", f"/mr-api/environment/{shop.production}")
    roles = ["READ", "UNLOCK", "LOCK", "CHANGE_VALUE"]
    body = {"name": "sdk", "permissions": [_grant(shop.production, *roles)]}

    answer = await shop.api("POST", f"{path}?includePermissions=true", body)

    made = answer.body
    assert re.fullmatch(r"[A-Za-z0-9]{40}", made["apiKeyServerSide"])
    assert re.fullmatch(r"[A-Za-z0-9]{30}\*[A-Za-z0-9]{20}", made["apiKeyClientSide"])
    [permission] = made["permissions"]
    assert sorted(permission["permissions"]) == sorted(roles)
    assert permission["sdkUrlServerEval"] == f"{shop.production}/{made['apiKeyServerSide']}"
    assert permission["sdkUrlClientEval"] == f"{shop.production}/{made['apiKeyClientSide']}"
    assert "permsInvalid" not in made
    [(first, account), (second, environment)] = await shop.announced()
    assert (first, second) == ("service-account", "environment")
    assert account["action"] == "UPDATE"
    assert account["count"] == 1
    assert account["serviceAccount"]["apiKeyServerSide"] == made["apiKeyServerSide"]
    assert account["serviceAccount"]["permissions"][0]["environmentId"] == shop.production
    assert environment["sa"] == [made["id"]]
    assert environment["environment"]["version"] == before.body["version"] + 1


async def test_a_plain_creation_shows_keys_but_no_permissions(shop, path):
    body = {"name": "sdk", "permissions": [_grant(shop.production, "READ")]}
    answer = await shop.api("POST", path, body)
    assert answer.body["apiKeyServerSide"]
    assert answer.body["permissions"] == []
    assert answer.body["permsInvalid"] is True


async def test_creating_makes_a_person_for_its_changes(shop, account):
    [row] = await shop.sql(
        "SELECT p.email, p.name, p.person_type FROM service_account s "
        "JOIN person p ON p.id = s.sdk_person_id"
    )
    assert tuple(row) == (f"{account['id']}@sdk.sa.featurehub.io", "sdk", "sdkServiceAccount")


async def test_environments_of_other_portfolios_are_ignored(shop, path):
    body = {"name": "x", "permissions": [_grant(str(uuid4()), "READ")]}
    answer = await shop.api("POST", f"{path}?includePermissions=true", body)
    assert answer.body["permissions"] == []


async def test_names_are_unique_and_free_again_after_deletion(shop, path, account):
    assert (await shop.api("POST", path, {"name": "sdk"})).status == 409
    await shop.api("DELETE", f"/mr-api/service-account/{account['id']}")
    assert (await shop.api("POST", path, {"name": "sdk"})).status == 200


async def test_blanks_around_a_name_make_it_no_other_one(shop, path, account):
    for written in (" sdk", "sdk "):
        assert (await shop.api("POST", path, {"name": written})).status == 409
    other = (await shop.api("POST", path, {"name": " other "})).body
    assert other["name"] == "other"
    assert (await shop.api("PUT", path, {**other, "name": "sdk\n"})).status == 409
    [found] = (await shop.api("GET", f"{path}?filter=other")).body
    assert found["id"] == other["id"]


async def test_searching_takes_the_whole_name_and_hides_secrets(shop, path, account):
    assert (await shop.api("GET", f"{path}?filter=sd")).body == []
    assert (await shop.api("GET", f"{path}?filter=%5C")).body == []
    [found] = (await shop.api("GET", f"{path}?filter=SDK")).body
    assert found["id"] == account["id"]
    assert "apiKeyServerSide" not in found
    assert found["permsInvalid"] is True
    [full] = (await shop.api("GET", f"{path}?includePermissions=true")).body
    assert full["permissions"][0]["permissions"] == ["READ", "LOCK"]
    assert "sdkUrlServerEval" not in full["permissions"][0]
    [open_] = (await shop.api("GET", f"{path}?includeSdkUrls=true")).body
    assert open_["permissions"][0]["sdkUrlServerEval"].endswith(account["apiKeyServerSide"])
    [other] = (
        await shop.api("GET", f"{path}?includePermissions=true&applicationId={uuid4()}")
    ).body
    assert other["permissions"] == []


async def test_members_see_sdk_urls_when_they_hold_the_accounts_roles(shop, path, account, member):
    api, group = member
    query = f"{path}?includePermissions=true&includeSdkUrls=true"
    await shop.grant(group, ["READ"], environment=shop.production)
    [one] = (await api("GET", query)).body
    assert "sdkUrlServerEval" not in one["permissions"][0]
    await shop.sql("UPDATE acl SET roles = '{LOCK}' WHERE group_id = $1", group)
    [one] = (await api("GET", query)).body
    assert one["permissions"][0]["sdkUrlServerEval"].endswith(account["apiKeyServerSide"])
    assert one["permissions"][0]["sdkUrlClientEval"].endswith(account["apiKeyClientSide"])


async def test_strangers_find_nothing(path, account, add_person):
    api = await add_person("nobody@i.com")
    assert (await api("GET", path)).body == []


async def test_permissions_alone_bump_the_version_and_announce_what_changed(shop, path, account):
    test = await shop.add_environment("test")
    await shop.announced()
    grants = [_grant(shop.production, "READ", "LOCK"), _grant(test["id"], "READ")]

    answer = await shop.api(
        "PUT", f"{path}?includePermissions=true", {**account, "permissions": grants}
    )

    assert answer.body["version"] == account["version"] + 1
    assert len(answer.body["permissions"]) == 2
    assert "sdkUrlServerEval" not in answer.body["permissions"][0]
    assert answer.body["apiKeyServerSide"] == account["apiKeyServerSide"]
    [(_, announced), (_, environment)] = await shop.announced()
    assert announced["serviceAccount"]["version"] == answer.body["version"]
    assert environment["environment"]["id"] == test["id"]


async def test_absent_and_empty_permissions_are_taken_away(shop, path, account):
    test = await shop.add_environment("test")
    await shop.announced()
    body = {**account, "permissions": [_grant(test["id"])]}
    answer = await shop.api("PUT", f"{path}?includePermissions=true", body)
    assert answer.body["permissions"] == []
    [_, (_, environment)] = await shop.announced()
    assert environment["environment"]["id"] == shop.production
    assert environment["sa"] == []


async def test_an_application_limits_what_is_replaced(shop, path, account):
    other = await shop.api(
        "POST",
        f"/mr-api/portfolio/{shop.portfolio}/application?includeEnvironments=true",
        {"name": "Other", "description": ""},
    )
    elsewhere = other.body["environments"][0]["id"]
    body = {**account, "permissions": [_grant(elsewhere, "READ")]}
    answer = await shop.api("PUT", f"{path}?includePermissions=true&appId={other.body['id']}", body)
    assert answer.status == 200
    got = await shop.api("GET", f"/mr-api/service-account/{account['id']}?includePermissions=true")
    assert {p["environmentId"] for p in got.body["permissions"]} == {shop.production, elsewhere}
    limited = await shop.api(
        "GET",
        f"/mr-api/service-account/{account['id']}"
        f"?includePermissions=true&byApplicationId={shop.application}",
    )
    assert [p["environmentId"] for p in limited.body["permissions"]] == [shop.production]


async def test_permissions_that_were_not_loaded_are_left_alone(shop, path, account):
    body = {**account, "description": "new", "permsInvalid": True, "permissions": []}
    await shop.api("PUT", path, body)
    got = await shop.api("GET", f"/mr-api/service-account/{account['id']}?includePermissions=true")
    assert got.body["description"] == "new"
    assert len(got.body["permissions"]) == 1
    [(kind, _)] = await shop.announced()
    assert kind == "service-account"


async def test_an_update_without_change_keeps_the_version_but_announces(shop, path, account):
    answer = await shop.api("PUT", path, account)
    assert answer.body["version"] == account["version"]
    [(kind, _)] = await shop.announced()
    assert kind == "service-account"


async def test_updates_are_refused_for_documented_reasons(shop, path, account):
    await shop.api("POST", path, {"name": "other"})
    stale = {**account, "version": 9}
    assert (await shop.api("PUT", path, stale)).status == 422
    unversioned = {key: text for key, text in account.items() if key != "version"}
    assert (await shop.api("PUT", path, unversioned)).status == 422
    assert (await shop.api("PUT", path, {**account, "id": str(uuid4())})).status == 404
    assert (await shop.api("PUT", path, {**account, "name": "other"})).status == 409
    twice = {**account, "permissions": [_grant(shop.production, "READ")] * 2}
    assert (await shop.api("PUT", path, twice)).status == 400
    elsewhere = f"/mr-api/portfolio/{uuid4()}/service-account"
    assert (await shop.api("PUT", elsewhere, account)).status == 404


async def test_the_deprecated_update_adds_an_environment(shop, account):
    test = await shop.add_environment("test")
    body = {**account, "permissions": [*account["permissions"], _grant(test["id"], "READ")]}
    path = f"/mr-api/service-account/{account['id']}"
    answer = await shop.api("PUT", f"{path}?includePermissions=true", body)
    assert len(answer.body["permissions"]) == 2
    homeless = {key: text for key, text in body.items() if key != "portfolioId"}
    assert (await shop.api("PUT", path, homeless)).status == 400
    assert (await shop.api("PUT", path, {**body, "id": str(uuid4())})).status == 400


@pytest.mark.parametrize(
    ("query", "changed"),
    [
        ("", {"apiKeyServerSide", "apiKeyClientSide"}),
        ("?apiKeyType=client_eval_only", {"apiKeyClientSide"}),
        ("?apiKeyType=server_eval_only", {"apiKeyServerSide"}),
    ],
)
async def test_resetting_replaces_keys_and_announces_them(shop, account, query, changed):
    answer = await shop.api("POST", f"/mr-api/service-account/{account['id']}/reset-api-key{query}")
    assert answer.status == 200
    keys = ("apiKeyServerSide", "apiKeyClientSide")
    assert {key for key in keys if answer.body[key] != account[key]} == changed
    assert answer.body["version"] == account["version"] + 1
    [(_, event)] = await shop.announced()
    assert event["serviceAccount"]["apiKeyServerSide"] == answer.body["apiKeyServerSide"]
    assert event["serviceAccount"]["apiKeyClientSide"] == answer.body["apiKeyClientSide"]


async def test_deleting_announces_without_secrets(shop, account):
    path = f"/mr-api/service-account/{account['id']}"
    answer = await shop.api("DELETE", path)
    assert (answer.status, answer.body) == (200, True)
    [(kind, event)] = await shop.announced()
    assert (kind, event["action"], event["count"]) == ("service-account", "DELETE", 0)
    assert event["serviceAccount"] == {
        "id": account["id"],
        "version": (1 << 63) - 1,
        "apiKeyClientSide": "",
        "apiKeyServerSide": "",
        "permissions": [],
    }
    assert (await shop.api("GET", path)).status == 404
    assert (await shop.api("DELETE", path)).status == 404
    [row] = await shop.sql(
        "SELECT when_archived IS NOT NULL FROM person WHERE person_type = 'sdkServiceAccount'"
    )
    assert row[0]


async def test_only_admins_touch_accounts(shop, path, account, member):
    api, _group = member
    one = f"/mr-api/service-account/{account['id']}"
    assert (await api("POST", path, {"name": "x"})).status == 403
    assert (await api("PUT", path, account)).status == 403
    assert (await api("GET", one)).status == 403
    assert (await api("PUT", one, account)).status == 403
    assert (await api("DELETE", one)).status == 403
    assert (await api("POST", f"{one}/reset-api-key")).status == 403
    assert (await shop.api("GET", "/mr-api/service-account/self")).status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "x" * 71}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x", "description": "d" * 401}, "description"),
        ({"name": "x", "permissions": [{"permissions": []}]}, "permissions[0].environmentId"),
        ({"name": "x", "permissions": {}}, "permissions"),
    ],
)
async def test_bad_members_are_named(shop, path, body, field):
    answer = await shop.api("POST", path, body)
    assert (answer.status, answer.body["field"]) == (400, field)
