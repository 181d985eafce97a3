from uuid import uuid4

import pytest


@pytest.fixture
def path(shop) -> str:
    return f"/mr-api/portfolio/{shop.portfolio}/feature-filter"


@pytest.fixture
def add(shop, path):
    async def create(name: str, description: str | None = None) -> dict:
        answer = await shop.api("POST", path, {"name": name, "description": description})
        assert answer.status == 201, answer
        return answer.body

    return create


@pytest.fixture
def add_account(shop):
    async def create(name: str, *filters: dict) -> dict:
        body = {
            "name": name,
            "featureFilter": [one["id"] for one in filters],
            "permissions": [{"environmentId": shop.production, "permissions": ["READ"]}],
        }
        answer = await shop.api("POST", f"/mr-api/portfolio/{shop.portfolio}/service-account", body)
        assert answer.status == 200, answer
        return answer.body

    return create


async def test_one_is_created_read_renamed_and_never_announced(shop, path, add):
    await shop.announced()
    made = await add("mobile", "For phones")
    assert made["version"] == 1
    assert made["whoCreated"]["name"] == "Superuser"
    assert (await shop.api("GET", f"{path}/{made['id']}")).body == made
    changed = await shop.api("PUT", path, {**made, "name": "Mobile"})
    assert changed.body == {**made, "name": "Mobile", "version": 2}
    assert (await shop.api("PUT", path, changed.body)).body["version"] == 2
    assert (await shop.api("PUT", path, made)).status == 409
    assert await shop.announced() == []


async def test_names_are_unique_in_a_portfolio_with_their_case(shop, path, add):
    made = await add("mobile")
    await add("Mobile")
    assert (await shop.api("POST", path, {"name": "mobile"})).status == 409
    assert (await shop.api("PUT", path, {**made, "name": "Mobile"})).status == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "n" * 61}, "name"),
        ({}, "name"),
        ({"name": "n", "description": "d" * 301}, "description"),
    ],
)
async def test_bad_members_are_named(shop, path, body, field):
    answer = await shop.api("POST", path, body)
    assert (answer.status, answer.body["field"]) == (400, field)


async def test_the_list_is_filtered_sorted_and_paged(shop, path, add):
    for name in ("beta", "Alpha", "gamma"):
        await add(name)

    async def names(query: str) -> list[str]:
        answer = await shop.api("GET", f"{path}?{query}")
        return [one["name"] for one in answer.body["filters"]]

    assert await names("") == ["Alpha", "beta", "gamma"]
    assert await names("sortOrder=DESC&max=2") == ["gamma", "beta"]
    assert await names("filter=MA") == ["gamma"]
    assert await names("max=2&page=1") == ["gamma"]
    answer = await shop.api("GET", f"{path}?max=1000&page=-1")
    assert answer.body["pagination"] == {"total": 3, "page": 0, "pageSize": 100}
    assert set(answer.body["filters"][0]) == {"id", "name", "version"}


async def test_details_tell_who_carries_a_filter(shop, path, add, add_account):
    phones, _ = await add("phones"), await add("unused")
    feature = await shop.add_feature("title", "STRING", featureFilter=[phones["id"]])
    await shop.add_feature("gone", featureFilter=[phones["id"]])
    await shop.api("DELETE", f"{shop.features_path}/gone")
    account = await add_account("app", phones)
    former = await add_account("former", phones)
    await shop.api("DELETE", f"/mr-api/service-account/{former['id']}")
    answer = await shop.api("GET", f"{path}?includeDetails=true")
    carried, unused = answer.body["filters"]
    assert carried["applications"] == [
        {
            "id": shop.application,
            "name": "Shop",
            "features": [{"id": feature["id"], "key": "title"}],
        }
    ]
    assert carried["serviceAccounts"] == [{"id": account["id"], "name": "app"}]
    assert carried["whoCreated"]["type"] == "person"
    assert (unused["applications"], unused["serviceAccounts"]) == ([], [])


async def _filters_of(shop, key: str) -> list[str] | None:
    answer = await shop.api("GET", f"{shop.features_path}/{key}?includeFilters=true")
    return answer.body.get("featureFilter")


async def test_features_are_created_with_filters_and_announced_with_them(shop, add):
    one, other = await add("one"), await add("other")
    await shop.announced()
    wanted = sorted([one["id"], other["id"]])
    await shop.add_feature("title", "STRING", featureFilter=[*wanted, str(uuid4()), wanted[0]])
    assert sorted(await _filters_of(shop, "title")) == wanted
    plain = await shop.api("GET", f"{shop.features_path}/title")
    assert "featureFilter" not in plain.body
    [(_, event)] = await shop.announced()
    assert sorted(event["features"][0]["feature"]["feature"]["filters"]) == wanted


async def test_an_update_replaces_clears_or_leaves_the_filters(shop, add):
    one, other = await add("one"), await add("other")
    feature = await shop.add_feature("title", "STRING", featureFilter=[one["id"]])
    await shop.announced()

    async def update(**more) -> list:
        answer = await shop.api("PUT", f"{shop.features_path}/title", {**feature, **more})
        assert answer.status == 200, answer
        feature["version"] = answer.body[0]["version"]
        return await shop.announced()

    assert await update(featureFilter=[one["id"]]) == []
    [(_, event)] = await update(featureFilter=[other["id"]])
    published = event["features"][0]["feature"]["feature"]
    assert (published["filters"], published["version"]) == ([other["id"]], 2)
    assert len(await update(name="New name")) == 1
    assert await _filters_of(shop, "title") == [other["id"]]
    [(_, event)] = await update(featureFilter=[])
    assert "filters" not in event["features"][0]["feature"]["feature"]
    assert await _filters_of(shop, "title") is None


async def test_filters_of_other_portfolios_are_ignored(shop, path, add, add_account):
    other = await shop.api("POST", "/mr-api/portfolio", {"name": "Other", "description": ""})
    foreign_path = f"/mr-api/portfolio/{other.body['id']}/feature-filter"
    foreign = (await shop.api("POST", foreign_path, {"name": "foreign"})).body
    feature = await shop.add_feature("title", "STRING", featureFilter=[foreign["id"]])
    assert await _filters_of(shop, "title") is None
    await shop.api(
        "PUT", f"{shop.features_path}/title", {**feature, "featureFilter": [foreign["id"]]}
    )
    assert await _filters_of(shop, "title") is None
    mine = await add("mine")
    account = await add_account("app", foreign, mine)
    assert account["featureFilters"] == [mine["id"]]
    changed = await shop.api(
        "PUT",
        f"/mr-api/portfolio/{shop.portfolio}/service-account",
        {**account, "featureFilters": [foreign["id"], mine["id"]]},
    )
    assert changed.body["featureFilters"] == [mine["id"]]
    for method, to, body in (
        ("GET", f"{path}/{foreign['id']}", None),
        ("PUT", path, foreign),
        ("DELETE", f"{path}/{foreign['id']}?version=1", None),
        ("GET", f"{foreign_path}/{mine['id']}", None),
    ):
        assert (await shop.api(method, to, body)).status == 404


async def test_accounts_carry_filters_and_are_announced_with_them(shop, add, add_account):
    one, other = await add("one"), await add("other")
    await shop.announced()
    account = await add_account("app", one)
    assert account["featureFilters"] == [one["id"]]
    (_, event), _ = await shop.announced()
    assert event["serviceAccount"]["filters"] == [one["id"]]
    path = f"/mr-api/service-account/{account['id']}"
    assert "featureFilters" not in (await shop.api("GET", path)).body
    assert (await shop.api("GET", f"{path}?includeFilters=true")).body["featureFilters"] == [
        one["id"]
    ]

    changed = await shop.api(
        "PUT",
        f"/mr-api/portfolio/{shop.portfolio}/service-account?includePermissions=true",
        {**account, "permsInvalid": True, "permissions": [], "featureFilters": [other["id"]]},
    )

    assert changed.body["featureFilters"] == [other["id"]]
    assert changed.body["version"] == 2
    assert len(changed.body["permissions"]) == 1
    [(kind, event)] = await shop.announced()
    assert kind == "service-account"
    assert event["serviceAccount"]["filters"] == [other["id"]]
    assert event["serviceAccount"]["version"] == 2
    kept = await shop.api(
        "PUT",
        f"/mr-api/portfolio/{shop.portfolio}/service-account",
        {"id": account["id"], "name": "renamed", "version": 2, "permsInvalid": True},
    )
    assert kept.body["featureFilters"] == [other["id"]]
    cleared = await shop.api(
        "PUT",
        f"/mr-api/portfolio/{shop.portfolio}/service-account",
        {**kept.body, "featureFilters": []},
    )
    assert (cleared.body["featureFilters"], cleared.body["version"]) == ([], 4)
    (_, event), *_ = (await shop.announced())[-1:]
    assert "filters" not in event["serviceAccount"]


async def test_deletion_takes_a_filter_from_all_and_announces_them(shop, path, add, add_account):
    gone, kept = await add("gone"), await add("kept")
    await shop.add_environment("test")
    await shop.add_feature("title", "STRING", featureFilter=[gone["id"], kept["id"]])
    await shop.add_feature("old", "STRING", featureFilter=[gone["id"]])
    await shop.api("DELETE", f"{shop.features_path}/old")
    account = await add_account("app", gone, kept)
    former = await add_account("former", gone)
    await shop.api("DELETE", f"/mr-api/service-account/{former['id']}")
    await shop.announced()
    assert (await shop.api("DELETE", f"{path}/{gone['id']}?version=2")).status == 409
    assert (await shop.api("DELETE", f"{path}/{gone['id']}")).body["field"] == "version"
    assert await shop.announced() == []

    answer = await shop.api("DELETE", f"{path}/{gone['id']}?version=1")

    assert (answer.status, answer.body) == (200, gone)
    *features, (kind, event) = await shop.announced()
    assert len(features) == 2
    for _, announced in features:
        feature = announced["features"][0]["feature"]["feature"]
        assert (feature["key"], feature["filters"], feature["version"]) == (
            "title",
            [kept["id"]],
            2,
        )
    assert kind == "service-account"
    assert (event["serviceAccount"]["id"], event["serviceAccount"]["filters"]) == (
        account["id"],
        [kept["id"]],
    )
    assert event["serviceAccount"]["version"] == 2
    assert (await shop.api("DELETE", f"{path}/{gone['id']}?version=1")).status == 404


async def test_an_account_is_never_opened_to_everything_by_deletion(shop, path, add, add_account):
    only = await add("only")
    await add_account("confined", only)
    await shop.announced()
    answer = await shop.api("DELETE", f"{path}/{only['id']}?version=1")
    assert answer.status == 409
    assert "confined" in answer.body["detail"]
    assert await shop.announced() == []
    assert (await shop.api("GET", f"{path}/{only['id']}")).status == 200


async def test_matching_tells_which_of_the_filters_are_carried(shop, path, add, add_account):
    one, other, unused = await add("one"), await add("other"), await add("unused")
    await shop.add_feature("title", "STRING", featureFilter=[one["id"]])
    await shop.add_feature("colour", "STRING", featureFilter=[one["id"], other["id"]])
    account = await add_account("app", other)
    query = "&".join(f"filters={each['id']}" for each in (one, other, unused))
    found = await shop.api("GET", f"{path}/matching/applications?{query}")
    assert found.body["matchingResults"] == [
        {
            "id": shop.application,
            "name": "Shop",
            "description": "Sells things",
            "matchingFilters": [
                {"id": one["id"], "name": "one"},
                {"id": other["id"], "name": "other"},
            ],
        }
    ]
    found = await shop.api("GET", f"{path}/matching/serviceaccounts?{query}")
    assert found.body["matchingResults"] == [
        {
            "id": account["id"],
            "name": "app",
            "description": "",
            "matchingFilters": [{"id": other["id"], "name": "other"}],
        }
    ]
    elsewhere = await shop.api("POST", "/mr-api/portfolio", {"name": "Other", "description": ""})
    foreign = f"/mr-api/portfolio/{elsewhere.body['id']}/feature-filter/matching/applications"
    assert (await shop.api("GET", f"{foreign}?{query}")).body == {"matchingResults": []}
    for kind in ("applications", "serviceaccounts"):
        none = await shop.api("GET", f"{path}/matching/{kind}")
        assert (none.status, none.body) == (200, {"matchingResults": []})
    assert (await shop.api("GET", f"{path}/matching/features?{query}")).status == 404


async def _statuses(api, path: str, made: dict) -> dict[str, int]:
    match = f"filters={made['id']}"
    return {
        "find": (await api("GET", path)).status,
        "get": (await api("GET", f"{path}/{made['id']}")).status,
        "applications": (await api("GET", f"{path}/matching/applications?{match}")).status,
        "accounts": (await api("GET", f"{path}/matching/serviceaccounts?{match}")).status,
        "create": (await api("POST", path, {"name": "new"})).status,
        "update": (await api("PUT", path, {**made, "name": "other"})).status,
        "delete": (await api("DELETE", f"{path}/{made['id']}?version=2")).status,
    }


_NOTHING = dict.fromkeys(
    ("find", "get", "applications", "accounts", "create", "update", "delete"), 403
)
_READING = {**_NOTHING, "find": 200, "get": 200, "applications": 200}


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (None, _NOTHING),
        (["APP_STRATEGY_CREATE"], _READING),
        (["FEATURE_EDIT_AND_DELETE"], {**_READING, "create": 201, "update": 200, "delete": 200}),
    ],
)
async def test_readers_and_writers_by_their_application_roles(
    shop, path, add, member, roles, expected
):
    api, group = member
    made = await add("mobile")
    if roles is not None:
        await shop.grant(group, roles, application=shop.application)
    assert await _statuses(api, path, made) == expected


async def test_a_role_in_an_environment_is_none_for_filters(shop, path, add, member):
    api, group = member
    made = await add("mobile")
    await shop.grant(group, ["CHANGE_VALUE"], environment=shop.production)
    assert await _statuses(api, path, made) == _NOTHING


async def test_members_see_only_features_that_they_may_read(shop, path, add, member):
    api, group = member
    made = await add("mobile")
    await shop.add_feature("title", "STRING", featureFilter=[made["id"]])
    hidden = await shop.api(
        "POST",
        f"/mr-api/portfolio/{shop.portfolio}/application",
        {"name": "Hidden", "description": ""},
    )
    await shop.api(
        "POST",
        f"/mr-api/application/{hidden.body['id']}/features",
        {
            "key": "secret",
            "name": "s",
            "valueType": "STRING",
            "featureFilter": [made["id"]],
        },
    )
    await shop.grant(group, [], application=shop.application)
    [found] = (await api("GET", f"{path}?includeDetails=true")).body["filters"]
    assert [one["name"] for one in found["applications"]] == ["Shop"]
    matching = f"{path}/matching/applications?filters={made['id']}"
    assert len((await api("GET", matching)).body["matchingResults"]) == 1
    assert len((await shop.api("GET", matching)).body["matchingResults"]) == 2


async def test_an_unknown_portfolio_is_404_for_superusers_and_403_for_others(shop, member):
    api, _ = member
    path = f"/mr-api/portfolio/{uuid4()}/feature-filter"
    assert (await shop.api("GET", path)).status == 404
    assert (await shop.api("POST", path, {"name": "x"})).status == 404
    assert (await api("GET", path)).status == 403
