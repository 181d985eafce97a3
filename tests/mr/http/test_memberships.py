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
async def group(shop):
    return await shop.add_group("developers")


@pytest.fixture
async def paula(shop, add_person):
    """An admin of the shop's portfolio."""
    return await add_person("paula@i.com", (await admin_group(shop.api),))


def path(group, who="", query="includeMembersV2=true"):
    return f"/mr-api/group/{group}/person{who and '/'}{who}?{query}"


def emails(answer):
    assert answer.status == 200, answer
    return [member["email"] for member in answer.body["simpleMembers"]]


async def test_people_are_added_by_id_and_by_address(shop, paula, group, add_person):
    ada = await identifier(await add_person("ada@i.com"))
    for name in ("bob", "carl"):
        await add_person(f"{name}@i.com")
    query = f"personId={ada}&personId={NOBODY}&email=BOB@i.com&email=x@i.com&includeMembersV2=true"
    answer = await paula("POST", path(group, query=query))
    assert emails(answer) == ["ada@i.com", "bob@i.com"]
    again = await paula("POST", path(group, query="email=bob@i.com&email=carl@i.com"))
    assert (again.status, again.body["simpleMembers"]) == (200, [])
    assert emails(await paula("POST", path(group, ada))) == ["ada@i.com", "bob@i.com", "carl@i.com"]
    for query in ("", "email=x@i.com", f"personId={NOBODY}", "personId=nonsense"):
        assert (await paula("POST", path(group, query=query))).status == 404


async def test_one_person_is_added_and_removed(shop, group, add_person):
    ada = await identifier(await add_person("ada@i.com"))
    answer = await shop.api("POST", path(group, ada, "includeMembers=true"))
    assert [member["id"]["id"] for member in answer.body["members"]] == [ada]
    assert answer.body["simpleMembers"] == []
    answer = await shop.api("DELETE", path(group, ada, "includeMembers=true"))
    assert (answer.status, answer.body["members"]) == (200, [])
    assert (await shop.api("DELETE", path(group, ada))).status == 404
    for who in (NOBODY, "nonsense"):
        assert (await shop.api("POST", path(group, who))).status == 404
        assert (await shop.api("DELETE", path(group, who))).status == 404
    assert (await shop.api("POST", path(NOBODY, ada))).status == 404


async def test_archived_people_and_shadows_of_sdks_can_not_be_added(shop, group, sql, add_person):
    ada = await identifier(await add_person("ada@i.com"))
    await sql("UPDATE person SET when_archived = now() WHERE email = 'ada@i.com'")
    await shop.add_account()
    [shadow] = await sql("SELECT id FROM person WHERE person_type = 'sdkServiceAccount'")
    for who in (ada, shadow["id"]):
        assert (await shop.api("POST", path(group, who))).status == 404
    assert (await shop.api("POST", path(group, query="email=ada@i.com"))).status == 404


async def test_who_adds_and_removes_people(shop, paula, group, add_person):
    _, foreign_admins = await add_portfolio(shop.api, "Second")
    eve = await add_person("eve@i.com", (foreign_admins,))
    dev = await add_person("dev@i.com", (group,))
    who = await identifier(dev)
    superusers = await superusers_group(shop.api)
    for api in (eve, dev):
        assert (await api("POST", path(group, who))).status == 403
        assert (await api("POST", path(group, query="email=dev@i.com"))).status == 403
        assert (await api("DELETE", path(group, who))).status == 403
    assert (await paula("POST", path(foreign_admins, who))).status == 403
    assert (await paula("POST", path(superusers, who))).status == 403
    assert (await paula("DELETE", path(group, who))).status == 200


async def test_a_superuser_does_not_leave_a_group_of_admins(shop, paula):
    admins, me = await admin_group(shop.api), await identifier(shop.api)
    assert (await shop.api("DELETE", path(admins, me))).status == 404
    assert (await paula("DELETE", path(admins, me))).status == 404
    answer = await shop.api("DELETE", path(admins, await identifier(paula)))
    assert emails(answer) == ["irina@i.com"]
    assert answer.body["superMembers"] == [me]


async def test_superusers_are_added_to_every_group_of_admins_and_leave_them_all(shop, add_person):
    await add_portfolio(shop.api, "Second")
    ada = await identifier(await add_person("ada@i.com", (await shop.add_group("devs"),)))
    superusers, me = await superusers_group(shop.api), await identifier(shop.api)
    answer = await shop.api("POST", path(superusers, ada))
    assert len(answer.body["superMembers"]) == 2
    assert await groups_of(shop.api, ada) == [
        "devs",
        "First Portfolio Administrators",
        "org_admin",
        "Second Administrators",
    ]
    assert (await shop.api("DELETE", path(superusers, ada))).status == 200
    assert await groups_of(shop.api, ada) == ["devs"]
    assert (await shop.api("DELETE", path(superusers, me))).status == 403
    assert "org_admin" in await groups_of(shop.api, me)


async def test_a_portfolio_made_while_a_superuser_is_added_knows_them(shop, add_person):
    ada = await identifier(await add_person("ada@i.com"))
    superusers = await superusers_group(shop.api)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shop.api, "POST", path(superusers, ada))
        for number in range(4):
            nursery.start_soon(add_portfolio, shop.api, f"New {number}")
    assert len(await groups_of(shop.api, ada)) == 6


async def test_of_two_superusers_who_remove_each_other_one_stays(shop, add_person):
    superusers = await superusers_group(shop.api)
    root = await add_person("root@i.com", (superusers,))
    statuses = []

    async def remove(api, whom):
        statuses.append((await api("DELETE", path(superusers, whom))).status)

    mine, theirs = await identifier(shop.api), await identifier(root)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(remove, shop.api, theirs)
        nursery.start_soon(remove, root, mine)
    assert sorted(statuses) == [200, 403]
