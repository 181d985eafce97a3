"""Who may do what with feature groups."""

import pytest


async def _statuses(shop, api, path: str, group: dict, environment: str) -> dict[str, int]:
    body = {"name": "n", "environmentId": environment, "features": []}
    return {
        "list": (await api("GET", path)).status,
        "get": (await api("GET", f"{path}/{group['id']}")).status,
        "features": (await api("GET", f"{path}/environment/{environment}")).status,
        "create": (await api("POST", path, body)).status,
        "update": (await api("PUT", path, {"id": group["id"], "version": 1, "name": "x"})).status,
        "delete": (await api("DELETE", f"{path}/{group['id']}")).status,
    }


_NOTHING = dict.fromkeys(("list", "get", "features", "create", "update", "delete"), 403)
_READING = {**_NOTHING, "list": 200, "get": 200, "features": 200}


@pytest.mark.parametrize(
    ("roles", "where", "expected"),
    [
        ([], None, _NOTHING),
        (["READ", "LOCK", "UNLOCK"], "environment", _READING),
        (["FEATURE_EDIT_AND_DELETE", "FEATURE_CREATE"], "application", _READING),
        (
            ["CHANGE_VALUE"],
            "environment",
            {**_READING, "create": 201, "update": 200, "delete": 204},
        ),
    ],
)
async def test_readers_read_and_who_changes_values_writes(
    shop, group_path, add_group, member, roles, where, expected
):
    api, group = member
    made = await add_group("beta", title="x")
    if where is not None:
        place = {"environment": shop.production, "application": shop.application}[where]
        await shop.grant(group, roles, **{where: place})
    assert await _statuses(shop, api, group_path, made, shop.production) == expected


async def test_a_role_in_one_environment_shows_no_groups_of_others(
    shop, group_path, add_group, member
):
    api, group = member
    await add_group("hidden", title="x")
    test = await shop.add_environment("test")
    await shop.grant(group, ["CHANGE_VALUE"], environment=test["id"])
    assert (await api("GET", group_path)).body["count"] == 0
    body = {"name": "n", "environmentId": shop.production, "features": []}
    assert (await api("POST", group_path, body)).status == 403
    assert (await api("POST", group_path, {**body, "environmentId": test["id"]})).status == 201
    listed = (await api("GET", group_path)).body
    assert [one["environmentName"] for one in listed["featureGroups"]] == ["test"]


async def test_values_and_locks_of_an_environment_are_for_those_who_may_read_there(
    shop, group_path, add_group, member
):
    api, people = member
    group = await add_group("hidden", title="secret")
    test = await shop.add_environment("test")
    asked = (f"{group_path}/{group['id']}", f"{group_path}/environment/{shop.production}")
    await shop.grant(people, ["CHANGE_VALUE"], environment=test["id"])
    for path in asked:
        assert (await api("GET", path)).status == 404
    assert (await api("GET", f"{group_path}/environment/{test['id']}")).status == 200
    await shop.grant(people, ["READ"], environment=shop.production)
    for path in asked:
        assert (await api("GET", path)).body == (await shop.api("GET", path)).body
