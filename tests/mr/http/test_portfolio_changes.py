import pytest
import trio

from tests.mr.http.people import NOBODY, add_portfolio, admin_group

LONG = "x" * 240


async def portfolio(api, identifier):
    return (await api("GET", f"/mr-api/portfolio/{identifier}")).body


def put(api, body, identifier=None, query=""):
    suffix = f"/{identifier}" if identifier else ""
    return api("PUT", f"/mr-api/portfolio{suffix}{query}", body)


@pytest.mark.parametrize("by_path", [True, False])
async def test_a_portfolio_is_renamed_with_its_group_of_admins(superuser, by_path):
    identifier, _ = await add_portfolio(superuser, "Second")
    sent = await portfolio(superuser, identifier)
    answer = await put(
        superuser,
        sent | {"name": " Renamed ", "description": "other"},
        identifier if by_path else None,
        "?includeGroups=true",
    )
    assert answer.status == 200
    assert (answer.body["name"], answer.body["description"]) == ("Renamed", "other")
    assert answer.body["version"] == 2
    [group] = answer.body["groups"]
    assert group["name"] == "Renamed Administrators"
    assert (await put(superuser, sent)).status == 422
    # Nothing else than the case of a name can change, too.
    assert (await put(superuser, answer.body | {"name": "RENAMED"})).status == 200


async def test_a_description_that_is_not_sent_stays_as_it_is(superuser):
    identifier, _ = await add_portfolio(superuser, "Second")
    await put(superuser, {"id": identifier, "name": "Second", "version": 1, "description": "d"})
    answer = await put(superuser, {"id": identifier, "name": "Second", "version": 2})
    assert (answer.body["description"], answer.body["version"]) == ("d", 2)


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"name": "FIRST portfolio"}, 409, "name"),
        ({"name": " "}, 400, "name"),
        ({"name": "x" * 201}, 400, "name"),
        ({"version": None}, 400, "version"),
        ({"id": None}, 400, "id"),
        ({"description": "x" * 401}, 400, "description"),
        ({"id": NOBODY}, 404, None),
    ],
)
async def test_what_a_portfolio_can_not_be(superuser, change, status, field):
    identifier, _ = await add_portfolio(superuser, "Second")
    sent = await portfolio(superuser, identifier)
    answer = await put(superuser, sent | change)
    assert (answer.status, answer.body.get("field")) == (status, field)
    assert await portfolio(superuser, identifier) == sent


async def test_who_changes_and_deletes_portfolios(superuser, add_person, sql):
    identifier, _ = await add_portfolio(superuser, "Second")
    sent = await portfolio(superuser, identifier)
    paula = await add_person("paula@i.com", (await admin_group(superuser, "Second"),))
    eve = await add_person("eve@i.com", (await admin_group(superuser),))
    [devs] = await sql(
        "INSERT INTO person_group (organisation_id, portfolio_id, name)"
        " SELECT id, $1, 'devs' FROM organisation RETURNING id",
        identifier,
    )
    dev = await add_person("dev@i.com", (devs["id"],))
    for api in (eve, dev):
        assert (await put(api, sent)).status == 403
        assert (await put(api, sent, identifier)).status == 403
    assert (await put(paula, sent)).status == 200
    for api in (paula, eve, dev):
        assert (await api("DELETE", f"/mr-api/portfolio/{identifier}")).status == 403
    assert (await put(paula, sent, NOBODY)).status == 403


async def test_deleting_a_portfolio_archives_all_that_is_in_it(shop, add_person):
    staging = await shop.add_environment("staging")
    await shop.add_feature("dark-mode")
    account = await shop.add_account("sdk", **{f"e-{shop.production}": ["READ"]})
    devs = await shop.add_group("devs")
    await shop.grant(devs, ["READ"], environment=shop.production)
    dev = await add_person("dev@i.com", (devs,))
    await shop.announced()

    answer = await shop.api("DELETE", f"/mr-api/portfolio/{shop.portfolio}?includeGroups=true")
    assert (answer.status, answer.body) == (200, True)
    told = await shop.announced()
    environments = {
        body["environment"]["id"]: body["action"] for kind, body in told if kind == "environment"
    }
    assert environments == {shop.production: "DELETE", staging["id"]: "DELETE"}
    [gone] = [body for kind, body in told if kind == "service-account"]
    assert (gone["action"], gone["serviceAccount"]["id"]) == ("DELETE", account["id"])
    assert account["apiKeyServerSide"] not in str(gone)
    assert len(told) == 3

    assert (await shop.api("GET", f"/mr-api/portfolio/{shop.portfolio}")).status == 404
    assert (await shop.api("GET", f"/mr-api/application/{shop.application}")).status == 404
    assert (await shop.api("GET", f"/mr-api/service-account/{account['id']}")).status == 404
    assert (await shop.api("GET", f"/mr-api/group/{devs}")).status == 404
    assert (await dev("GET", "/mr-api/portfolio")).body == []
    tables = ("application", "environment", "feature", "service_account")
    for table in tables:
        live = await shop.sql(f"SELECT id FROM {table} WHERE when_archived IS NULL")
        assert live == []
    shadows = await shop.sql(
        "SELECT id FROM person WHERE person_type = 'sdkServiceAccount' AND when_archived IS NULL"
    )
    assert shadows == []
    again = await shop.api("DELETE", f"/mr-api/portfolio/{shop.portfolio}")
    assert (again.status, again.body) == (200, False)


async def test_names_of_what_was_archived_are_free_again(shop):
    await shop.add_feature("dark-mode")
    await shop.api("DELETE", f"/mr-api/portfolio/{shop.portfolio}")
    rows = await shop.sql("SELECT key AS n FROM feature UNION ALL SELECT name FROM portfolio")
    for row in rows:
        assert ":\\:\\:20" in row["n"]
    identifier, _ = await add_portfolio(shop.api, "First Portfolio")
    assert identifier != shop.portfolio


async def test_long_names_that_begin_alike_are_archived_too(shop):
    for last in "ab":
        await shop.add_group(LONG + last)
        await shop.add_feature(LONG + last)
    assert (await shop.api("DELETE", f"/mr-api/portfolio/{shop.portfolio}")).body is True
    rows = await shop.sql("SELECT name FROM person_group WHERE when_archived IS NOT NULL")
    assert len({row["name"] for row in rows}) == 3
    assert max(len(row["name"]) for row in rows) == 250


async def test_other_portfolios_are_left_alone(shop):
    identifier, _ = await add_portfolio(shop.api, "Second")
    await shop.announced()
    assert (await shop.api("DELETE", f"/mr-api/portfolio/{identifier}")).body is True
    assert await shop.announced() == []
    assert (await shop.api("GET", f"/mr-api/application/{shop.application}")).status == 200
    assert (await shop.api("DELETE", f"/mr-api/portfolio/{NOBODY}")).body is False
    assert (await shop.api("DELETE", "/mr-api/portfolio/nonsense")).status == 404


async def test_nothing_is_left_of_what_is_created_while_a_portfolio_goes(shop):
    async def create(number):
        await shop.api(
            "POST",
            f"/mr-api/portfolio/{shop.portfolio}/application",
            {"name": f"App {number}", "description": ""},
        )

    async with trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(create, number)
        nursery.start_soon(shop.api, "DELETE", f"/mr-api/portfolio/{shop.portfolio}")
    assert await shop.sql("SELECT id FROM application WHERE when_archived IS NULL") == []
    assert await shop.sql("SELECT id FROM environment WHERE when_archived IS NULL") == []


async def test_of_two_who_delete_at_once_one_announces_it(shop):
    told = []

    async def delete():
        told.append((await shop.api("DELETE", f"/mr-api/portfolio/{shop.portfolio}")).body)

    await shop.announced()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(delete)
        nursery.start_soon(delete)
    assert sorted(told) == [False, True]
    assert len(await shop.announced()) == 1
