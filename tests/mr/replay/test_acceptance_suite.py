"""The calls of FeatureHub's acceptance suite, in its order: appendix C.1 by its numbers."""

import time

from tests.mr.replay.client import Client

PATIENCE_SECONDS = 10.0


def until(holds) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := holds()) and time.monotonic() < deadline:
        pass
    return found


def test_1_it_is_discovered_by_its_name(api):
    told = api.as_person("").call("GET", "/info/version")
    assert told["name"] in {"party-server", "party-server-ish", "management-repository"}


def test_2_a_probe_a_login_and_a_second_set_up(api):
    stranger = api.as_person("")
    assert stranger.ask("GET", "/mr-api/portfolio") == (401, b"Please login.")
    sent = {"email": "irina@i.com", "password": "password123"}
    answer = stranger.call("POST", "/mr-api/login", sent)
    assert answer["accessToken"]
    assert answer["person"]["id"]["id"]
    site = {
        "organizationName": "SampleOrg",
        "portfolio": "First Portfolio",
        "name": "Superuser",
        "emailAddress": "irina@i.com",
        "password": "password123",
    }
    assert stranger.ask("POST", "/mr-api/initialize", site)[0] == 409


def test_4_an_environment_comes_and_goes_and_so_does_its_key(api, scenario, world):
    body = {"name": "test", "description": "test"}
    made = api.call("POST", f"{scenario.path}/permissions", body)
    scenario.environment = made["id"]
    key = scenario.account("sdk", "READ")["permissions"][0]["sdkUrlServerEval"]
    assert until(lambda: world.poll(key) == {})
    assert api.call("DELETE", f"/mr-api/environment/{made['id']}") is True
    assert until(lambda: world.poll(key) is None)


def test_5_features_are_on_edge_at_once(scenario, world):
    key = scenario.account("sdk", "READ")["permissions"][0]["sdkUrlServerEval"]
    for kind in ("BOOLEAN", "STRING", "NUMBER", "JSON"):
        scenario.feature(f"F_{kind}", kind)
    assert until(lambda: len(world.poll(key) or ()) == 4)
    served = world.poll(key)
    assert served["F_BOOLEAN"][:3] == ("BOOLEAN", False, True)
    for kind in ("STRING", "NUMBER", "JSON"):
        assert served[f"F_{kind}"][:3] == (kind, None, False)


def test_6_7_a_value_is_made_then_read_changed_and_written_back(api, scenario):
    for kind, member, first, second in (
        ("STRING", "valueString", "a", "b"),
        ("NUMBER", "valueNumber", 17.5, 0),
        ("JSON", "valueJson", '{"a": 1}', "[]"),
    ):
        scenario.feature(kind, kind)
        path = scenario.value_path(kind)
        assert api.ask("GET", path)[0] == 404
        api.call("PUT", path, {"key": kind, member: first, "locked": False})
        known = api.call("GET", path)
        assert known["rolloutStrategyInstances"] == []
        saved = api.call("PUT", path, {**known, member: second})
        assert (saved[member], saved["version"]) == (second, known["version"] + 1)


def test_8_retiring_and_unlocking_is_in_the_history(api, scenario):
    api.needs("listFeatureHistory")
    feature, path = scenario.feature("FLAG", "BOOLEAN"), scenario.value_path("FLAG")
    for change in (
        {"locked": False, "retired": True},
        {"valueBoolean": True},
        {"retired": False},
    ):
        api.call("PUT", path, {**api.call("GET", path), **change})
    found = api.call(
        "GET",
        f"{scenario.path}/feature-history",
        featureIds=[feature["id"]],
        environmentIds=[scenario.environment],
    )
    [item] = found["items"]
    assert [(one["locked"], one["retired"], one["value"]) for one in item["history"]] == [
        (True, False, False),
        (False, True, False),
        (False, True, True),
        (False, False, True),
    ]


def test_9_strategies_without_ids_are_replaced_twice(api, scenario):
    scenario.feature("FLAG", "BOOLEAN")
    path = scenario.value_path("FLAG")
    api.call("PUT", path, {**api.call("GET", path), "locked": False})
    for percentages in ([10_000, 20_000, 30_000], [70_000, 5_000]):
        strategies = [
            {"name": f"s{one}", "percentage": one, "value": True, "attributes": []}
            for one in percentages
        ]
        saved = api.call("PUT", path, {**api.call("GET", path), "rolloutStrategies": strategies})
        assert [one["percentage"] for one in saved["rolloutStrategies"]] == percentages


def test_10_an_application_strategy_is_attached_by_its_code(api, scenario):
    api.needs("createApplicationStrategy", "listApplicationStrategies", "listFeatureHistory")
    status, _ = api.ask(
        "POST", f"{scenario.path}/strategy", {"name": "beta", "percentage": 20, "attributes": []}
    )
    assert status == 201
    [item] = api.call("GET", f"{scenario.path}/strategy", includeUsage=True)["items"]
    feature, path = scenario.feature("FLAG", "BOOLEAN"), scenario.value_path("FLAG")
    instance = {"strategyId": item["strategy"]["id"], "name": "beta", "value": True}
    known = api.call("GET", path)
    api.call("PUT", path, {**known, "locked": False, "rolloutStrategyInstances": [instance]})
    query = {"featureIds": [feature["id"]], "order": "desc"}
    [found] = api.call("GET", f"{scenario.path}/feature-history", **query)["items"]
    newest = found["history"][0]["rolloutStrategies"][-1]
    assert (newest["id"], newest["name"], newest["value"]) == (item["uniqueCode"], "beta", True)


def test_11_14_a_filter_limits_what_an_account_is_served(api, scenario, world):
    api.needs("createFeatureFilter", "findFeatureFilters")
    filters = f"/mr-api/portfolio/{scenario.portfolio}/feature-filter"
    status, made = api.ask("POST", filters, {"name": "mobile", "description": ""})
    assert status == 201
    scenario.feature("OPEN", "STRING")
    body = {"key": "PHONE", "name": "p", "valueType": "STRING", "featureFilter": [made["id"]]}
    api.call("POST", f"{scenario.path}/features", body)
    account = scenario.account("phones", "READ")
    key = account["permissions"][0]["sdkUrlServerEval"]
    assert until(lambda: set(world.poll(key) or ()) == {"OPEN", "PHONE"})
    sent = {**account, "permissions": None, "permsInvalid": True, "featureFilters": [made["id"]]}
    api.call("PUT", f"/mr-api/portfolio/{scenario.portfolio}/service-account", sent)
    assert until(lambda: set(world.poll(key) or ()) == {"PHONE"})
    [found] = api.call("GET", filters, filter="obil", includeDetails=True)["filters"]
    assert [one["key"] for one in found["applications"][0]["features"]] == ["PHONE"]
    assert [one["name"] for one in found["serviceAccounts"]] == ["phones"]
    shown = api.call("GET", f"{scenario.path}/features/PHONE", includeFilters=True)
    assert shown["featureFilter"] == [made["id"]]


def test_12_13_an_account_gets_an_environment_more_and_keeps_what_is_not_sent(api, scenario):
    account = scenario.account("sdk", "READ", "CHANGE_VALUE")
    [permission] = account["permissions"]
    assert sorted(permission["permissions"]) == ["CHANGE_VALUE", "READ"]
    assert permission["sdkUrlClientEval"]
    assert permission["sdkUrlServerEval"]
    other = api.call("POST", f"{scenario.path}/environment", {"name": "other", "description": ""})
    more = {"environmentId": other["id"], "permissions": ["READ"]}
    sent = {**account, "portfolioId": scenario.portfolio, "permissions": [permission, more]}
    path = f"/mr-api/service-account/{account['id']}"
    saved = api.call("PUT", path, sent, includePermissions=True)
    assert len(saved["permissions"]) == 2
    accounts = f"/mr-api/portfolio/{scenario.portfolio}/service-account"
    assert len(api.call("GET", accounts, filter="sdk")) == 1
    assert api.call("GET", accounts, filter="sd") == []
    known = {**saved, "permissions": None, "permsInvalid": True}
    api.call("PUT", accounts, known)
    assert len(api.call("GET", path, includePermissions=True)["permissions"]) == 2


def register(api: Client, email: str) -> Client:
    """Make a person, let them register and log in, as 18 has it."""
    status, made = api.ask("POST", "/mr-api/person", {"email": email, "personType": "person"})
    assert status < 205
    stranger = api.as_person("")
    details = {
        "name": email,
        "email": email,
        "password": "password123",
        "confirmPassword": "password123",
        "registrationToken": made["token"],
    }
    status, _ = stranger.ask("POST", "/mr-api/authentication", details)
    assert status < 205
    credentials = {"email": email, "password": "password123"}
    return api.as_person(stranger.call("POST", "/mr-api/login", credentials)["accessToken"])


def test_15_17_18_a_user_with_roles_sees_sdk_urls(api, scenario):
    api.needs(
        "createPerson", "registerPerson", "createGroup", "updateGroupOnPortfolioV2",
        "addPersonToGroup",
    )  # fmt: skip
    user = register(api, f"user-{scenario.portfolio}@i.com")
    person = user.call("GET", "/mr-api/person/self")["id"]["id"]
    path = f"/mr-api/portfolio/{scenario.portfolio}"
    group = api.call("POST", f"{path}/group", {"name": "users"})
    added = api.call("POST", f"/mr-api/group/{group['id']}/person/{person}", includeMembers=True)
    assert [one["id"]["id"] for one in added["members"]] == [person]
    role = {"environmentId": scenario.environment, "groupId": group["id"]}
    group = api.call("GET", f"/mr-api/group/{group['id']}", includeGroupRoles=True)
    group["environmentRoles"] = [{**role, "roles": ["READ", "EXTENDED_DATA"]}]
    api.call("PUT", f"{path}/v2/group", group, updateEnvironmentGroupRoles=True)
    scenario.account("sdk", "READ", "EXTENDED_DATA")
    [account] = user.call(
        "GET",
        f"{path}/service-account",
        includePermissions=True,
        applicationId=scenario.application,
        includeSdkUrls=True,
    )
    assert account["permissions"][0]["sdkUrlServerEval"]


def test_16_the_superuser_is_in_the_admins_of_a_portfolio_and_stays(api, scenario):
    [group] = api.call("GET", f"/mr-api/portfolio/{scenario.portfolio}/group")
    path = f"/mr-api/group/{group['id']}"
    found = api.call("GET", path, includeMembersV2=True)
    superuser = api.call("GET", "/mr-api/person/self")["id"]["id"]
    assert superuser in found["superMembers"]
    assert superuser in [one["id"] for one in found["simpleMembers"]]
    api.needs("deletePersonFromGroup")
    assert api.ask("DELETE", f"{path}/person/{superuser}")[0] == 404


def test_19_webhooks_are_set_with_a_fresh_version(api, scenario):
    api.needs("getWebhookTypes", "updateEnvironmentV2")
    first = api.call("GET", "/mr-api/webhooks")["types"][0]
    assert first["messageType"]
    path = f"/mr-api/environment/{scenario.environment}"
    known = api.call("GET", path, includeDetails=True)
    settings = {
        "webhook.features.endpoint": "https://example.org/hook",
        "webhook.features.enabled": "",
    }
    sent = {"version": known["version"], "webhookEnvironmentInfo": settings}
    saved = api.call("PUT", f"{path}/v2", sent, includeDetails=True)
    assert saved["webhookEnvironmentInfo"].items() >= settings.items()
    assert api.ask("PUT", f"{path}/v2", sent)[0] == 422


def test_20_what_an_sdk_writes_has_an_sdk_as_its_author(api, scenario, world):
    scenario.feature("TITLE", "STRING")
    account = scenario.account("sdk", "READ", "CHANGE_VALUE", "LOCK", "UNLOCK")
    key = account["permissions"][0]["sdkUrlServerEval"]
    assert until(lambda: "TITLE" in (world.poll(key) or ()))
    body = {"value": "written", "updateValue": True, "lock": False}
    assert api.ask("PUT", f"/features/{key}/TITLE", body)[0] in {200, 202}
    path = f"/mr-api/features/{scenario.environment}"
    assert until(lambda: api.call("GET", path)["featureValues"])
    [value] = api.call("GET", path)["featureValues"]
    author = api.call("GET", f"/mr-api/person/{value['whoUpdated']['id']['id']}")
    assert author["personType"] == "sdkServiceAccount"
    assert author["additional"] == [{"key": "serviceAccountId", "value": account["id"]}]
