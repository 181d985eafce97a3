"""People and admin service accounts."""

from typing import Any

from tests.mr.matrix.row import Row
from tests.mr.matrix.world import (
    ADMINS,
    ANY_ADMINS,
    LOGGED_IN,
    SUPERUSERS,
    Ask,
    Who,
    World,
)


def creating(**more: Any) -> Any:
    async def ask(world: World, _: Who) -> Ask:
        groups = [getattr(world, each) for each in more.get("groups", ())]
        body = {"email": f"{world.name()}@i.com", "personType": "person", "groupIds": groups}
        return Ask("POST", "/mr-api/person", body)

    return ask


async def create_robot(world: World, _: Who) -> Ask:
    return Ask("POST", "/mr-api/person", {"name": world.name(), "personType": "serviceAccount"})


async def find(_: World, __: Who) -> Ask:
    return Ask("GET", "/mr-api/person?countGroups=true")


async def get_self(_: World, __: Who) -> Ask:
    return Ask("GET", "/mr-api/person/self")


async def get_other(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/person/{await world.add_person()}")


async def update(world: World, _: Who) -> Ask:
    who = await world.add_person()
    return Ask("PUT", f"/mr-api/person/{who}", {"version": 1, "name": "New"})


async def update_superuser(world: World, _: Who) -> Ask:
    who = await world.add_person(world.superusers)
    groups = [{"id": world.superusers}]
    return Ask("PUT", f"/mr-api/person/{who}", {"version": 1, "name": "New", "groups": groups})


async def update_v2(world: World, _: Who) -> Ask:
    who = await world.add_person()
    return Ask("PUT", f"/mr-api/person/{who}/v2", {"version": 1, "name": "New"})


async def update_superuser_v2(world: World, _: Who) -> Ask:
    who = await world.add_person(world.superusers)
    return Ask("PUT", f"/mr-api/person/{who}/v2", {"version": 1, "name": "New"})


async def delete(world: World, _: Who) -> Ask:
    return Ask("DELETE", f"/mr-api/person/{await world.add_person()}")


async def reset_token(world: World, _: Who) -> Ask:
    who = await world.add_person(kind="serviceAccount")
    return Ask("POST", f"/mr-api/person/{who}/token-reset")


async def reset_superuser_token(world: World, _: Who) -> Ask:
    who = await world.add_person(world.superusers, kind="serviceAccount")
    return Ask("POST", f"/mr-api/person/{who}/token-reset")


ROWS = (
    Row("findPeople", find, {ANY_ADMINS: 200}),
    Row("createPerson", creating(), {ANY_ADMINS: 200}),
    Row("createPerson", creating(groups=["admins"]), {ADMINS: 200}, variant="in a group"),
    Row(
        "createPerson",
        creating(groups=["superusers"]),
        {SUPERUSERS: 200},
        variant="a superuser",
    ),
    Row("createPerson", create_robot, {ANY_ADMINS: 200}, variant="a machine"),
    Row("getPerson", get_self, {LOGGED_IN: 200}, variant="oneself"),
    Row("getPerson", get_other, {ANY_ADMINS: 200}),
    Row("updatePerson", update, {ANY_ADMINS: 200}),
    Row("updatePerson", update_superuser, {SUPERUSERS: 200}, variant="a superuser"),
    Row("updatePersonV2", update_v2, {ANY_ADMINS: 204}),
    Row("updatePersonV2", update_superuser_v2, {SUPERUSERS: 204}, variant="a superuser"),
    Row("deletePerson", delete, {SUPERUSERS: 200}),
    Row("resetSecurityToken", reset_token, {ANY_ADMINS: 200}),
    Row("resetSecurityToken", reset_superuser_token, {SUPERUSERS: 200}, variant="a superuser's"),
)
