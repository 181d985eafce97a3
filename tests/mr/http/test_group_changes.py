import pytest
import trio

from tests.mr.http.people import (
    NOBODY,
    add_portfolio,
    admin_group,
    groups_of,
    identifier,
    superusers_group,
)


@pytest.fixture
async def paula(shop, add_person):
    """An admin of the shop's portfolio."""
    return await add_person("paula@i.com", (await admin_group(shop.api),))


def create(api, portfolio, **body):
    return api("POST", f"/mr-api/portfolio/{portfolio}/group", {"name": "devs"} | body)


async def created(shop, **body):
    answer = await create(shop.api, shop.portfolio, **body)
    assert answer.status == 200, answer
    return answer.body


def update(api, portfolio, group, query="", *, version="v2/group"):
    return api("PUT", f"/mr-api/portfolio/{portfolio}/{version}?{query}", group)


def update_v1(api, portfolio, group, query=""):
    return update(api, portfolio, group, query, version="group")


async def roles(shop, group):
    """Return what a group may do: by application, and by environment."""
    body = (await shop.api("GET", f"/mr-api/group/{group}?includeGroupRoles=true")).body
    return (
        {each["applicationId"]: each["roles"] for each in body["applicationRoles"]},
        {each["environmentId"]: each["roles"] for each in body["environmentRoles"]},
    )


async def add_application(shop, portfolio=None, name="Second"):
    answer = await shop.api(
        "POST",
        f"/mr-api/portfolio/{portfolio or shop.portfolio}/application?includeEnvironments=true",
        {"name": name, "description": ""},
    )
    assert answer.status == 200, answer
    return answer.body["id"], answer.body["environments"][0]["id"]


async def test_a_new_group_has_the_roles_named_in_its_own_portfolio(shop):
    portfolio, _ = await add_portfolio(shop.api, "Second")
    foreign, _ = await add_application(shop, portfolio)
    given = [
        {"applicationId": shop.application, "groupId": NOBODY, "roles": ["FEATURE_CREATE"]},
        {"applicationId": foreign, "groupId": NOBODY, "roles": ["FEATURE_CREATE"]},
        {"applicationId": NOBODY, "groupId": NOBODY, "roles": ["FEATURE_CREATE"]},
    ]
    group = await created(shop, applicationRoles=given)
    assert (group["name"], group["admin"], group["version"]) == ("devs", False, 1)
    assert group["portfolioId"] == shop.portfolio
    assert await roles(shop, group["id"]) == ({shop.application: ["FEATURE_CREATE"]}, {})


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": ""}, 400, "name"),
        ({"name": "  "}, 400, "name"),
        ({"name": None}, 400, "name"),
        ({"name": "x" * 256}, 400, "name"),
        ({"name": "First Portfolio Administrators"}, 409, "name"),
        ({"admin": True}, 404, None),
        ({"applicationRoles": [{"roles": []}]}, 400, "applicationRoles[0].applicationId"),
        (
            {"applicationRoles": [{"applicationId": NOBODY, "roles": ["KING"]}]},
            400,
            "applicationRoles[0].roles[0]",
        ),
    ],
)
async def test_what_is_no_group(shop, body, status, field):
    answer = await create(shop.api, shop.portfolio, **body)
    assert (answer.status, answer.body.get("field")) == (status, field)


async def test_a_portfolio_without_admins_gets_a_group_of_them_with_all_superusers(shop, sql):
    old = await admin_group(shop.api)
    await sql("UPDATE person_group SET when_archived = now(), name = 'old' WHERE id = $1", old)
    group = await created(shop, admin=True)
    path = f"/mr-api/group/{group['id']}?includeMembersV2=true"
    [member] = (await shop.api("GET", path)).body["simpleMembers"]
    assert member["email"] == "irina@i.com"


async def test_who_creates_and_deletes_groups(shop, paula, add_person):
    _, foreign_admins = await add_portfolio(shop.api, "Second")
    group = await created(shop, name="crew")
    dev = await add_person("dev@i.com", (group["id"],))
    eve = await add_person("eve@i.com", (foreign_admins,))
    assert (await create(dev, shop.portfolio)).status == 403
    assert (await create(eve, shop.portfolio)).status == 403
    assert (await create(eve, NOBODY)).status == 403
    assert (await create(shop.api, NOBODY)).status == 404
    assert (await create(paula, shop.portfolio)).status == 200
    path = f"/mr-api/group/{group['id']}"
    assert (await dev("DELETE", path)).status == 403
    assert (await eve("DELETE", path)).status == 403
    answer = await paula("DELETE", path)
    assert (answer.status, answer.body) == (200, True)
    assert (await paula("DELETE", path)).status == 404
    assert (await shop.api("DELETE", f"/mr-api/group/{foreign_admins}")).status == 403
    superusers = await superusers_group(shop.api)
    assert (await shop.api("DELETE", f"/mr-api/group/{superusers}")).status == 403


async def test_an_archived_group_gives_nothing_and_its_name_is_free(shop, add_person):
    group = await created(shop)
    await shop.grant(group["id"], ["READ"], environment=shop.production)
    dev = await add_person("dev@i.com", (group["id"],))
    path = f"/mr-api/application/{shop.application}"
    assert (await dev("GET", path)).status == 200
    await shop.api("DELETE", f"/mr-api/group/{group['id']}")
    assert (await dev("GET", path)).status == 403
    assert (await created(shop))["id"] != group["id"]


async def test_a_group_is_renamed(shop):
    group = await created(shop)
    answer = await update(shop.api, shop.portfolio, group | {"name": " crew "})
    assert answer.status == 200
    assert (answer.body["name"], answer.body["version"]) == ("crew", 2)
    assert (await update(shop.api, shop.portfolio, group)).status == 422
    unseen = await update(shop.api, shop.portfolio, {"id": group["id"]})
    detail = "Send the version that you read. The group is there already."
    assert (unseen.status, unseen.body["detail"]) == (422, detail)
    blank = await update(shop.api, shop.portfolio, {"id": group["id"], "version": 2, "name": ""})
    assert (blank.status, blank.body["name"], blank.body["version"]) == (200, "crew", 2)
    taken = {"id": group["id"], "version": 2, "name": "First Portfolio Administrators"}
    assert (await update(shop.api, shop.portfolio, taken)).status == 409
    same = await update_v1(shop.api, shop.portfolio, taken | {"name": "crew"})
    assert (same.status, same.body["version"]) == (200, 2)
    assert (await update_v1(shop.api, shop.portfolio, taken | {"name": ""})).status == 400


async def test_a_group_is_changed_below_its_own_portfolio(shop, paula, add_person):
    portfolio, foreign_admins = await add_portfolio(shop.api, "Second")
    group = await created(shop)
    eve = await add_person("eve@i.com", (foreign_admins,))
    dev = await add_person("dev@i.com", (group["id"],))
    assert (await update(shop.api, portfolio, group)).status == 404
    assert (await update(eve, portfolio, group)).status == 404
    assert (await update(eve, shop.portfolio, group)).status == 404
    assert (await update(dev, shop.portfolio, group)).status == 403
    assert (await update(paula, shop.portfolio, group)).status == 200
    assert (await update(shop.api, shop.portfolio, group | {"id": NOBODY})).status == 404


async def test_application_roles_are_replaced_as_a_whole(shop):
    second, _ = await add_application(shop)
    group = await created(
        shop, applicationRoles=[{"applicationId": second, "roles": ["FEATURE_CREATE"]}]
    )
    sent = group | {
        "applicationRoles": [
            {"applicationId": shop.application, "roles": ["FEATURE_EDIT", "FEATURE_CREATE"]}
        ]
    }
    assert (await update(shop.api, shop.portfolio, sent)).status == 200
    assert await roles(shop, group["id"]) == ({second: ["FEATURE_CREATE"]}, {})
    flag = "updateApplicationGroupRoles=true&includeGroupRoles=true"
    answer = await update(shop.api, shop.portfolio, sent, flag)
    [given] = answer.body["applicationRoles"]
    assert given["roles"] == ["FEATURE_CREATE", "FEATURE_EDIT"]
    assert await roles(shop, group["id"]) == ({shop.application: given["roles"]}, {})
    # No roles are something to have: features can be read.
    none = [{"applicationId": shop.application, "roles": []}]
    await update_v1(shop.api, shop.portfolio, sent | {"applicationRoles": none}, flag)
    assert await roles(shop, group["id"]) == ({shop.application: []}, {})


async def test_roles_can_be_changed_in_one_application_alone(shop):
    second, _ = await add_application(shop)
    group = await created(
        shop, applicationRoles=[{"applicationId": second, "roles": ["FEATURE_CREATE"]}]
    )
    both = [
        {"applicationId": shop.application, "roles": ["FEATURE_EDIT"]},
        {"applicationId": second, "roles": ["FEATURE_EDIT"]},
    ]
    flag = f"updateApplicationGroupRoles=true&applicationId={shop.application}"
    await update(shop.api, shop.portfolio, group | {"applicationRoles": both}, flag)
    kept = {second: ["FEATURE_CREATE"]}
    assert await roles(shop, group["id"]) == (kept | {shop.application: ["FEATURE_EDIT"]}, {})
    await update(shop.api, shop.portfolio, group | {"applicationRoles": []}, flag)
    assert await roles(shop, group["id"]) == (kept, {})


async def test_environment_roles_are_set_where_they_are_named(shop):
    staging = (await shop.add_environment("staging"))["id"]
    portfolio, _ = await add_portfolio(shop.api, "Second")
    _, foreign = await add_application(shop, portfolio)
    group = await created(shop)
    flag = "updateEnvironmentGroupRoles=true"

    async def set_roles(**given):
        sent = [
            {"environmentId": one, "groupId": group["id"], "roles": r} for one, r in given.items()
        ]
        answer = await update(shop.api, shop.portfolio, group | {"environmentRoles": sent}, flag)
        assert answer.status == 200
        return (await roles(shop, group["id"]))[1]

    await set_roles(**{shop.production: ["LOCK"], foreign: ["LOCK"], NOBODY: ["LOCK"]})
    assert (await roles(shop, group["id"]))[1] == {shop.production: ["READ", "LOCK"]}
    assert await set_roles(**{staging: ["READ"]}) == {
        shop.production: ["READ", "LOCK"],
        staging: ["READ"],
    }
    assert await set_roles(**{shop.production: []}) == {staging: ["READ"]}
    rows = await shop.sql("SELECT roles FROM acl WHERE environment_id = $1", foreign)
    assert rows == []
    plain = group | {"environmentRoles": [{"environmentId": staging, "roles": []}]}
    await update(shop.api, shop.portfolio, plain)
    assert (await roles(shop, group["id"]))[1] == {staging: ["READ"]}


async def test_members_are_replaced_in_the_first_version_only(shop, add_person):
    group = await created(shop)
    ada = await identifier(await add_person("ada@i.com", (group["id"],)))
    bob = await identifier(await add_person("bob@i.com"))
    sent = group | {"members": [{"id": {"id": bob}}]}
    flags = "updateMembers=true&includeMembers=true&includeMembersV2=true"
    kept = await update(shop.api, shop.portfolio, sent, flags)
    assert [each["id"]["id"] for each in kept.body["members"]] == [ada]
    answer = await update_v1(shop.api, shop.portfolio, sent, flags)
    assert [each["id"]["id"] for each in answer.body["members"]] == [bob]
    assert [each["id"] for each in answer.body["simpleMembers"]] == [bob]
    assert answer.body["superMembers"] == [await identifier(shop.api)]
    twice = group | {"members": [{"id": {"id": bob}}] * 2}
    assert (await update_v1(shop.api, shop.portfolio, twice, flags)).status == 409
    nobody = group | {"members": [{"id": {"id": NOBODY}}]}
    answer = await update_v1(shop.api, shop.portfolio, nobody, flags)
    assert answer.body["members"] == []


async def test_superusers_stay_in_groups_of_admins(shop, paula):
    admins = await admin_group(shop.api)
    path = f"/mr-api/group/{admins}?includeMembers=true"
    group = (await shop.api("GET", path)).body
    answer = await update_v1(
        shop.api,
        shop.portfolio,
        group | {"members": []},
        "updateMembers=true&includeMembers=true",
    )
    assert [each["email"] for each in answer.body["members"]] == ["irina@i.com"]


async def test_the_superusers_group_is_changed_by_superusers_and_followed_by_all_others(
    shop, paula, add_person
):
    await add_portfolio(shop.api, "Second")
    ada = await identifier(await add_person("ada@i.com"))
    me = await identifier(shop.api)
    group = (await shop.api("GET", f"/mr-api/group/{await superusers_group(shop.api)}")).body
    sent = group | {"members": [{"id": {"id": who}} for who in (me, ada)]}
    assert (await update_v1(paula, shop.portfolio, sent, "updateMembers=true")).status == 404
    assert (await update_v1(shop.api, shop.portfolio, sent, "updateMembers=true")).status == 200
    admins = ["First Portfolio Administrators", "org_admin", "Second Administrators"]
    assert await groups_of(shop.api, ada) == admins
    sent = group | {"members": [{"id": {"id": me}}]}
    assert (await update_v1(shop.api, shop.portfolio, sent, "updateMembers=true")).status == 200
    assert await groups_of(shop.api, ada) == []
    sent = group | {"members": []}
    assert (await update_v1(shop.api, shop.portfolio, sent, "updateMembers=true")).status == 403


async def test_two_who_change_the_same_roles_do_so_one_after_the_other(shop):
    group = await created(shop)
    statuses = []

    async def give(role):
        sent = group | {"applicationRoles": [{"applicationId": shop.application, "roles": [role]}]}
        flag = "updateApplicationGroupRoles=true"
        statuses.append((await update(shop.api, shop.portfolio, sent, flag)).status)

    async with trio.open_nursery() as nursery:
        for role in ("FEATURE_EDIT", "FEATURE_CREATE", "APP_STRATEGY_EDIT"):
            nursery.start_soon(give, role)
    assert statuses == [200] * 3
    [(_, given)] = (await roles(shop, group["id"]))[0].items()
    assert len(given) == 1
