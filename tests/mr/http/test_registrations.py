from dataclasses import replace

import pytest
import trio
from prometheus_client import CollectorRegistry

from fh.mr.http.app import create_mr_app
from tests.mr.conftest import QUICK_PASSWORDS, Api
from tests.mr.http.people import (
    NOBODY,
    admin_group,
    create_robot,
    groups_of,
    identifier,
    invite,
    register,
    superusers_group,
)

LATER = "UPDATE person SET registration_expires_at = now() - interval '1 second'"


def renew(api, email="ada@i.com"):
    return api("POST", f"/mr-api/authentication/{email}/expiredTokenReset")


async def test_the_invited_register_once(superuser, stranger):
    invited = await invite(superuser, "Ada@i.com", name="Ada L")
    assert "registrationUrl" not in invited
    shown = await stranger("GET", f"/mr-api/authentication/{invited['token']}")
    assert (shown.status, shown.body["email"], shown.body["name"]) == (200, "ada@i.com", "Ada L")
    assert shown.body["groups"] == []

    answer = await register(stranger, invited["token"], "ADA@i.com")
    assert answer.status == 200
    assert answer.body["person"]["id"]["id"] == invited["personId"]
    assert answer.body["person"]["name"] == "Ada"
    ada = stranger.as_person(answer.body["accessToken"])
    assert (await ada("GET", "/mr-api/person/self")).status == 200
    credentials = {"email": "ada@i.com", "password": "correct horse"}
    assert (await stranger("POST", "/mr-api/login", credentials)).status == 200

    assert (await register(stranger, invited["token"])).status == 404
    assert (await stranger("GET", f"/mr-api/authentication/{invited['token']}")).status == 404


async def test_the_invitation_itself_is_nowhere_in_the_database(superuser, sql):
    invited = await invite(superuser)
    [row] = await sql("SELECT person::text FROM person WHERE email = 'ada@i.com'")
    assert invited["token"] not in row[0]
    assert len(invited["token"]) == 43


async def test_before_the_registration_nobody_logs_in(superuser, stranger):
    await invite(superuser)
    credentials = {"email": "ada@i.com", "password": ""}
    assert (await stranger("POST", "/mr-api/login", credentials)).status == 403
    assert (await stranger("POST", "/mr-api/login", credentials | {"password": "x"})).status == 404


@pytest.mark.parametrize(
    ("more", "status", "field"),
    [
        ({"email": "eve@i.com"}, 400, "email"),
        ({"confirmPassword": "other"}, 400, "confirmPassword"),
        ({"name": " "}, 400, "name"),
        ({"name": ""}, 400, "name"),
        ({"name": "x" * 101}, 400, "name"),
        ({"password": "x" * 41, "confirmPassword": "x" * 41}, 400, "password"),
        ({"password": " ", "confirmPassword": " "}, 404, None),
        ({"registrationToken": "nonsense"}, 404, None),
        ({"registrationToken": ""}, 404, None),
        ({"registrationToken": None}, 400, "registrationToken"),
    ],
)
async def test_what_is_no_registration(superuser, stranger, more, status, field):
    invited = await invite(superuser)
    answer = await register(stranger, invited["token"], **more)
    assert (answer.status, answer.body.get("field")) == (status, field)
    assert (await register(stranger, invited["token"])).status == 200


async def test_an_invitation_is_good_for_a_week(superuser, stranger, sql):
    invited = await invite(superuser)
    [row] = await sql("SELECT registration_expires_at - now() FROM person WHERE name IS NULL")
    assert 6.9 < row[0].total_seconds() / 86_400 <= 7
    await sql(LATER)
    assert (await register(stranger, invited["token"])).status == 404
    # Who it was for is still told.
    assert (await stranger("GET", f"/mr-api/authentication/{invited['token']}")).status == 200


async def test_of_two_who_register_at_once_one_does(superuser, stranger):
    invited = await invite(superuser)
    statuses = []

    async def attempt():
        statuses.append((await register(stranger, invited["token"])).status)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(attempt)
    assert sorted(statuses) == [200, 404, 404]


async def test_an_invitation_is_renewed_and_the_older_one_void(superuser, stranger, sql):
    invited = await invite(superuser)
    await sql(LATER)
    renewed = await renew(superuser, "ADA@i.com")
    assert renewed.status == 200
    assert renewed.body["personId"] == invited["personId"]
    assert renewed.body["registrationUrl"] == renewed.body["token"]
    assert (await register(stranger, invited["token"])).status == 404
    assert (await register(stranger, renewed.body["token"])).status == 200
    assert (await renew(superuser)).status == 404


async def test_a_renewed_invitation_opens_no_old_password(superuser, stranger, add_person):
    ada = await add_person("ada@i.com")
    credentials = {"email": "ada@i.com", "password": "password123"}
    assert (await superuser("DELETE", f"/mr-api/person/{await identifier(ada)}")).status == 200
    invited = await invite(superuser)
    opened = (await stranger("POST", "/mr-api/login", credentials)).body
    assert opened["person"]["passwordRequiresReset"]
    renewed = (await renew(superuser)).body
    assert renewed["token"] != invited["token"]
    assert (
        await stranger.as_person(opened["accessToken"])("GET", "/mr-api/portfolio")
    ).status == 401
    again = (await stranger("POST", "/mr-api/login", credentials)).body
    assert again["person"]["passwordRequiresReset"]
    assert (await register(stranger, renewed["token"])).status == 200


async def test_who_renews_invitations(superuser, add_person, sql):
    paula = await add_person("paula@i.com", (await admin_group(superuser),))
    eve = await add_person("eve@i.com")
    await invite(superuser)
    assert (await renew(eve)).status == 403
    assert (await renew(paula)).status == 200
    assert (await renew(superuser, "nobody@i.com")).status == 404
    assert (await renew(superuser, "irina@i.com")).status == 404
    await invite(superuser, "root@i.com", groupIds=[await superusers_group(superuser)])
    assert (await renew(paula, "root@i.com")).status == 403
    assert (await renew(superuser, "root@i.com")).status == 200
    await sql("UPDATE person SET when_archived = now() WHERE email = 'ada@i.com'")
    assert (await renew(superuser)).status == 404


async def test_the_address_to_register_at_is_told_where_there_is_one(superuser, database):
    settings = replace(QUICK_PASSWORDS, register_url="https://h/register-url?token=%s")
    app = create_mr_app(database, settings, registry=CollectorRegistry(), name="x")
    api = Api(app, superuser.token)
    invited = await invite(api)
    assert invited["registrationUrl"] == f"https://h/register-url?token={invited['token']}"
    renewed = (await renew(api)).body
    assert renewed["registrationUrl"] == f"https://h/register-url?token={renewed['token']}"
    assert "registrationUrl" not in await create_robot(api)


async def test_the_deactivated_can_not_register(superuser, stranger):
    invited = await invite(superuser)
    assert (await superuser("DELETE", f"/mr-api/person/{invited['personId']}")).body is True
    assert (await register(stranger, invited["token"])).status == 404
    assert (await stranger("GET", f"/mr-api/authentication/{invited['token']}")).status == 404


async def test_a_temporary_password_makes_an_invitation_void(superuser, stranger):
    invited = await invite(superuser)
    path = f"/mr-api/authentication/{invited['personId']}/resetPassword"
    assert (await superuser("PUT", path, {"password": "temporary"})).status == 200
    assert (await register(stranger, invited["token"])).status == 404


async def test_whoever_was_deactivated_is_invited_back(superuser, stranger, add_person, sql):
    group = await admin_group(superuser)
    ada = await add_person("ada@i.com", (group,))
    who = (await ada("GET", "/mr-api/person/self")).body["id"]["id"]
    await superuser("DELETE", f"/mr-api/person/{who}")

    invited = await invite(superuser, "ADA@i.com", name="Ada again")
    assert invited["personId"] == who
    assert (await ada("GET", "/mr-api/person/self")).status == 401
    # The old password opens nothing but its replacement.
    credentials = {"email": "ada@i.com", "password": "password123"}
    entered = await stranger("POST", "/mr-api/login", credentials)
    assert entered.body["person"]["passwordRequiresReset"] is True
    early = stranger.as_person(entered.body["accessToken"])
    assert (await early("GET", "/mr-api/portfolio")).status == 401

    answer = await register(stranger, invited["token"], name="Ada Lovelace")
    assert answer.body["person"]["passwordRequiresReset"] is False
    assert (await early("GET", "/mr-api/portfolio")).status == 401
    back = stranger.as_person(answer.body["accessToken"])
    assert (await back("GET", "/mr-api/portfolio")).status == 200
    assert await groups_of(superuser, who) == ["First Portfolio Administrators"]
    assert (await stranger("POST", "/mr-api/login", credentials)).status == 404


async def test_only_a_superuser_invites_a_superuser_back(superuser, add_person, sql):
    paula = await add_person("paula@i.com", (await admin_group(superuser),))
    await add_person("root@i.com", (await superusers_group(superuser),))
    await sql("UPDATE person SET when_archived = now() WHERE email = 'root@i.com'")
    body = {"email": "root@i.com", "personType": "person"}
    assert (await paula("POST", "/mr-api/person", body)).status == 403
    assert (await superuser("POST", "/mr-api/person", body)).status == 200


async def test_machines_are_not_invited(superuser, stranger):
    robot = await create_robot(superuser)
    assert (await register(stranger, robot["token"])).status == 404
    assert (await stranger("GET", f"/mr-api/authentication/{robot['token']}")).status == 404
    assert (await stranger("GET", f"/mr-api/authentication/{NOBODY}")).status == 404
