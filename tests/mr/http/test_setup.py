import pytest
import trio


def site(**changes):
    whole = {
        "portfolio": "First Portfolio",
        "organizationName": "SampleOrg",
        "emailAddress": "Irina@i.com",
        "password": "password123",
        "name": "Superuser",
    } | changes
    return {name: value for name, value in whole.items() if value is not ...}


async def test_before_the_set_up_clients_learn_how_to_make_one(stranger):
    answer = await stranger("GET", "/mr-api/initialize")
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body == {
        "providers": ["local"],
        "capabilityInfo": {"trackingId": ""},
        "providerInfo": {},
    }


async def test_the_set_up_logs_the_first_superuser_in(stranger):
    answer = await stranger("POST", "/mr-api/initialize", site())
    assert answer.status == 200
    person = answer.body["person"]
    assert person["id"]["id"]
    assert (person["name"], person["email"]) == ("Superuser", "irina@i.com")
    assert person["personType"] == "person"
    assert person["passwordRequiresReset"] is False
    assert [group["name"] for group in person["groups"]] == [
        "First Portfolio Administrators",
        "org_admin",
    ]
    assert answer.body["capabilityInfo"]["trackingId"] == ""
    assert "refreshToken" not in answer.body
    token = answer.body["accessToken"]
    mine = await stranger.as_person(token)("GET", "/mr-api/person/self")
    assert mine.body["id"] == person["id"]


async def test_afterwards_the_organisation_is_public(stranger):
    await stranger("POST", "/mr-api/initialize", site())
    answer = await stranger("GET", "/mr-api/initialize")
    assert answer.status == 200
    organisation = answer.body["organization"]
    assert organisation["name"] == "SampleOrg"
    group = organisation["orgGroup"]
    assert (group["name"], group["admin"]) == ("org_admin", True)
    assert group["organizationId"] == organisation["id"]
    assert "portfolioId" not in group
    assert answer.body["providers"] == ["local"]
    assert set(answer.body["capabilityInfo"].values()) <= {"", "true", "false"}


async def test_the_admin_ui_learns_which_of_its_parts_to_offer(stranger):
    await stranger("POST", "/mr-api/initialize", site())
    answer = await stranger("GET", "/mr-api/initialize")
    assert answer.body["capabilityInfo"] == {
        "trackingId": "",
        "featureGroupsEnabled": "true",
        "dacha1Enabled": "true",
        "webhook.features": "false",
        "webhook.encryption": "false",
        "webhook.decryption": "false",
        "system.config": "true",
    }


async def test_the_first_portfolio_is_there_without_applications(stranger):
    token = (await stranger("POST", "/mr-api/initialize", site())).body["accessToken"]
    answer = await stranger.as_person(token)(
        "GET", "/mr-api/portfolio?includeApplications=true&includeGroups=true"
    )
    [portfolio] = answer.body
    assert (portfolio["name"], portfolio["description"]) == ("First Portfolio", "First Portfolio")
    assert portfolio["applications"] == []
    assert [group["name"] for group in portfolio["groups"]] == ["First Portfolio Administrators"]


async def test_a_second_set_up_is_refused_whatever_it_says(stranger):
    await stranger("POST", "/mr-api/initialize", site())
    for changes in ({}, {"emailAddress": "other@i.com"}, {"portfolio": " "}):
        assert (await stranger("POST", "/mr-api/initialize", site(**changes))).status == 409


async def test_of_set_ups_that_race_exactly_one_wins(stranger, sql):
    statuses = []

    async def attempt(number: int) -> None:
        body = site(emailAddress=f"irina{number}@i.com", portfolio=f"Portfolio {number}")
        statuses.append((await stranger("POST", "/mr-api/initialize", body)).status)

    async with trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(attempt, number)

    assert sorted(statuses) == [200, 409, 409, 409]
    for table in ("organisation", "person", "portfolio", "login_session"):
        assert [tuple(row) for row in await sql(f"SELECT count(*) FROM {table}")] == [(1,)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"portfolio": "  "}, "portfolio"),
        ({"organizationName": ""}, "organizationName"),
        ({"portfolio": ...}, "portfolio"),
        ({"organizationName": ...}, "organizationName"),
        ({"portfolio": None}, "portfolio"),
        ({"portfolio": 7}, "portfolio"),
        ({"portfolio": "x" * 201}, "portfolio"),
        ({"organizationName": "x" * 256}, "organizationName"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"emailAddress": "x" * 100 + "@i.com"}, "emailAddress"),
        ({"emailAddress": "irina"}, "emailAddress"),
        ({"emailAddress": "@i.com"}, "emailAddress"),
        ({"password": " "}, "password"),
        ({"password": ...}, "password"),
        ({"password": "x" * 101}, "password"),
        ({"emailAddress": ...}, "authProvider"),
        ({"emailAddress": None, "authProvider": "oauth2-google"}, "authProvider"),
    ],
)
async def test_a_set_up_with_a_fault_changes_nothing(stranger, changes, field):
    answer = await stranger("POST", "/mr-api/initialize", site(**changes))
    assert (answer.status, answer.body["field"]) == (400, field)
    assert (await stranger("GET", "/mr-api/initialize")).status == 404


async def test_a_name_may_be_left_out_and_unknown_members_are_ignored(stranger):
    body = site(name=..., authProvider=None, something=[1, {"else": None}])
    answer = await stranger("POST", "/mr-api/initialize", body)
    assert (answer.status, answer.body["person"]["name"]) == (200, "No name")


async def test_an_address_with_letters_of_any_alphabet_can_be_used(stranger):
    answer = await stranger("POST", "/mr-api/initialize", site(emailAddress=" ÄİΣ@i.com "))
    assert answer.status == 200
    login = {"email": "ÄİΣ@i.com", "password": "password123"}
    assert (await stranger("POST", "/mr-api/login", login)).status == 200
