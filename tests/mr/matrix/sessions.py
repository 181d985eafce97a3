"""Set-up, logins, invitations and passwords."""

from tests.mr.conftest import SITE
from tests.mr.matrix.row import Row
from tests.mr.matrix.world import (
    ANY_ADMINS,
    LOGGED_IN,
    NO_ID,
    PASSWORD,
    ROBOTS,
    SUPERUSERS,
    Ask,
    Who,
    World,
)

EVERYBODY = frozenset(Who)
NEW = {"oldPassword": PASSWORD, "newPassword": "another one"}


async def initialize(_: World, __: Who) -> Ask:
    return Ask("GET", "/mr-api/initialize")


async def set_up(_: World, __: Who) -> Ask:
    return Ask("POST", "/mr-api/initialize", SITE)


async def login(world: World, _: Who) -> Ask:
    [row] = await world.sql("SELECT email FROM person WHERE id = $1", await world.add_person())
    return Ask("POST", "/mr-api/login", {"email": row["email"], "password": PASSWORD})


async def logout(_: World, __: Who) -> Ask:
    return Ask("GET", "/mr-api/logout")


async def provider(_: World, __: Who) -> Ask:
    return Ask("GET", "/mr-api/external-provider/google")


async def register(world: World, _: Who) -> Ask:
    email, token = await world.add_invited()
    body = {
        "name": "Ada",
        "email": email,
        "password": "p",
        "confirmPassword": "p",
        "registrationToken": token,
    }
    return Ask("POST", "/mr-api/authentication", body)


async def by_token(world: World, _: Who) -> Ask:
    _, token = await world.add_invited()
    return Ask("GET", f"/mr-api/authentication/{token}")


async def renew(world: World, _: Who) -> Ask:
    email, _ = await world.add_invited()
    return Ask("POST", f"/mr-api/authentication/{email}/expiredTokenReset")


async def renew_superuser(world: World, _: Who) -> Ask:
    email, _ = await world.add_invited(world.superusers)
    return Ask("POST", f"/mr-api/authentication/{email}/expiredTokenReset")


async def replace_own(world: World, who: Who) -> Ask:
    path = f"/mr-api/authentication/{world.people.get(who, NO_ID)}/replaceTempPassword"
    return Ask("PUT", path, {"password": "another one"})


async def replace_other(world: World, _: Who) -> Ask:
    path = f"/mr-api/authentication/{await world.add_person()}/replaceTempPassword"
    return Ask("PUT", path, {"password": "another one"})


async def change_own(world: World, who: Who) -> Ask:
    path = f"/mr-api/authentication/{world.people.get(who, NO_ID)}/changePassword"
    return Ask("PUT", path, NEW)


async def change_other(world: World, _: Who) -> Ask:
    return Ask("PUT", f"/mr-api/authentication/{await world.add_person()}/changePassword", NEW)


async def reset(world: World, _: Who) -> Ask:
    who = await world.add_person()
    return Ask("PUT", f"/mr-api/authentication/{who}/resetPassword", {"password": "temporary"})


async def reset_superuser(world: World, _: Who) -> Ask:
    who = await world.add_person(world.superusers)
    return Ask("PUT", f"/mr-api/authentication/{who}/resetPassword", {"password": "temporary"})


ROWS = (
    Row("isInstalled", initialize, {EVERYBODY: 200}),
    Row("setupSiteAdmin", set_up, {EVERYBODY: 409}),
    Row("login", login, {EVERYBODY: 200}),
    Row("logout", logout, {LOGGED_IN: 204}),
    Row("getLoginUrlForProvider", provider, {EVERYBODY: 404}),
    Row("registerPerson", register, {EVERYBODY: 200}),
    Row("personByToken", by_token, {EVERYBODY: 200}),
    Row("resetExpiredToken", renew, {ANY_ADMINS: 200}),
    Row("resetExpiredToken", renew_superuser, {SUPERUSERS: 200}, variant="a superuser's"),
    Row("replaceTempPassword", replace_own, {frozenset({Who.MUST_RESET}): 200}),
    Row(
        "replaceTempPassword",
        replace_other,
        {frozenset({Who.MUST_RESET}): 403},
        variant="somebody else's",
    ),
    Row("changePassword", change_own, {ROBOTS: 400, LOGGED_IN: 200}, variant="one's own"),
    Row("changePassword", change_other, {SUPERUSERS: 200}),
    Row("resetPassword", reset, {ANY_ADMINS: 200}),
    Row("resetPassword", reset_superuser, {SUPERUSERS: 200}, variant="a superuser's"),
)
