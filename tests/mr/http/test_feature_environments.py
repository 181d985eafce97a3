from uuid import uuid4

import pytest


@pytest.fixture
def everywhere(shop) -> str:
    return f"/mr-api/application/{shop.application}/feature-environments/dark-mode"


async def test_one_feature_is_written_in_several_environments_at_once(shop, everywhere):
    test = await shop.add_environment("test")
    await shop.add_feature("dark-mode")
    listed = (await shop.api("GET", everywhere)).body
    assert [one["environment"]["name"] for one in listed] == ["production", "test"]
    assert all(len(one["roles"]) == 5 for one in listed)
    await shop.announced()

    items = [{**one["featureValue"], "locked": False} for one in listed]
    items[1]["valueBoolean"] = True
    answer = await shop.api("PUT", everywhere, items)

    assert answer.status == 200
    assert [one["featureValue"]["value"] for one in answer.body] == [False, True]
    events = await shop.announced()
    assert {event["features"][0]["environmentId"] for _, event in events} == {
        shop.production,
        test["id"],
    }


async def test_statuses_of_the_write_everywhere_differ(shop, everywhere, member):
    api, group = member
    await shop.add_environment("test")
    await shop.add_feature("dark-mode")
    [production, test] = [one["featureValue"] for one in (await shop.api("GET", everywhere)).body]
    unlocked = {**test, "locked": False}

    locked = await shop.api("PUT", everywhere, [unlocked, {**production, "valueBoolean": True}])
    assert locked.status == 400
    after = (await shop.api("GET", everywhere)).body
    assert all(one["featureValue"]["version"] == 1 for one in after)  # all or nothing

    nowhere = {key: text for key, text in unlocked.items() if key != "environmentId"}
    assert (await shop.api("PUT", everywhere, [nowhere])).status == 400
    stale = {**unlocked, "version": 7}
    assert (await shop.api("PUT", everywhere, [stale])).status == 409
    twice = [{"strategyId": str(uuid4())}] * 2
    doubled = {**unlocked, "rolloutStrategyInstances": twice}
    assert (await shop.api("PUT", everywhere, [doubled])).status == 412
    wrong = {
        **unlocked,
        "rolloutStrategies": [{"name": "split", "percentage": -1, "value": True, "attributes": []}],
    }
    assert (await shop.api("PUT", everywhere, [wrong])).status == 422

    await shop.grant(group, ["READ"], environment=shop.production)
    assert (await api("PUT", everywhere, [{**production, "locked": False}])).status == 400
    # Also where a role in the application would do for one value at a time.
    await shop.grant(group, ["FEATURE_CREATE"], application=shop.application)
    for one in (production, test):
        assert (await api("PUT", everywhere, [{**one, "locked": False}])).status == 400
    unknown = everywhere.replace("dark-mode", "unknown")
    assert (await shop.api("PUT", unknown, [])).status == 404
    assert (await shop.api("GET", unknown)).status == 404


async def test_members_see_values_only_where_they_have_a_role(shop, everywhere, member):
    api, group = member
    place = f"e_{shop.production.replace('-', '_')}"
    account = await shop.add_account(**{place: ["READ"]})
    await shop.add_environment("test")
    await shop.add_feature("dark-mode")
    assert (await api("GET", everywhere)).body == []

    await shop.grant(group, ["CHANGE_VALUE"], environment=shop.production)
    [production, test] = (await api("GET", everywhere)).body

    assert production["roles"] == ["READ", "CHANGE_VALUE"]
    assert production["featureValue"]["locked"] is True
    [listed] = production["serviceAccounts"]
    assert listed["id"] == account["id"]
    assert listed["permsInvalid"] is True
    assert "apiKeyServerSide" not in listed
    assert (test["roles"], test["serviceAccounts"]) == ([], [])
    assert "featureValue" not in test


async def test_an_environment_is_named_once(shop, everywhere):
    await shop.add_feature("dark-mode")
    [listed] = (await shop.api("GET", everywhere)).body
    one = {**listed["featureValue"], "locked": False, "valueBoolean": True}
    other = {**one, "valueBoolean": False}
    answer = await shop.api("PUT", everywhere, [one, other])
    assert (answer.status, answer.body["field"]) == (412, "environmentId")
    assert (await shop.api("GET", everywhere)).body == [listed]


async def test_all_values_are_of_the_feature_in_the_path(shop, everywhere):
    await shop.add_feature("dark-mode")
    await shop.add_feature("title")
    [listed] = (await shop.api("GET", everywhere)).body
    sent = {**listed["featureValue"], "key": "title", "locked": False}
    answer = await shop.api("PUT", everywhere, [sent])
    assert (answer.status, answer.body["field"]) == (400, "[0].key")
    assert (await shop.api("GET", everywhere)).body == [listed]


async def test_where_values_go_is_looked_at_before_their_strategies(shop, everywhere):
    await shop.add_feature("dark-mode")
    [listed] = (await shop.api("GET", everywhere)).body
    faulty = {**listed["featureValue"], "rolloutStrategies": [{"percentage": -1}]}
    elsewhere = {**listed["featureValue"], "environmentId": str(uuid4())}
    answer = await shop.api("PUT", everywhere, [faulty, elsewhere])
    assert (answer.status, answer.body["field"]) == (400, "[1].environmentId")
    nowhere = {"key": "dark-mode", "locked": False}
    answer = await shop.api("PUT", everywhere, [faulty, nowhere])
    assert (answer.status, answer.body["field"]) == (400, "[1].environmentId")
    assert (await shop.api("PUT", everywhere, [faulty])).status == 422


async def test_strangers_can_not_tell_which_keys_there_are(shop, everywhere, member, add_person):
    await shop.add_feature("dark-mode")
    [listed] = (await shop.api("GET", everywhere)).body
    unknown = everywhere.replace("dark-mode", "unknown")
    api, group = member
    for stranger in (api, await add_person("nobody@i.com")):
        for path in (everywhere, unknown):
            sent = {**listed["featureValue"], "key": path.rpartition("/")[2]}
            found = await stranger("GET", path)
            assert (found.status, found.body) == (200, [])
            nothing = await stranger("PUT", path, [])
            assert (nothing.status, nothing.body) == (200, [])
            refused = await stranger("PUT", path, [sent])
            assert (refused.status, refused.body["field"]) == (400, "[0].environmentId")

    await shop.grant(group, ["FEATURE_CREATE"], application=shop.application)
    assert (await api("GET", everywhere)).body == []
    assert (await api("GET", unknown)).status == 404
