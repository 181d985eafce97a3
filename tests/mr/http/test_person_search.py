import pytest

from tests.mr.http.people import admin_group, create_robot, identifier, invite


async def find(api, query=""):
    answer = await api("GET", f"/mr-api/person?{query}")
    assert answer.status == 200, answer
    return answer.body


async def names(api, query):
    return [person["email"].partition("@")[0] for person in (await find(api, query))["people"]]


@pytest.fixture
async def crowd(sql, superuser):
    """Ada, bob and Carl, of whom bob is deactivated, and the superuser irina."""
    for name, archived in (("Carl", "NULL"), ("Ada", "NULL"), ("bob", "now()")):
        await sql(
            "INSERT INTO person (email, name, when_archived) VALUES (lower($1 || '@i.com'), $1,"
            f" {archived})",
            name,
        )
    return superuser


async def test_people_are_found_by_name_and_by_address(crowd):
    assert await names(crowd, "filter=AD") == ["ada"]
    assert await names(crowd, "filter=i.com") == ["irina", "carl", "ada"]
    assert await names(crowd, "filter=%25") == []
    assert await names(crowd, "filter=BOB") == []
    assert await names(crowd, "filter=BOB&includeDeactivated=true") == ["bob"]


async def test_people_are_sorted(crowd):
    assert await names(crowd, "order=ASC") == ["ada", "carl", "irina"]
    assert await names(crowd, "order=DESC&sortBy=name") == ["irina", "carl", "ada"]
    status = "includeDeactivated=true&sortBy=activationStatus"
    assert await names(crowd, f"{status}&order=ASC") == ["ada", "carl", "irina", "bob"]
    assert await names(crowd, f"{status}&order=DESC") == ["bob", "irina", "carl", "ada"]


async def test_people_come_in_pages(crowd):
    first = await find(crowd, "order=ASC&pageSize=2")
    assert [first["max"], len(first["people"])] == [3, 2]
    assert await names(crowd, "order=ASC&pageSize=2&startAt=2") == ["irina"]
    assert (await find(crowd, "startAt=99")) == {
        "max": 3,
        "people": [],
        "summarisedPeople": [],
        "outstandingRegistrations": [],
    }
    assert len(await names(crowd, "pageSize=0")) == 1
    assert len(await names(crowd, "pageSize=-5&startAt=-7")) == 1
    assert len(await names(crowd, "pageSize=100000&startAt=0")) == 3
    assert await names(crowd, "startAt=99999999999999") == []


async def test_a_page_has_a_hundred_people_at_most(superuser, sql):
    await sql("INSERT INTO person (email) SELECT n || '@i.com' FROM generate_series(1, 120) n")
    assert len((await find(superuser))["people"]) == 20
    found = await find(superuser, "pageSize=500")
    assert (found["max"], len(found["people"])) == (121, 100)


async def test_machines_are_found_when_asked_for_and_shadows_never(superuser, sql):
    await create_robot(superuser)
    await sql("INSERT INTO person (email, person_type) VALUES ('x@sdk', 'sdkServiceAccount')")
    zeros = "00000000-0000-0000-0000-000000000000"
    await sql("INSERT INTO person (id, email, when_archived) VALUES ($1, 'm@x', now())", zeros)
    types = "personTypes=serviceAccount&personTypes=sdkServiceAccount"
    [robot] = (await find(superuser, types))["people"]
    assert (robot["name"], robot["personType"]) == ("robot", "serviceAccount")
    assert await names(superuser, "personTypes=sdkServiceAccount") == []
    assert await names(superuser, "includeDeactivated=true") == ["irina"]
    everybody = await find(superuser, f"{types}&personTypes=person")
    assert everybody["max"] == 2
    assert (await superuser("GET", "/mr-api/person?personTypes=alien")).status == 400


async def test_groups_and_logins_come_along_when_asked_for(superuser):
    [plain] = (await find(superuser))["people"]
    assert plain["groups"] == []
    assert "whenLastSeen" not in plain
    assert "whenLastAuthenticated" not in plain
    [full] = (await find(superuser, "includeGroups=true&includeLastLoggedIn=true"))["people"]
    assert [group["name"] for group in full["groups"]] == [
        "First Portfolio Administrators",
        "org_admin",
    ]
    assert full["whenLastSeen"].endswith("Z")
    assert full["whenLastAuthenticated"].endswith("Z")


async def test_overviews_count_groups(superuser, sql):
    await sql("UPDATE person SET name = NULL")
    query = "countGroups=true&includeGroups=true&includeLastLoggedIn=true"
    found = await find(superuser, query)
    [summary] = found["summarisedPeople"]
    assert found["people"] == []
    assert summary["whenLastSeen"].endswith("Z")
    assert (summary["name"], summary["groupCount"], summary["version"]) == ("No name", 2, 1)
    await sql("UPDATE person_group SET when_archived = now() WHERE portfolio_id IS NULL")
    paula = (await find(superuser, "countGroups=true"))["summarisedPeople"]
    assert paula[0]["groupCount"] == 1


async def test_deactivated_people_say_since_when(crowd):
    query = "filter=bob&includeDeactivated=true"
    assert (await find(crowd, query))["people"][0]["whenArchived"].endswith("Z")
    [bob] = (await find(crowd, f"{query}&countGroups=true"))["summarisedPeople"]
    assert bob["whenDeactivated"].endswith("Z")


async def test_who_still_has_to_register_is_told_but_not_with_which_token(superuser, sql):
    invited = await invite(superuser)
    found = await find(superuser, "filter=ada")
    pending = {"id": invited["personId"], "token": "", "expired": False}
    assert found["outstandingRegistrations"] == [pending]
    assert (await find(superuser, "filter=irina"))["outstandingRegistrations"] == []
    await sql("UPDATE person SET registration_expires_at = now() - interval '1 second'")
    found = await find(superuser, "countGroups=true")
    assert found["outstandingRegistrations"] == [pending | {"expired": True}]


async def test_who_looks_for_people(superuser, add_person):
    paula = await add_person("paula@i.com", (await admin_group(superuser),))
    ada = await add_person("ada@i.com")
    assert (await find(paula))["max"] == 3
    assert (await ada("GET", "/mr-api/person")).status == 403
    assert await identifier(ada)


async def test_a_page_costs_the_same_however_many_are_on_it(superuser, database, sql):
    from fh.mr.access import PersonType
    from fh.mr.repositories.access import load_caller
    from fh.mr.repositories.person_search import PersonSearch
    from fh.mr.services.person_search import find_people

    [me] = await sql("SELECT id FROM person")

    async def statements(limit):
        counted = []

        async def work(tx):
            caller = await load_caller(tx, me["id"], PersonType.PERSON)
            search = PersonSearch([PersonType.PERSON], limit)
            await find_people(Counting(tx, counted), caller, search, groups=True)

        await database.transaction(work)
        return len(counted)

    await sql("INSERT INTO person (email) SELECT n || '@i.com' FROM generate_series(1, 50) n")
    await sql(
        "INSERT INTO group_member SELECT g.id, p.id FROM person_group g, person p"
        " ON CONFLICT DO NOTHING"
    )
    assert await statements(1) == await statements(50)


class Counting:
    """A transaction that counts statements."""

    def __init__(self, tx, counted):
        self._tx, self._counted = tx, counted

    def __getattr__(self, name):
        self._counted.append(name)
        return getattr(self._tx, name)
