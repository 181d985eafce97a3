from uuid import uuid4

import pytest


async def groups_of(superuser):
    body = (await superuser("GET", "/mr-api/person/self?includeGroups=true")).body
    return {group["name"]: group["id"] for group in body["groups"]}


async def test_everybody_may_see_themselves(superuser):
    answer = await superuser("GET", "/mr-api/person/self")
    assert answer.status == 200
    assert answer.body["groups"] == []
    assert answer.body["additional"] == []
    assert answer.body["version"] == 1
    assert answer.body["whenLastAuthenticated"].endswith("Z")


@pytest.mark.parametrize("flag", ["includeGroups", "includeAcls"])
async def test_groups_come_along_when_asked_for(superuser, flag):
    body = (await superuser("GET", f"/mr-api/person/self?{flag}=true")).body
    assert [group["name"] for group in body["groups"]] == [
        "First Portfolio Administrators",
        "org_admin",
    ]
    for group in body["groups"]:
        for array in ("superMembers", "simpleMembers", "members", "applicationRoles"):
            assert group[array] == []


async def test_what_groups_may_do_comes_along_when_asked_for(superuser, sql):
    [group] = await sql("SELECT id, portfolio_id FROM person_group WHERE portfolio_id IS NOT NULL")
    [me] = await sql("SELECT id FROM person")
    [application] = await sql(
        "INSERT INTO application (portfolio_id, name, who_created) VALUES ($1, 'a', $2)"
        " RETURNING id",
        group["portfolio_id"],
        me["id"],
    )
    [live] = await sql(
        "INSERT INTO environment (application_id, name) VALUES ($1, 'live') RETURNING id",
        application["id"],
    )
    [dead] = await sql(
        "INSERT INTO environment (application_id, name, when_archived)"
        " VALUES ($1, 'dead', now()) RETURNING id",
        application["id"],
    )
    acl = "INSERT INTO acl (group_id, environment_id, roles) VALUES ($1, $2, $3)"
    await sql(acl, group["id"], live["id"], ["LOCK", "FROM_THE_FUTURE"])
    await sql(acl, group["id"], dead["id"], ["LOCK"])
    await sql(
        "INSERT INTO acl (group_id, application_id, roles) VALUES ($1, $2, $3)",
        group["id"],
        application["id"],
        ["FEATURE_EDIT"],
    )
    body = (await superuser("GET", "/mr-api/person/self?includeAcls=true")).body
    [admins, _] = body["groups"]
    assert admins["environmentRoles"] == [
        {
            "environmentId": str(live["id"]),
            "groupId": str(group["id"]),
            "roles": ["READ", "LOCK"],
        }
    ]
    assert admins["applicationRoles"] == [
        {
            "applicationId": str(application["id"]),
            "groupId": str(group["id"]),
            "roles": ["FEATURE_EDIT"],
        }
    ]


async def test_admins_see_others_by_id_and_by_address(superuser, add_person):
    ada = await add_person("ada@i.com")
    identifier = (await ada("GET", "/mr-api/person/self")).body["id"]["id"]
    for who in (identifier, "ADA@i.com", "ada%40i.com"):
        answer = await superuser("GET", f"/mr-api/person/{who}")
        assert (answer.status, answer.body["email"]) == (200, "ada@i.com")


async def test_portfolio_admins_see_others_too(superuser, add_person):
    admins = (await groups_of(superuser))["First Portfolio Administrators"]
    paula = await add_person("paula@i.com", (admins,))
    assert (await paula("GET", "/mr-api/person/irina@i.com")).status == 200


async def test_others_see_only_themselves_and_can_not_probe_addresses(superuser, add_person):
    ada = await add_person("ada@i.com")
    for who in ("irina@i.com", "nobody@i.com", "nonsense", str(uuid4())):
        assert (await ada("GET", f"/mr-api/person/{who}")).status == 403
    assert (await ada("GET", "/mr-api/person/ada@i.com")).status == 200


async def test_there_are_no_archived_or_unknown_people(superuser, add_person, sql):
    await add_person("ada@i.com")
    await sql("UPDATE person SET when_archived = now() WHERE email = 'ada@i.com'")
    for who in ("ada@i.com", "nobody@i.com", "nonsense", str(uuid4())):
        assert (await superuser("GET", f"/mr-api/person/{who}")).status == 404


async def test_a_nul_in_the_path_is_refused(superuser):
    answer = await superuser(
        "GET", "/mr-api/person/x", scope_base={"raw_path": b"/mr-api/person/%00"}
    )
    assert answer.status == 400


async def test_an_sdk_person_names_its_service_account(superuser, sql):
    [portfolio] = await sql("SELECT id FROM portfolio")
    [me] = await sql("SELECT id FROM person")
    [sdk] = await sql(
        "INSERT INTO person (email, person_type) VALUES ('x@sdk', 'sdkServiceAccount') RETURNING id"
    )
    [account] = await sql(
        "INSERT INTO service_account (portfolio_id, name, api_key_server_side, api_key_client_side,"
        " sdk_person_id, who_created) VALUES ($1, 'a', 's', 'c', $2, $3) RETURNING id",
        portfolio["id"],
        sdk["id"],
        me["id"],
    )
    body = (await superuser("GET", f"/mr-api/person/{sdk['id']}")).body
    assert body["personType"] == "sdkServiceAccount"
    assert body["additional"] == [{"key": "serviceAccountId", "value": str(account["id"])}]
