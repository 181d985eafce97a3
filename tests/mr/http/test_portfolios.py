import pytest
import trio


def create(api, **body):
    return api("POST", "/mr-api/portfolio", {"name": "Second", "description": "two"} | body)


async def group_of(portfolio):
    [group] = portfolio["groups"]
    return group["id"]


async def test_a_new_portfolio_has_an_admin_group_with_all_superusers(superuser):
    answer = await create(superuser)
    assert answer.status == 200
    portfolio = answer.body
    assert (portfolio["name"], portfolio["description"]) == ("Second", "two")
    assert portfolio["version"] == 1
    assert portfolio["applications"] == []
    [group] = portfolio["groups"]
    assert (group["name"], group["admin"]) == ("Second Administrators", True)
    details = await superuser("GET", f"/mr-api/group/{group['id']}?includeMembersV2=true")
    [member] = details.body["simpleMembers"]
    assert member["email"] == "irina@i.com"
    assert details.body["superMembers"] == [member["id"]]


@pytest.mark.parametrize("description", [..., None, ""])
async def test_a_description_is_optional(superuser, description):
    body = {"name": "Second"} | ({} if description is ... else {"description": description})
    answer = await superuser("POST", "/mr-api/portfolio", body)
    assert answer.status == 200


@pytest.mark.parametrize("name", ["Second", "SECOND", "  second  "])
async def test_names_are_unique_whatever_their_case(superuser, name):
    await create(superuser)
    answer = await create(superuser, name=name)
    assert (answer.status, answer.body["field"]) == (409, "name")


async def test_of_equal_portfolios_that_race_one_is_made(superuser):
    statuses = []

    async def attempt() -> None:
        statuses.append((await create(superuser)).status)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(attempt)
    assert sorted(statuses) == [200, 409, 409]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\0"}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x", "description": "x" * 401}, "description"),
        (b'{"name": "\\udc00"}', "name"),
        (b"", None),
        (b"[]", None),
    ],
)
async def test_a_malformed_portfolio_is_a_bad_request(superuser, body, field):
    answer = await superuser("POST", "/mr-api/portfolio", body)
    assert (answer.status, answer.body.get("field")) == (400, field)


async def test_only_superusers_create_portfolios(superuser, add_person):
    admins = await group_of((await create(superuser)).body)
    paula = await add_person("paula@i.com", (admins,))
    assert (await create(paula, name="Third")).status == 403
    assert (await create(superuser.as_person("nonsense"), name="Third")).status == 401


async def test_people_see_the_portfolios_they_belong_to(superuser, add_person):
    second = (await create(superuser)).body
    paula = await add_person("paula@i.com", (await group_of(second),))
    nobody = await add_person("nobody@i.com")

    def names(answer):
        return [portfolio["name"] for portfolio in answer.body]

    assert names(await superuser("GET", "/mr-api/portfolio")) == ["First Portfolio", "Second"]
    assert names(await paula("GET", "/mr-api/portfolio")) == ["Second"]
    assert names(await nobody("GET", "/mr-api/portfolio")) == []
    assert (await paula("GET", f"/mr-api/portfolio/{second['id']}")).status == 200
    assert (await nobody("GET", f"/mr-api/portfolio/{second['id']}")).status == 404


async def test_an_archived_group_gives_nothing(superuser, add_person, sql):
    second = (await create(superuser)).body
    group = await group_of(second)
    paula = await add_person("paula@i.com", (group,))
    await sql("UPDATE person_group SET when_archived = now() WHERE id = $1", group)
    assert (await paula("GET", "/mr-api/portfolio")).body == []
    assert (await paula("GET", f"/mr-api/portfolio/{second['id']}/group")).status == 403


async def test_portfolios_are_filtered_and_sorted(superuser):
    for name in ("beta", "Alpha", "100%"):
        await create(superuser, name=name)

    async def names(query):
        answer = await superuser("GET", f"/mr-api/portfolio?{query}")
        return [portfolio["name"] for portfolio in answer.body]

    assert await names("filter=ALPH") == ["Alpha"]
    assert await names("filter=%25") == ["100%"]
    assert await names("filter=_") == []
    assert await names("order=ASC") == ["100%", "Alpha", "beta", "First Portfolio"]
    assert await names("order=DESC") == ["First Portfolio", "beta", "Alpha", "100%"]


async def test_applications_come_along_for_those_who_may_see_them(superuser, add_person, sql):
    second = (await create(superuser)).body
    [me] = await sql("SELECT id FROM person")
    ids = {}
    for name in ("zeta", "alpha", "hidden", "gone"):
        [row] = await sql(
            "INSERT INTO application (portfolio_id, name, who_created) VALUES ($1, $2, $3)"
            " RETURNING id",
            second["id"],
            name,
            me["id"],
        )
        ids[name] = row["id"]
    await sql("UPDATE application SET when_archived = now() WHERE name = 'gone'")
    [environment] = await sql(
        "INSERT INTO environment (application_id, name) VALUES ($1, 'e') RETURNING id", ids["zeta"]
    )
    [group] = await sql(
        "INSERT INTO person_group (organisation_id, portfolio_id, name)"
        " SELECT id, $1, 'devs' FROM organisation RETURNING id",
        second["id"],
    )
    await sql(
        "INSERT INTO acl (group_id, environment_id, roles) VALUES ($1, $2, '{READ}')",
        group["id"],
        environment["id"],
    )
    await sql(
        "INSERT INTO acl (group_id, application_id, roles) VALUES ($1, $2, '{}')",
        group["id"],
        ids["alpha"],
    )
    dev = await add_person("dev@i.com", (group["id"],))

    async def names(api):
        path = f"/mr-api/portfolio/{second['id']}?includeApplications=true"
        return [each["name"] for each in (await api("GET", path)).body["applications"]]

    assert await names(superuser) == ["alpha", "hidden", "zeta"]
    assert await names(dev) == ["alpha", "zeta"]

    path = f"/mr-api/portfolio/{second['id']}?includeApplications=true&includeEnvironments=true"
    [alpha, zeta] = (await dev("GET", path)).body["applications"]
    assert alpha["environments"] == []
    assert [each["name"] for each in zeta["environments"]] == ["e"]


@pytest.mark.parametrize("identifier", ["nonsense", "1", "5f8e6c1e-8f1c-4a0e-9f43-0d2b8f6b7a11"])
async def test_there_is_no_such_portfolio(superuser, identifier):
    assert (await superuser("GET", f"/mr-api/portfolio/{identifier}")).status == 404


async def test_an_archived_portfolio_is_gone(superuser, sql):
    second = (await create(superuser)).body
    await sql("UPDATE portfolio SET when_archived = now() WHERE id = $1", second["id"])
    assert (await superuser("GET", f"/mr-api/portfolio/{second['id']}")).status == 404
    assert len((await superuser("GET", "/mr-api/portfolio")).body) == 1
    assert (await create(superuser)).status == 200


async def test_parts_of_a_portfolio_are_in_the_order_of_their_names(superuser):
    [portfolio] = (await superuser("GET", "/mr-api/portfolio")).body
    path = f"/mr-api/portfolio/{portfolio['id']}"
    for name in ("b", "A", "C"):
        body = {"name": name, "description": name}
        assert (await superuser("POST", f"{path}/application", body)).status == 200
        assert (await superuser("POST", f"{path}/group", {"name": name})).status == 200
    found = (await superuser("GET", f"{path}?includeApplications=true&includeGroups=true")).body
    assert [one["name"] for one in found["applications"]] == ["A", "b", "C"]
    assert [one["name"] for one in found["groups"]][:3] == ["A", "b", "C"]
