from uuid import UUID

import pytest
import trio
from prometheus_client import CollectorRegistry

from fh.mr.access import PersonType
from fh.mr.http.app import create_mr_app
from fh.mr.http.schemas.credentials import (
    PasswordReset,
    PasswordUpdate,
    PersonRegistrationDetails,
    RegistrationUrl,
)
from fh.mr.http.schemas.people import Person, PersonIdentifier, TokenizedPerson, UserCredentials
from fh.mr.http.schemas.person_changes import AdminServiceResetTokenResponse
from fh.mr.http.schemas.setup import SetupSiteAdmin
from fh.mr.services.registrations import Invitation, Registrant
from fh.mr.settings import MrSettings

CHANGED = {"oldPassword": "password123", "newPassword": "correct horse"}


async def identifier(api):
    return (await api("GET", "/mr-api/person/self")).body["id"]["id"]


async def log_in(api, email, password):
    return await api("POST", "/mr-api/login", {"email": email, "password": password})


def change(api, who, body=CHANGED):
    return api("PUT", f"/mr-api/authentication/{who}/changePassword", body)


def reset(api, who, **body):
    return api(
        "PUT", f"/mr-api/authentication/{who}/resetPassword", {"password": "temporary"} | body
    )


def replace(api, who, password="correct horse"):
    return api("PUT", f"/mr-api/authentication/{who}/replaceTempPassword", {"password": password})


async def admins_of_first(superuser):
    [portfolio] = (await superuser("GET", "/mr-api/portfolio?includeGroups=true")).body
    return portfolio["groups"][0]["id"]


async def test_a_changed_password_leaves_only_the_session_that_changed_it(
    superuser, stranger, add_person
):
    ada = await add_person("ada@i.com")
    other = stranger.as_person(
        (await log_in(stranger, "ada@i.com", "password123")).body["accessToken"]
    )
    answer = await change(ada, await identifier(ada))
    assert (answer.status, answer.body["email"]) == (200, "ada@i.com")
    assert (await ada("GET", "/mr-api/portfolio")).status == 200
    assert (await other("GET", "/mr-api/portfolio")).status == 401
    assert (await log_in(stranger, "ada@i.com", "password123")).status == 404
    assert (await log_in(stranger, "ada@i.com", "correct horse")).status == 200
    assert (await superuser("GET", "/mr-api/portfolio")).status == 200


async def test_superusers_change_passwords_that_they_know(superuser, add_person):
    ada = await add_person("ada@i.com")
    who = await identifier(ada)
    assert (await change(superuser, who, CHANGED | {"oldPassword": "guess"})).status == 400
    assert (await change(superuser, who)).status == 200
    assert (await ada("GET", "/mr-api/portfolio")).status == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (CHANGED | {"oldPassword": "wrong"}, "oldPassword"),
        (CHANGED | {"oldPassword": ""}, "oldPassword"),
        (CHANGED | {"newPassword": "  "}, "newPassword"),
        (CHANGED | {"newPassword": "x" * 101}, "newPassword"),
        ({"oldPassword": "password123"}, "newPassword"),
    ],
)
async def test_what_is_no_change_of_a_password(superuser, body, field):
    answer = await change(superuser, await identifier(superuser), body)
    assert (answer.status, answer.body["field"]) == (400, field)


async def test_nobody_changes_the_password_of_others(superuser, add_person):
    ada = await add_person("ada@i.com")
    paula = await add_person("paula@i.com", (await admins_of_first(superuser),))
    who = await identifier(ada)
    assert (await change(paula, who)).status == 403
    assert (await change(ada, await identifier(superuser))).status == 403
    assert (await change(superuser, "5f8e6c1e-8f1c-4a0e-9f43-0d2b8f6b7a11")).status == 404
    assert (await change(superuser, "nonsense")).status == 404


@pytest.mark.usefixtures("no_failure_is_forgotten")
async def test_old_passwords_can_not_be_guessed_for_long(superuser, stranger):
    me = await identifier(superuser)
    wrong = CHANGED | {"oldPassword": "wrong"}
    assert [(await change(superuser, me, wrong)).status for _ in range(10)] == [400] * 10
    assert (await change(superuser, me)).status == 429
    # Guesses count together, wherever they are made.
    assert (await log_in(stranger, "irina@i.com", "password123")).status == 429


async def test_machines_have_no_password(superuser, sql):
    [robot] = await sql(
        "INSERT INTO person (email, person_type) VALUES ('r@i.com', 'serviceAccount') RETURNING id"
    )
    assert (await change(superuser, robot["id"])).status == 400
    assert (await reset(superuser, robot["id"])).status == 404


async def test_a_temporary_password_opens_nothing_but_its_replacement(
    superuser, stranger, add_person
):
    ada = await add_person("ada@i.com")
    who = await identifier(ada)
    answer = await reset(superuser, who)
    assert (answer.status, answer.body["passwordRequiresReset"]) == (200, True)
    assert (await ada("GET", "/mr-api/portfolio")).status == 401

    entered = await log_in(stranger, "ada@i.com", "temporary")
    assert entered.body["person"]["passwordRequiresReset"] is True
    ada = stranger.as_person(entered.body["accessToken"])
    for method, path in (
        ("GET", "/mr-api/portfolio"),
        ("GET", "/mr-api/person/self"),
        ("GET", "/mr-api/logout"),
    ):
        assert (await ada(method, path)).status == 401
    assert (await change(ada, who, {"oldPassword": "temporary", "newPassword": "x"})).status == 401

    done = await replace(ada, who)
    assert done.status == 200
    assert done.body["person"]["passwordRequiresReset"] is False
    assert (await ada("GET", "/mr-api/portfolio")).status == 401
    fresh = stranger.as_person(done.body["accessToken"])
    assert (await fresh("GET", "/mr-api/portfolio")).status == 200
    assert (await log_in(stranger, "ada@i.com", "temporary")).status == 404
    assert (await replace(fresh, who)).status == 403


async def test_a_temporary_password_is_replaced_by_its_owner_with_something(
    superuser, stranger, add_person
):
    ada = await add_person("ada@i.com")
    who = await identifier(ada)
    await reset(superuser, who)
    ada = stranger.as_person((await log_in(stranger, "ada@i.com", "temporary")).body["accessToken"])
    assert (await replace(ada, await identifier(superuser))).status == 403
    answer = await replace(ada, who, "  ")
    assert (answer.status, answer.body["field"]) == (400, "password")
    assert (await replace(stranger, who)).status == 401
    assert (await replace(stranger.as_person("nonsense"), who, "")).body == b"Please login."


async def test_of_two_who_replace_at_once_one_does(superuser, stranger, add_person):
    ada = await add_person("ada@i.com")
    who = await identifier(ada)
    await reset(superuser, who)
    ada = stranger.as_person((await log_in(stranger, "ada@i.com", "temporary")).body["accessToken"])
    statuses = []

    async def attempt():
        statuses.append((await replace(ada, who)).status)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(attempt)
        nursery.start_soon(attempt)
    assert min(statuses) == 200
    assert max(statuses) in {401, 403}


async def test_who_gets_a_temporary_password(superuser, add_person, sql):
    admins = await admins_of_first(superuser)
    paula = await add_person("paula@i.com", (admins,))
    ada = await add_person("ada@i.com")
    who = await identifier(ada)
    await sql("UPDATE person SET when_archived = now() WHERE email = 'ada@i.com'")
    assert (await reset(paula, who)).status == 404
    answer = await reset(paula, who, reactivate=True)
    assert (answer.status, answer.body["email"]) == (200, "ada@i.com")
    assert (await reset(paula, who, password=" ")).status == 404
    assert (await reset(paula, await identifier(paula))).status == 404
    assert (await reset(paula, "5f8e6c1e-8f1c-4a0e-9f43-0d2b8f6b7a11")).status == 404
    assert (await reset(ada, who)).status == 401
    assert (await reset(superuser, await identifier(superuser))).status == 404
    eve = await add_person("eve@i.com")
    assert (await reset(eve, await identifier(paula))).status == 403


def test_passwords_and_tokens_show_in_no_repr():
    person = Person(PersonIdentifier(UUID(int=1)), "n", "e@i", PersonType.PERSON, 1, False)
    shown = [
        repr(UserCredentials("e@i", "hunter2")),
        repr(TokenizedPerson("hunter2", person)),
        repr(SetupSiteAdmin("p", "o", "e@i", "hunter2")),
        repr(RegistrationUrl(UUID(int=1), "hunter2", "https://h/hunter2")),
        repr(AdminServiceResetTokenResponse("hunter2")),
        repr(Invitation(UUID(int=1), "hunter2")),
        repr(Registrant("hunter2", "e@i", "n", "hunter2", "hunter2")),
        repr(PasswordReset("hunter2")),
        repr(PasswordUpdate("hunter2", "hunter2")),
        repr(PersonRegistrationDetails("n", "e@i", "hunter2", "hunter2", "hunter2")),
    ]
    assert not any("hunter2" in text for text in shown)


async def test_without_local_logins_nobody_registers(database, superuser):
    settings = MrSettings(local_login_enabled=False, password_memory_kib=64, password_passes=1)
    app = create_mr_app(database, settings, registry=CollectorRegistry(), name="x")
    details = {
        "name": "n",
        "email": "a@i.com",
        "password": "p",
        "confirmPassword": "p",
        "registrationToken": "t",
    }
    response = await app.test_client().post("/mr-api/authentication", json=details)
    assert response.status_code == 403
