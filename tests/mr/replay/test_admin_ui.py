"""What the admin UI sends and relies on: appendix C.2 by its numbers."""

STALE = 1


def test_4_all_values_are_written_everywhere_at_once(api, scenario):
    scenario.feature("FLAG", "BOOLEAN")
    path = f"{scenario.path}/feature-environments/FLAG"
    [known] = api.call("GET", path)
    value = {**known["featureValue"], "environmentId": scenario.environment}
    assert api.ask("PUT", path, [{**value, "valueBoolean": True}])[0] == 400, "it is locked"
    [saved] = api.call("PUT", path, [{**value, "locked": False, "valueBoolean": True}])
    assert saved["featureValue"]["valueBoolean"] is True
    stale = {**value, "version": 7}
    assert api.ask("PUT", path, [stale])[0] == 409
    instance = {"strategyId": scenario.environment, "value": True}
    twice = {**saved["featureValue"], "rolloutStrategyInstances": [instance, instance]}
    assert api.ask("PUT", path, [twice])[0] == 412
    strategy = {"name": "", "percentage": -1, "value": True, "attributes": []}
    status, faults = api.ask(
        "PUT", path, [{**saved["featureValue"], "rolloutStrategies": [strategy]}]
    )
    assert status == 422
    violations = faults["customStategyViolations"][0]["violations"]
    assert "negative_percentage" in {one["violation"] for one in violations}


def test_5_an_environment_is_saved_with_a_stale_version_and_keeps_its_place(api, scenario):
    api.needs("updateEnvironmentOnApplication")
    path = f"{scenario.path}/environment"
    made = api.call("POST", path, {"name": "second", "description": ""})
    assert made["priorEnvironmentId"] == scenario.environment
    sent = {"id": made["id"], "version": STALE - 1, "name": "renamed"}
    saved = api.call("PUT", path, sent)
    assert saved["name"] == "renamed"
    found = {one["id"]: one for one in api.call("GET", path)}
    assert found[made["id"]]["priorEnvironmentId"] == scenario.environment


def test_6_strategies_are_validated_before_they_are_saved(api, scenario):
    api.needs("validate")
    faulty = {"id": "x", "name": "", "percentage": 20, "value": True, "attributes": []}
    answer = api.call(
        "POST",
        f"{scenario.path}/rollout-strategy-validation",
        {"customStrategies": [faulty], "sharedStrategies": []},
    )
    [found] = answer["customStategyViolations"]
    assert "no_name" in [one["violation"] for one in found["violations"]]


def test_7_the_dashboard_and_which_environments_it_hides(api, scenario):
    api.needs(
        "findAllFeatureAndFeatureValuesForEnvironmentsByApplication",
        "getHiddenEnvironments",
        "saveHiddenEnvironments",
    )
    scenario.feature("FLAG", "BOOLEAN")
    shown = api.call(
        "GET",
        f"{scenario.path}/all-feature-environment",
        environmentIds=[scenario.environment],
        max=20,
        page=0,
        featureTypes=["BOOLEAN"],
        sortOrder="ASC",
    )
    assert shown["maxFeatures"] == 1
    [environment] = shown["environments"]
    assert [one["key"] for one in environment["features"]] == ["FLAG"]
    path = f"/mr-api/user-data/state/{scenario.application}/hidden-environments"
    assert api.call("GET", path) == {"environmentIds": [], "noneSelected": False}
    hidden = {"environmentIds": [scenario.environment], "noneSelected": False}
    assert api.call("POST", path, hidden) == hidden
    assert api.call("GET", path) == hidden


def test_8_a_bad_login_is_not_found(api):
    sent = {"email": "nobody@i.com", "password": "wrong"}
    assert api.as_person("").ask("POST", "/mr-api/login", sent)[0] == 404


async def test_3_before_the_set_up_it_is_told_what_there_is(stranger):
    answer = await stranger("GET", "/mr-api/initialize")
    assert answer.status == 404
    assert answer.body.keys() == {"providers", "capabilityInfo", "providerInfo"}
