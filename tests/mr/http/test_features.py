from uuid import uuid4

import pytest


async def test_creating_returns_all_features(shop):
    await shop.add_feature("b-text", "STRING")
    answer = await shop.api(
        "POST",
        shop.features_path,
        {"key": "a-switch", "name": "A switch", "valueType": "BOOLEAN", "secret": True},
    )
    assert [f["key"] for f in answer.body] == ["a-switch", "b-text"]
    feature = answer.body[0]
    assert feature["version"] == 1
    assert feature["secret"] is True
    assert feature["valueType"] == "BOOLEAN"
    assert "alias" not in feature


async def test_a_switch_starts_locked_and_off_everywhere(shop, sql):
    test = await shop.add_environment("test")
    await shop.add_feature("dark-mode")
    for environment in (shop.production, test["id"]):
        answer = await shop.api("GET", shop.value_path("dark-mode", environment))
        assert answer.status == 200
        assert answer.body["locked"] is True
        assert answer.body["valueBoolean"] is False
        assert answer.body["version"] == 1
    [row] = await sql("SELECT count(*), max(version) FROM feature_value_version")
    assert tuple(row) == (2, 1)


async def test_others_start_without_a_value(shop):
    for value_type in ("STRING", "NUMBER", "JSON"):
        await shop.add_feature(value_type.lower(), value_type)
        assert (await shop.api("GET", shop.value_path(value_type.lower()))).status == 404


async def test_creating_announces_it_in_each_environment(shop):
    test = await shop.add_environment("test")
    await shop.announced()
    await shop.add_feature("dark-mode")
    await shop.add_feature("title", "STRING")

    events = await shop.announced()

    assert [kind for kind, _ in events] == ["feature-values"] * 4
    changes = [event["features"][0] for _, event in events]
    assert [change["action"] for change in changes] == ["CREATE"] * 4
    assert {change["environmentId"] for change in changes[:2]} == {shop.production, test["id"]}
    assert changes[0]["feature"]["value"]["value"] is False
    assert "pId" in changes[0]["feature"]["value"]
    assert changes[2]["feature"]["feature"]["key"] == "title"
    assert "value" not in changes[2]["feature"]


async def test_creating_bumps_the_environments(shop):
    before = await shop.api("GET", f"/mr-api/environment/{shop.production}")
    await shop.add_feature("dark-mode")
    after = await shop.api("GET", f"/mr-api/environment/{shop.production}")
    assert after.body["version"] == before.body["version"] + 1


async def test_keys_are_unique(shop):
    await shop.add_feature("dark-mode")
    body = {"key": "dark-mode", "name": "Again", "valueType": "STRING"}
    answer = await shop.api("POST", shop.features_path, body)
    assert answer.status == 409
    assert answer.body["field"] == "key"
    body["key"] = "Dark-Mode"
    assert (await shop.api("POST", shop.features_path, body)).status == 200


def _batch(*keys, value_type="BOOLEAN"):
    return [{"key": key, "name": key, "valueType": value_type} for key in keys]


async def test_a_batch_answers_what_it_created_in_its_order(shop):
    await shop.add_feature("there")
    batch = [*_batch("z", "a"), *_batch("m", value_type="JSON")]
    batch[1] |= {"description": "First by key", "metaData": "{}", "secret": True}
    answer = await shop.api("POST", f"{shop.features_path}/batch?includeMetaData=true", batch)
    assert answer.status == 200
    assert [(one["key"], one["valueType"]) for one in answer.body] == [
        ("z", "BOOLEAN"),
        ("a", "BOOLEAN"),
        ("m", "JSON"),
    ]
    assert answer.body[1].items() >= {**batch[1], "version": 1}.items()
    listed = await shop.api("GET", shop.features_path)
    assert [one["key"] for one in listed.body] == ["a", "m", "there", "z"]


async def test_a_batch_announces_each_feature_in_each_environment(shop):
    test = await shop.add_environment("test")
    version = (await shop.api("GET", f"/mr-api/environment/{test['id']}")).body["version"]
    await shop.announced()
    await shop.api("POST", f"{shop.features_path}/batch", _batch("one", "two"))

    changes = [event["features"][0] for _, event in await shop.announced()]

    assert [change["action"] for change in changes] == ["CREATE"] * 4
    told = {
        (change["environmentId"], change["feature"]["feature"]["key"]): change for change in changes
    }
    both = (shop.production, test["id"])
    assert told.keys() == {(place, key) for place in both for key in ("one", "two")}
    assert all(change["feature"]["value"]["locked"] for change in changes)
    after = (await shop.api("GET", f"/mr-api/environment/{test['id']}")).body["version"]
    assert after == version + 1


@pytest.mark.parametrize(
    ("batch", "status", "field"),
    [
        (_batch("new", "there"), 409, "key"),
        (_batch("new", "new"), 412, "key"),
        (_batch("new", " "), 400, "key"),
        (_batch("new", ".."), 400, "key"),
        (_batch("new", ""), 400, "[1].key"),
        (_batch("new", "other", value_type="COLOUR"), 400, "[0].valueType"),
        (_batch(*map(str, range(1001))), 400, None),
        ({"key": "new", "name": "new", "valueType": "STRING"}, 400, None),
    ],
)
async def test_of_a_batch_that_is_refused_nothing_is_created(shop, batch, status, field):
    await shop.add_feature("there")
    await shop.announced()
    answer = await shop.api("POST", f"{shop.features_path}/batch", batch)
    assert (answer.status, answer.body.get("field")) == (status, field)
    if status == 409:
        assert "there" in answer.body["detail"]
    assert [one["key"] for one in (await shop.api("GET", shop.features_path)).body] == ["there"]
    assert await shop.announced() == []


async def test_a_batch_carries_filters_of_the_portfolio(shop):
    path = f"/mr-api/portfolio/{shop.portfolio}/feature-filter"
    filters = [
        (await shop.api("POST", path, {"name": name, "description": ""})).body["id"]
        for name in ("mobile", "web")
    ]
    batch = _batch("both", "none")
    batch[0]["featureFilter"] = [*filters, filters[0], str(uuid4())]
    await shop.api("POST", f"{shop.features_path}/batch", batch)
    both = await shop.api("GET", f"{shop.features_path}/both?includeFilters=true")
    assert sorted(both.body["featureFilter"]) == sorted(filters)
    none = await shop.api("GET", f"{shop.features_path}/none?includeFilters=true")
    assert "featureFilter" not in none.body


async def test_an_empty_batch_changes_nothing(shop):
    before = await shop.api("GET", f"/mr-api/environment/{shop.production}")
    answer = await shop.api("POST", f"{shop.features_path}/batch", [])
    assert (answer.status, answer.body) == (200, [])
    after = await shop.api("GET", f"/mr-api/environment/{shop.production}")
    assert after.body["version"] == before.body["version"]


async def test_features_are_found_by_key_and_by_identifier(shop):
    feature = await shop.add_feature("b c", metaData="{}")
    by_key = await shop.api("GET", f"{shop.features_path}/b%20c?includeMetaData=true")
    assert by_key.body["id"] == feature["id"]
    assert by_key.body["metaData"] == "{}"
    by_id = await shop.api("GET", f"{shop.features_path}/{feature['id']}")
    assert by_id.body["key"] == "b c"
    assert "metaData" not in by_id.body
    assert (await shop.api("GET", f"{shop.features_path}/unknown")).status == 404


async def test_no_feature_gets_its_identifier_for_a_key(shop):
    feature = await shop.add_feature("dark-mode")
    sent = {**feature, "key": feature["id"], "name": "Light"}
    assert (await shop.api("PUT", shop.features_path, sent)).status == 404
    assert (await shop.api("PUT", f"{shop.features_path}/{feature['id']}", sent)).status == 404
    by_id = {**feature, "name": "Light"}
    answer = await shop.api("PUT", f"{shop.features_path}/{feature['id']}", by_id)
    assert [(one["key"], one["name"]) for one in answer.body] == [("dark-mode", "Light")]


async def test_updating_announces_once_in_each_environment(shop):
    feature = await shop.add_feature("dark-mode", link="http://x", description="d")
    await shop.announced()

    answer = await shop.api(
        "PUT",
        f"{shop.features_path}/dark-mode",
        {**feature, "key": "light-mode", "name": "Light"},
    )

    assert answer.status == 200
    [changed] = answer.body
    assert (changed["key"], changed["name"], changed["version"]) == ("light-mode", "Light", 2)
    assert (changed["link"], changed["description"]) == ("http://x", "d")
    [(_, event)] = await shop.announced()
    [change] = event["features"]
    assert change["action"] == "UPDATE"
    assert change["feature"]["feature"]["key"] == "light-mode"
    assert change["feature"]["feature"]["version"] == 2
    assert change["feature"]["value"]["version"] == 1


async def test_an_update_that_changes_nothing_says_nothing(shop):
    feature = await shop.add_feature("dark-mode", alias="dm")
    await shop.announced()
    answer = await shop.api("PUT", f"{shop.features_path}/dark-mode", feature)
    assert answer.body[0]["version"] == 1
    assert await shop.announced() == []


async def test_an_absent_alias_is_cleared_and_an_absent_link_is_kept(shop):
    await shop.add_feature("dark-mode", alias="dm", link="http://x")
    body = {"key": "dark-mode", "name": "N", "version": 1}
    answer = await shop.api("PUT", shop.features_path, body)
    assert answer.status == 200
    assert "alias" not in answer.body[0]
    assert answer.body[0]["link"] == "http://x"


@pytest.mark.parametrize("version", [None, 2])
async def test_updates_need_the_newest_version(shop, version):
    feature = await shop.add_feature("dark-mode")
    body = {**feature, "name": "Other", "version": version}
    assert (await shop.api("PUT", f"{shop.features_path}/dark-mode", body)).status == 422


async def test_a_new_key_must_be_free(shop):
    await shop.add_feature("taken")
    feature = await shop.add_feature("dark-mode")
    body = {**feature, "key": "taken"}
    assert (await shop.api("PUT", f"{shop.features_path}/dark-mode", body)).status == 409


async def test_no_feature_gets_a_step_in_a_path_for_a_key(shop):
    feature = await shop.add_feature("dark-mode")
    for step in (".", ".."):
        renamed = {**feature, "key": step}
        answer = await shop.api("PUT", f"{shop.features_path}/dark-mode", renamed)
        assert (answer.status, answer.body["field"]) == (400, "key")
    for near in ("...", "a/..", "%2e%2e"):
        await shop.add_feature(near)


async def test_a_feature_with_values_keeps_its_type(shop):
    feature = await shop.add_feature("dark-mode")
    answer = await shop.api(
        "PUT", f"{shop.features_path}/dark-mode", {**feature, "valueType": "STRING"}
    )
    assert (answer.status, answer.body["field"]) == (400, "valueType")


async def test_a_feature_that_becomes_a_switch_is_off_everywhere(shop):
    feature = await shop.add_feature("title", "STRING")
    answer = await shop.api(
        "PUT", f"{shop.features_path}/title", {**feature, "valueType": "BOOLEAN"}
    )
    assert answer.status == 200
    value = await shop.api("GET", shop.value_path("title"))
    assert (value.body["valueBoolean"], value.body["locked"]) == (False, True)


async def test_deleting_announces_the_old_key_and_frees_it(shop):
    await shop.add_feature("dark-mode")
    await shop.add_feature("other")
    await shop.announced()

    answer = await shop.api("DELETE", f"{shop.features_path}/dark-mode")

    assert [f["key"] for f in answer.body] == ["other"]
    [(_, event)] = await shop.announced()
    [change] = event["features"]
    assert change["action"] == "DELETE"
    assert change["feature"]["feature"]["key"] == "dark-mode"
    assert "value" not in change["feature"]
    assert (await shop.api("DELETE", f"{shop.features_path}/dark-mode")).status == 404
    assert (await shop.api("GET", shop.value_path("dark-mode"))).status == 404
    again = await shop.add_feature("dark-mode", "STRING")
    deleted = await shop.api("DELETE", f"{shop.features_path}/{again['id']}")
    assert deleted.status == 200


async def test_a_key_of_any_length_can_be_deleted_again_and_again(shop):
    for _ in range(3):
        await shop.add_feature("k" * 255)
        assert (await shop.api("DELETE", f"{shop.features_path}/{'k' * 255}")).status == 200


async def test_what_members_may_do_depends_on_their_application_roles(shop, member):
    api, group = member
    body = {"key": "new", "name": "New", "valueType": "STRING"}
    assert (await api("GET", shop.features_path)).status == 403
    assert (await api("POST", shop.features_path, body)).status == 403

    await shop.grant(group, ["FEATURE_CREATE"], application=shop.application)
    assert (await api("GET", shop.features_path)).status == 200
    [created] = (await api("POST", shop.features_path, body)).body
    assert (await api("PUT", f"{shop.features_path}/new", created)).status == 403
    assert (await api("DELETE", f"{shop.features_path}/new")).status == 403

    await shop.sql("UPDATE acl SET roles = '{FEATURE_EDIT_AND_DELETE}' WHERE group_id = $1", group)
    changed = {**created, "name": "Newer"}
    assert (await api("PUT", f"{shop.features_path}/new", changed)).status == 200
    assert (await api("DELETE", f"{shop.features_path}/new")).status == 200


async def test_an_unknown_application_is_not_found(shop):
    path = f"/mr-api/application/{uuid4()}/features"
    assert (await shop.api("GET", path)).status == 404
    body = {"key": "new", "name": "New", "valueType": "STRING"}
    assert (await shop.api("POST", path, body)).status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "n", "valueType": "STRING"}, "key"),
        ({"key": "k", "valueType": "STRING"}, "name"),
        ({"key": "k", "name": "n"}, "valueType"),
        ({"key": "k", "name": "n", "valueType": "COLOUR"}, "valueType"),
        ({"key": "k" * 256, "name": "n", "valueType": "STRING"}, "key"),
        ({"key": "k", "name": "n" * 256, "valueType": "STRING"}, "name"),
        ({"key": " ", "name": "n", "valueType": "STRING"}, "key"),
        ({"key": ".", "name": "n", "valueType": "STRING"}, "key"),
        ({"key": "..", "name": "n", "valueType": "STRING"}, "key"),
        ({"key": "k", "name": " ", "valueType": "STRING"}, "name"),
        ({"key": "k", "name": "n", "valueType": "STRING", "link": "l" * 601}, "link"),
        ({"key": "k", "name": "n", "valueType": "STRING", "metaData": "\0"}, "metaData"),
    ],
)
async def test_bad_members_are_named(shop, body, field):
    answer = await shop.api("POST", shop.features_path, body)
    assert (answer.status, answer.body["field"]) == (400, field)


async def test_explicit_nulls_count_as_absent(shop):
    body = {
        "key": "k",
        "name": "n",
        "valueType": "STRING",
        "alias": None,
        "link": None,
        "secret": None,
        "description": None,
        "metaData": None,
        "featureFilter": None,
        "unknown": {"x": 1},
    }
    assert (await shop.api("POST", shop.features_path, body)).status == 200
