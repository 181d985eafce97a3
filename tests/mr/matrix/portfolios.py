"""Portfolios, groups and memberships."""

from typing import Any

from tests.mr.matrix.row import Row
from tests.mr.matrix.world import (
    ADMINS,
    LOGGED_IN,
    MEMBERS,
    NO_ID,
    SUPERUSERS,
    Ask,
    Who,
    World,
)

# Who does not know a group is told that there is none.
UNKNOWING = LOGGED_IN - ADMINS


async def find(_: World, __: Who) -> Ask:
    return Ask("GET", "/mr-api/portfolio")


async def create(world: World, _: Who) -> Ask:
    return Ask("POST", "/mr-api/portfolio", {"name": world.name()})


async def get(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/portfolio/{world.portfolio}")


async def changed(world: World) -> dict[str, Any]:
    version = await world.version("portfolio", world.portfolio)
    return {"id": world.portfolio, "name": world.name(), "version": version}


async def update(world: World, _: Who) -> Ask:
    return Ask("PUT", "/mr-api/portfolio", await changed(world))


async def update_by_id(world: World, _: Who) -> Ask:
    return Ask("PUT", f"/mr-api/portfolio/{world.portfolio}", await changed(world))


async def delete(world: World, _: Who) -> Ask:
    created = await world.make("POST", "/mr-api/portfolio", {"name": world.name()})
    return Ask("DELETE", f"/mr-api/portfolio/{created['id']}")


async def delete_own(world: World, _: Who) -> Ask:
    return Ask("DELETE", f"/mr-api/portfolio/{world.portfolio}")


async def find_groups(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/portfolio/{world.portfolio}/group")


async def create_group(world: World, _: Who) -> Ask:
    return Ask("POST", f"/mr-api/portfolio/{world.portfolio}/group", {"name": world.name()})


async def get_group(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/group/{await world.add_group()}?includeMembersV2=true")


async def get_own_group(world: World, who: Who) -> Ask:
    return Ask("GET", f"/mr-api/group/{world.groups.get(who, NO_ID)}")


async def get_superusers_group(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/group/{world.superusers}")


def updating(version: str) -> Any:
    async def ask(world: World, _: Who) -> Ask:
        body = {"id": await world.add_group(), "name": world.name(), "version": 1}
        return Ask("PUT", f"/mr-api/portfolio/{world.portfolio}/{version}", body)

    return ask


def updating_own(last: str) -> Any:
    async def ask(world: World, who: Who) -> Ask:
        group = world.groups.get(who, NO_ID)
        version = await world.version("person_group", group) if who in world.groups else 1
        body = {"id": group, "name": world.name(), "version": version}
        return Ask("PUT", f"/mr-api/portfolio/{world.portfolio}/{last}", body)

    return ask


async def delete_group(world: World, _: Who) -> Ask:
    return Ask("DELETE", f"/mr-api/group/{await world.add_group()}")


async def delete_admins(world: World, _: Who) -> Ask:
    return Ask("DELETE", f"/mr-api/group/{world.admins}")


async def add_several(world: World, _: Who) -> Ask:
    group, who = await world.add_group(), await world.add_person()
    return Ask("POST", f"/mr-api/group/{group}/person?personId={who}")


async def add_one(world: World, _: Who) -> Ask:
    group, who = await world.add_group(), await world.add_person()
    return Ask("POST", f"/mr-api/group/{group}/person/{who}")


async def add_superuser(world: World, _: Who) -> Ask:
    who = await world.add_person()
    return Ask("POST", f"/mr-api/group/{world.superusers}/person/{who}")


async def add_superusers(world: World, _: Who) -> Ask:
    who = await world.add_person()
    return Ask("POST", f"/mr-api/group/{world.superusers}/person?personId={who}")


async def remove(world: World, _: Who) -> Ask:
    group = await world.add_group()
    return Ask("DELETE", f"/mr-api/group/{group}/person/{await world.add_person(group)}")


async def remove_superuser(world: World, _: Who) -> Ask:
    who = await world.add_person(world.superusers)
    return Ask("DELETE", f"/mr-api/group/{world.superusers}/person/{who}")


def how_many(answer: Any) -> int:
    return len(answer.body)


OWN_GROUP = MEMBERS - ADMINS

ROWS = (
    Row(
        "findPortfolios",
        find,
        {SUPERUSERS: (200, 2), MEMBERS | {Who.OTHER_ADMIN}: (200, 1)},
        refused=(200, 0),
        shows=how_many,
    ),
    Row("createPortfolio", create, {SUPERUSERS: 200}),
    Row("getPortfolio", get, {MEMBERS: 200}, refused=404),
    Row("updatePortfolioOnOrganisation", update, {ADMINS: 200}),
    Row("updatePortfolio", update_by_id, {ADMINS: 200}),
    Row("deletePortfolio", delete, {SUPERUSERS: 200}),
    Row("deletePortfolio", delete_own, {SUPERUSERS: 200}, variant="one's own"),
    Row("findGroups", find_groups, {MEMBERS: 200}),
    Row("createGroup", create_group, {ADMINS: 200}),
    Row("getGroup", get_group, {ADMINS: 200}, refused=404),
    Row(
        "getGroup",
        get_own_group,
        {MEMBERS | {Who.OTHER_ADMIN}: 200},
        refused=404,
        variant="one's own",
    ),
    Row("getGroup", get_superusers_group, {SUPERUSERS: 200}, refused=404, variant="superusers'"),
    Row("updateGroupOnPortfolio", updating("group"), {ADMINS: 200, UNKNOWING: 404}),
    Row("updateGroupOnPortfolioV2", updating("v2/group"), {ADMINS: 200, UNKNOWING: 404}),
    Row(
        "updateGroupOnPortfolio",
        updating_own("group"),
        {OWN_GROUP: 403, UNKNOWING: 404, ADMINS: 200},
        variant="one's own",
    ),
    Row(
        "updateGroupOnPortfolioV2",
        updating_own("v2/group"),
        {OWN_GROUP: 403, UNKNOWING: 404, ADMINS: 200},
        variant="one's own",
    ),
    Row("deleteGroup", delete_group, {ADMINS: 200}),
    Row("deleteGroup", delete_admins, {}, variant="the admins'"),
    Row("addPersonsToGroup", add_several, {ADMINS: 200}),
    Row("addPersonsToGroup", add_superusers, {SUPERUSERS: 200}, variant="superusers"),
    Row("addPersonToGroup", add_one, {ADMINS: 200}),
    Row("addPersonToGroup", add_superuser, {SUPERUSERS: 200}, variant="a superuser"),
    Row("deletePersonFromGroup", remove, {ADMINS: 200}),
    Row("deletePersonFromGroup", remove_superuser, {SUPERUSERS: 200}, variant="a superuser"),
)
