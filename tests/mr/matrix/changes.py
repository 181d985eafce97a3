"""Changes of applications and environments, and what is told about an application."""

from typing import Any

from tests.mr.matrix.row import Row
from tests.mr.matrix.world import (
    ADMINS,
    APPLICATION_HOLDERS,
    ENVIRONMENT_HOLDERS,
    READERS,
    Ask,
    Who,
    World,
)


async def application_body(world: World) -> dict[str, Any]:
    version = await world.version("application", world.application)
    return {"id": world.application, "name": world.name(), "description": "", "version": version}


async def environment_body(world: World) -> dict[str, Any]:
    version = await world.version("environment", world.environment)
    return {"id": world.environment, "name": world.name(), "version": version}


async def update(world: World, _: Who) -> Ask:
    path = f"/mr-api/portfolio/{world.portfolio}/application"
    return Ask("PUT", path, await application_body(world))


async def update_by_id(world: World, _: Who) -> Ask:
    path = f"/mr-api/application/{world.application}"
    return Ask("PUT", path, await application_body(world))


async def summary(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/application/{world.application}/summary")


async def permissions(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/application/{world.application}/permissions")


async def update_environment(world: World, _: Who) -> Ask:
    path = f"/mr-api/application/{world.application}/environment"
    return Ask("PUT", path, await environment_body(world))


async def update_environment_v1(world: World, _: Who) -> Ask:
    path = f"/mr-api/environment/{world.environment}"
    return Ask("PUT", path, await environment_body(world))


async def update_environment_v2(world: World, _: Who) -> Ask:
    path = f"/mr-api/environment/{world.environment}/v2"
    return Ask("PUT", path, await environment_body(world))


async def order(world: World, _: Who) -> Ask:
    path = f"/mr-api/application/{world.application}/environment-ordering"
    return Ask("POST", path, [await environment_body(world)])


def roles_told(answer: Any) -> tuple[bool, bool]:
    """Return whether there are roles in the application, and in an environment."""
    environments = answer.body["environments"]
    return bool(answer.body["applicationRoles"]), any(each["roles"] for each in environments)


ROWS = (
    Row("updateApplicationOnPortfolio", update, {ADMINS: 200}),
    Row("updateApplication", update_by_id, {ADMINS: 200}),
    Row("summaryApplication", summary, {READERS: 200}),
    Row(
        "applicationPermissions",
        permissions,
        {
            ADMINS: (200, (True, True)),
            APPLICATION_HOLDERS: (200, (True, False)),
            ENVIRONMENT_HOLDERS: (200, (False, True)),
        },
        refused=(200, (False, False)),
        shows=roles_told,
    ),
    Row("updateEnvironmentOnApplication", update_environment, {ADMINS: 200}),
    Row("updateEnvironment", update_environment_v1, {ADMINS: 200}),
    Row("updateEnvironmentV2", update_environment_v2, {ADMINS: 200}),
    Row("environmentOrdering", order, {ADMINS: 200}),
)
