import pytest


async def first(superuser):
    [portfolio] = (await superuser("GET", "/mr-api/portfolio?includeGroups=true")).body
    return portfolio["id"], portfolio["groups"][0]["id"]


async def add_group(sql, portfolio, name):
    [row] = await sql(
        "INSERT INTO person_group (organisation_id, portfolio_id, name)"
        " SELECT id, $1, $2 FROM organisation RETURNING id",
        portfolio,
        name,
    )
    return str(row["id"])


async def test_members_list_the_groups_of_their_portfolio(superuser, add_person, sql):
    portfolio, _ = await first(superuser)
    devs = await add_group(sql, portfolio, "devs")
    dev = await add_person("dev@i.com", (devs,))
    nobody = await add_person("nobody@i.com")
    path = f"/mr-api/portfolio/{portfolio}/group"

    async def names(query):
        return [group["name"] for group in (await dev("GET", path + query)).body]

    assert await names("") == ["devs", "First Portfolio Administrators"]
    assert await names("?order=ASC") == ["devs", "First Portfolio Administrators"]
    assert await names("?filter=DEV&includePeople=true") == ["devs"]
    assert (await nobody("GET", path)).status == 403


@pytest.mark.parametrize("identifier", ["nonsense", "5f8e6c1e-8f1c-4a0e-9f43-0d2b8f6b7a11"])
async def test_there_is_no_such_portfolio_to_list(superuser, identifier):
    assert (await superuser("GET", f"/mr-api/portfolio/{identifier}/group")).status == 404


async def test_a_group_shows_its_members_in_two_ways(superuser, add_person):
    _, admins = await first(superuser)
    await add_person("paula@i.com", (admins,))

    plain = (await superuser("GET", f"/mr-api/group/{admins}")).body
    assert plain["members"] == plain["simpleMembers"] == plain["superMembers"] == []
    assert plain["portfolioId"]

    old = (await superuser("GET", f"/mr-api/group/{admins}?includeMembers=true")).body
    assert [each["email"] for each in old["members"]] == ["paula@i.com", "irina@i.com"]
    assert all(each["id"]["id"] and each["groups"] == [] for each in old["members"])
    assert all(each["whenLastAuthenticated"] for each in old["members"])
    assert old["simpleMembers"] == []

    new = (await superuser("GET", f"/mr-api/group/{admins}?includeMembersV2=true")).body
    assert [each["email"] for each in new["simpleMembers"]] == ["paula@i.com", "irina@i.com"]
    assert new["superMembers"] == [new["simpleMembers"][1]["id"]]
    assert new["members"] == []


async def test_roles_can_be_limited_to_an_application(superuser, sql):
    portfolio, admins = await first(superuser)
    devs = await add_group(sql, portfolio, "devs")
    [me] = await sql("SELECT id FROM person")
    ids = []
    for name in ("one", "two"):
        [row] = await sql(
            "INSERT INTO application (portfolio_id, name, who_created) VALUES ($1, $2, $3)"
            " RETURNING id",
            portfolio,
            name,
            me["id"],
        )
        ids.append(str(row["id"]))
        await sql(
            "INSERT INTO acl (group_id, application_id, roles) VALUES ($1, $2, '{FEATURE_CREATE}')",
            devs,
            row["id"],
        )

    def roles(body):
        return {role["applicationId"]: role["roles"] for role in body["applicationRoles"]}

    path = f"/mr-api/group/{devs}?includeGroupRoles=true"
    assert set(roles((await superuser("GET", path)).body)) == set(ids)
    limited = await superuser("GET", f"{path}&byApplicationId={ids[0]}")
    assert roles(limited.body) == {ids[0]: ["FEATURE_CREATE"]}
    # An admin group without an entry holds all the same what admins hold.
    path = f"/mr-api/group/{admins}?includeGroupRoles=true"
    assert roles((await superuser("GET", path)).body) == {}
    synthetic = roles((await superuser("GET", f"{path}&byApplicationId={ids[0]}")).body)
    assert "FEATURE_EDIT" not in synthetic[ids[0]]
    assert len(synthetic[ids[0]]) == 5
    # But nothing in what is not theirs, or not there.
    elsewhere = (await superuser("POST", "/mr-api/portfolio", {"name": "Second"})).body
    path = f"/mr-api/group/{elsewhere['groups'][0]['id']}?includeGroupRoles=true"
    for other in (ids[0], devs):
        assert roles((await superuser("GET", f"{path}&byApplicationId={other}")).body) == {}


async def test_who_may_not_know_of_a_group_does_not_find_it(superuser, add_person, sql):
    portfolio, admins = await first(superuser)
    devs = await add_group(sql, portfolio, "devs")
    dev = await add_person("dev@i.com", (devs,))
    paula = await add_person("paula@i.com", (admins,))
    [superusers] = await sql("SELECT id FROM person_group WHERE portfolio_id IS NULL")

    assert (await dev("GET", f"/mr-api/group/{devs}")).status == 200
    assert (await dev("GET", f"/mr-api/group/{admins}")).status == 404
    assert (await paula("GET", f"/mr-api/group/{devs}")).status == 200
    assert (await paula("GET", f"/mr-api/group/{superusers['id']}")).status == 404
    assert (await superuser("GET", f"/mr-api/group/{superusers['id']}")).status == 200


@pytest.mark.parametrize("identifier", ["nonsense", "5f8e6c1e-8f1c-4a0e-9f43-0d2b8f6b7a11"])
async def test_there_is_no_such_group(superuser, identifier):
    assert (await superuser("GET", f"/mr-api/group/{identifier}")).status == 404


async def test_a_malformed_application_is_not_found_either(superuser):
    _, admins = await first(superuser)
    answer = await superuser("GET", f"/mr-api/group/{admins}?byApplicationId=nonsense")
    assert answer.status == 404
