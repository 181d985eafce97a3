import pytest
import trio

from tests.mr.http.people import (
    NOBODY,
    add_portfolio,
    admin_group,
    create_robot,
    groups_of,
    identifier,
    invite,
    superusers_group,
)


@pytest.fixture
async def paula(superuser, add_person):
    """An admin of the first portfolio."""
    return await add_person("paula@i.com", (await admin_group(superuser),))


async def details(api, who):
    return (await api("GET", f"/mr-api/person/{who}?includeGroups=true")).body


def put(api, who, body, suffix=""):
    return api("PUT", f"/mr-api/person/{who}{suffix}", body)


def put_v2(api, who, **body):
    return put(api, who, body, "/v2")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"personType": "person"}, 400, "email"),
        ({"personType": "person", "email": " "}, 400, "email"),
        ({"personType": "person", "email": "nonsense"}, 400, "email"),
        ({"personType": "person", "email": "x" * 101}, 400, "email"),
        ({"personType": "person", "email": "x y@i.com"}, 400, "email"),
        ({"personType": "person", "email": "x@i .com"}, 400, "email"),
        ({"personType": "person", "email": "x@y@i.com"}, 400, "email"),
        ({"personType": "person", "email": "x@i.com,y@i.com"}, 400, "email"),
        ({"personType": "person", "email": "<x@i.com>"}, 400, "email"),
        ({"personType": "person", "email": "x@i.com\r\nBcc: y"}, 400, "email"),
        ({"personType": "person", "email": "a@i.com", "name": ""}, 400, "name"),
        ({"personType": "person", "email": "a@i.com", "name": " "}, 400, "name"),
        ({"personType": "person", "email": "IRINA@i.com"}, 409, "email"),
        ({"personType": "serviceAccount"}, 400, "name"),
        ({"personType": "serviceAccount", "name": "  "}, 400, "name"),
        ({"personType": "sdkServiceAccount", "name": "x"}, 400, "personType"),
        ({"personType": "alien", "name": "x"}, 400, "personType"),
        ({"email": "a@i.com"}, 400, "personType"),
        ({"personType": "person", "email": "a@i.com", "groupIds": ["x"]}, 400, "groupIds[0]"),
        ({"personType": "person", "email": "a@i.com", "groupIds": [NOBODY]}, 404, None),
    ],
)
async def test_who_can_not_be_created(superuser, sql, body, status, field):
    answer = await superuser("POST", "/mr-api/person", body)
    assert (answer.status, answer.body.get("field")) == (status, field)
    [count] = await sql("SELECT count(*) FROM person")
    assert count[0] == 1


async def test_new_people_join_the_groups_named(superuser):
    group = await admin_group(superuser)
    invited = await invite(superuser, groupIds=[group])
    assert await groups_of(superuser, invited["personId"]) == ["First Portfolio Administrators"]


async def test_a_portfolio_s_admin_places_people_in_their_own_groups_only(superuser, paula, sql):
    _, foreign = await add_portfolio(superuser, "Second")
    own = await admin_group(superuser)
    for groups in ([foreign], [await superusers_group(superuser)], [own, foreign], [NOBODY]):
        body = {"email": "eve@i.com", "personType": "person", "groupIds": groups}
        assert (await paula("POST", "/mr-api/person", body)).status == 403
    assert await sql("SELECT id FROM person WHERE email = 'eve@i.com'") == []
    assert (await invite(paula, "eve@i.com", groupIds=[own]))["token"]


async def test_a_machine_acts_with_its_token(superuser, stranger, sql):
    robot = await create_robot(superuser, groupIds=[await superusers_group(superuser)])
    assert "registrationUrl" not in robot
    machine = stranger.as_person(robot["token"])
    me = (await machine("GET", "/mr-api/person/self")).body
    assert (me["personType"], me["name"]) == ("serviceAccount", "robot")
    assert me["email"].endswith("@admin.sa.featurehub.io")
    assert (await machine("POST", "/mr-api/portfolio", {"name": "Second"})).status == 200
    [row] = await sql(
        "SELECT token_hash FROM login_session WHERE person_id = $1", robot["personId"]
    )
    assert robot["token"].encode() not in row["token_hash"]


async def test_the_token_of_a_machine_is_reset(superuser, stranger, paula):
    robot = await create_robot(superuser)
    path = f"/mr-api/person/{robot['personId']}/token-reset"
    answer = await superuser("POST", path)
    assert answer.status == 200
    old, new = stranger.as_person(robot["token"]), stranger.as_person(answer.body["token"])
    assert (await old("GET", "/mr-api/person/self")).status == 401
    assert (await new("GET", "/mr-api/person/self")).status == 200
    assert (await paula("POST", path)).status == 200
    for who in (await identifier(paula), NOBODY, "nonsense"):
        assert (await superuser("POST", f"/mr-api/person/{who}/token-reset")).status == 404
    await superuser("DELETE", f"/mr-api/person/{robot['personId']}")
    assert (await superuser("POST", path)).status == 404


async def test_people_are_renamed_and_get_another_address(superuser, paula, add_person):
    ada = await add_person("ada@i.com")
    who = await identifier(ada)
    sent = (await details(paula, who)) | {"name": "Ada", "email": "ADA.L@i.com"}
    answer = await put(paula, who, sent)
    assert answer.status == 200
    assert (answer.body["name"], answer.body["email"]) == ("Ada", "ada.l@i.com")
    assert answer.body["version"] == sent["version"] + 1
    assert (await put(paula, who, sent)).status == 422
    assert (await put_v2(superuser, who, version=2, email="irina@i.com")).status == 409
    bad = await put_v2(superuser, who, version=2, email="nonsense")
    assert (bad.status, bad.body["field"]) == (400, "email")
    same = await put_v2(superuser, who, version=2, email="ada.l@i.com")
    assert same.status == 204
    assert (await details(superuser, who))["version"] == 2


async def test_without_a_version_nobody_is_changed(superuser, add_person):
    who = await identifier(await add_person("ada@i.com"))
    answer = await put(superuser, who, {"name": "Ada"})
    detail = "Send the version that you read. The person is there already."
    assert (answer.status, answer.body["detail"]) == (404, detail)
    answer = await put_v2(superuser, who, name="Ada")
    assert (answer.status, answer.body["field"]) == (400, "version")
    assert (await put(superuser, NOBODY, {"name": "A", "version": 1})).status == 404
    assert (await put_v2(superuser, "nonsense", version=1)).status == 404


async def test_a_whole_person_means_all_of_their_groups(superuser, add_person):
    group = await admin_group(superuser)
    who = await identifier(await add_person("ada@i.com", (group,)))
    sent = await details(superuser, who)
    answer = await put(
        superuser, f"{who}", sent | {"groups": sent["groups"]}, "?includeGroups=true"
    )
    assert [each["name"] for each in answer.body["groups"]] == ["First Portfolio Administrators"]
    await put(superuser, who, sent | {"groups": []})
    assert await groups_of(superuser, who) == []


async def test_groups_that_are_not_sent_stay_in_the_second_version(superuser, add_person):
    group = await admin_group(superuser)
    who = await identifier(await add_person("ada@i.com", (group,)))
    assert (await put_v2(superuser, who, version=1, name="Ada")).status == 204
    assert await groups_of(superuser, who) == ["First Portfolio Administrators"]
    assert (await put_v2(superuser, who, version=2, groups=[])).status == 204
    assert await groups_of(superuser, who) == []


async def test_a_portfolio_s_admin_changes_memberships_of_their_own_portfolio_only(
    superuser, paula, add_person
):
    _, foreign = await add_portfolio(superuser, "Second")
    own = await admin_group(superuser)
    who = await identifier(await add_person("ada@i.com", (foreign,)))
    wanted = [own, await superusers_group(superuser), NOBODY]
    assert (await put_v2(paula, who, version=1, groups=wanted)).status == 204
    assert await groups_of(superuser, who) == [
        "First Portfolio Administrators",
        "Second Administrators",
    ]


async def test_superusers_are_in_every_admin_group_and_leave_them_all(superuser, add_person):
    await add_portfolio(superuser, "Second")
    who = await identifier(await add_person("root@i.com"))
    root = await superusers_group(superuser)
    assert (await put_v2(superuser, who, version=1, groups=[root])).status == 204
    admins = ["First Portfolio Administrators", "org_admin", "Second Administrators"]
    assert await groups_of(superuser, who) == admins
    # New portfolios know them, too.
    await add_portfolio(superuser, "Third")
    assert "Third Administrators" in await groups_of(superuser, who)
    sent = await details(superuser, who)
    rest = [group["id"] for group in sent["groups"] if group["name"] != "org_admin"]
    assert (await put_v2(superuser, who, version=1, groups=rest)).status == 204
    assert await groups_of(superuser, who) == []


async def test_superusers_are_touched_only_by_superusers(superuser, paula, stranger):
    root = await identifier(superuser)
    sent = await details(superuser, root)
    robot = await create_robot(superuser, groupIds=[await superusers_group(superuser)])
    assert (await put(paula, root, sent | {"email": "paula2@i.com"})).status == 403
    assert (await put_v2(paula, root, version=1, name="x")).status == 403
    password = {"password": "temporary"}
    path = f"/mr-api/authentication/{root}/resetPassword"
    assert (await paula("PUT", path, password)).status == 403
    assert (await paula("POST", f"/mr-api/person/{robot['personId']}/token-reset")).status == 403
    assert await details(superuser, root) == sent


async def test_the_last_superuser_stays_one(superuser, add_person):
    me = await identifier(superuser)
    assert (await put_v2(superuser, me, version=1, groups=[])).status == 403
    assert "org_admin" in await groups_of(superuser, me)
    root = await superusers_group(superuser)
    await add_person("root@i.com", (root,))
    assert (await put_v2(superuser, me, version=1, groups=[])).status == 204


async def test_somebody_who_can_log_in_stays_a_superuser(superuser, stranger):
    root, me = await superusers_group(superuser), await identifier(superuser)
    robot = await create_robot(superuser, groupIds=[root])
    await invite(superuser, "late@i.com", groupIds=[root])
    machine = stranger.as_person(robot["token"])
    assert (await machine("DELETE", f"/mr-api/group/{root}/person/{me}")).status == 403
    assert (await machine("DELETE", f"/mr-api/person/{me}")).status == 403
    assert "org_admin" in await groups_of(superuser, me)


async def test_a_superuser_who_comes_back_administers_what_was_made_meanwhile(
    superuser, add_person
):
    who = await identifier(await add_person("root@i.com", (await superusers_group(superuser),)))
    assert (await superuser("DELETE", f"/mr-api/person/{who}")).status == 200
    portfolio, meanwhile = await add_portfolio(superuser, "Meanwhile")
    sent = (await superuser("GET", f"/mr-api/group/{meanwhile}?includeMembers=true")).body
    [first] = sent["members"]
    assert first["id"]["id"] == await identifier(superuser)
    # Those who save what they were shown don't take away what they were not.
    path = f"/mr-api/portfolio/{portfolio}/group?updateMembers=true"
    assert (await superuser("PUT", path, sent)).status == 200
    assert (await put_v2(superuser, who, version=2, unarchive=True)).status == 204
    assert "Meanwhile Administrators" in await groups_of(superuser, who)


async def test_a_name_is_not_blanked(superuser, add_person):
    who = await identifier(await add_person("ada@i.com"))
    answer = await put_v2(superuser, who, version=1, name=" ")
    assert (answer.status, answer.body["field"]) == (400, "name")


async def test_deactivating_ends_everything(superuser, stranger, add_person):
    group = await admin_group(superuser)
    ada = await add_person("ada@i.com", (group,))
    who = await identifier(ada)
    answer = await superuser("DELETE", f"/mr-api/person/{who}")
    assert (answer.status, answer.body) == (200, True)
    assert (await ada("GET", "/mr-api/portfolio")).status == 401
    credentials = {"email": "ada@i.com", "password": "password123"}
    assert (await stranger("POST", "/mr-api/login", credentials)).status == 404
    assert (await superuser("DELETE", f"/mr-api/person/{who}")).status == 404
    assert (await superuser("GET", f"/mr-api/person/{who}")).status == 404

    assert (await put(superuser, who, {"version": 2, "name": "x"})).status == 404
    assert (await put_v2(superuser, who, version=2, unarchive=True)).status == 204
    assert (await stranger("POST", "/mr-api/login", credentials)).status == 200
    assert (await ada("GET", "/mr-api/portfolio")).status == 401
    assert await groups_of(superuser, who) == ["First Portfolio Administrators"]


async def test_deactivating_can_end_memberships(superuser, add_person):
    who = await identifier(await add_person("ada@i.com", (await admin_group(superuser),)))
    await superuser("DELETE", f"/mr-api/person/{who}?includeGroups=true")
    await put_v2(superuser, who, version=2, unarchive=True)
    assert await groups_of(superuser, who) == []


async def test_who_deactivates_whom(superuser, paula, sql):
    me, who = await identifier(superuser), await identifier(paula)
    assert (await superuser("DELETE", f"/mr-api/person/{me}")).status == 403
    assert (await paula("DELETE", f"/mr-api/person/{me}")).status == 403
    assert (await paula("DELETE", f"/mr-api/person/{who}")).status == 403
    assert (await superuser("DELETE", f"/mr-api/person/{NOBODY}")).status == 404
    [sdk] = await sql(
        "INSERT INTO person (email, person_type) VALUES ('x@sdk', 'sdkServiceAccount') RETURNING id"
    )
    answer = await superuser("DELETE", f"/mr-api/person/{sdk['id']}")
    assert (answer.status, answer.body) == (200, False)
    assert (await put_v2(superuser, sdk["id"], version=1, name="x")).status == 404


async def test_of_two_superusers_who_deactivate_each_other_one_stays(superuser, add_person):
    root = await add_person("root@i.com", (await superusers_group(superuser),))
    statuses = []

    async def deactivate(api, whom):
        statuses.append((await api("DELETE", f"/mr-api/person/{whom}")).status)

    mine, theirs = await identifier(superuser), await identifier(root)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deactivate, superuser, theirs)
        nursery.start_soon(deactivate, root, mine)
    assert min(statuses) == 200
    assert max(statuses) in {401, 403}


async def test_machines_are_renamed_and_keep_their_address(superuser):
    robot = await create_robot(superuser)
    who = robot["personId"]
    group = await admin_group(superuser)
    change = {"version": 1, "name": "R2", "email": "r2@i.com", "groups": [group]}
    assert (await put(superuser, who, change, "/v2")).status == 204
    found = await details(superuser, who)
    assert found["name"] == "R2"
    assert found["email"].endswith("@admin.sa.featurehub.io")
    assert [each["id"] for each in found["groups"]] == [group]
