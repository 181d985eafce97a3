"""Applications and environments."""

from typing import Any

from tests.mr.matrix.row import Row
from tests.mr.matrix.world import (
    ADMINS,
    ENVIRONMENT_HOLDERS,
    MEMBERS,
    READERS,
    Ask,
    Who,
    World,
)

SEES_KEYS = ADMINS | {Who.ENV_EXTENDED_DATA}
"""Whoever holds all that the account of `World.add_account` was granted."""


async def find(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/portfolio/{world.portfolio}/application")


async def create(world: World, _: Who) -> Ask:
    body = {"name": world.name(), "description": ""}
    return Ask("POST", f"/mr-api/portfolio/{world.portfolio}/application", body)


async def get(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/application/{world.application}")


async def delete(world: World, _: Who) -> Ask:
    return Ask("DELETE", f"/mr-api/application/{await world.add_application()}")


async def delete_own(world: World, _: Who) -> Ask:
    return Ask("DELETE", f"/mr-api/application/{world.application}")


async def find_environments(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/application/{world.application}/environment")


def creating_environment(last: str) -> Any:
    async def ask(world: World, _: Who) -> Ask:
        body = {"name": world.name(), "description": ""}
        return Ask("POST", f"/mr-api/application/{world.application}/{last}", body)

    return ask


async def get_environment(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/environment/{world.environment}")


async def get_environment_with_keys(world: World, _: Who) -> Ask:
    await world.add_account()
    query = "includeServiceAccounts=true&includeSdkUrl=true"
    return Ask("GET", f"/mr-api/environment/{world.environment}?{query}")


async def delete_environment(world: World, _: Who) -> Ask:
    return Ask("DELETE", f"/mr-api/environment/{await world.add_environment()}")


def how_many(answer: Any) -> int:
    return len(answer.body)


def body(answer: Any) -> Any:
    return answer.body


def has_keys(answer: Any) -> bool:
    """Return whether any secret or URL is shown, which are shown together."""
    shown = answer.body["serviceAccountPermission"][0]
    account = shown["serviceAccount"]
    found = {
        "sdkUrlClientEval" in shown,
        "sdkUrlServerEval" in shown,
        "apiKeyServerSide" in account,
        "apiKeyClientSide" in account,
    }
    [has] = found
    return has


ROWS = (
    Row(
        "findApplications",
        find,
        {ADMINS | ENVIRONMENT_HOLDERS: (200, 1)},
        refused=(200, 0),
        shows=how_many,
    ),
    Row("createApplication", create, {ADMINS: 200}),
    Row("getApplication", get, {READERS: 200}),
    Row("deleteApplication", delete, {ADMINS: 200}),
    Row(
        "findEnvironments",
        find_environments,
        {MEMBERS: (200, 1)},
        refused=(200, 0),
        shows=how_many,
    ),
    Row("createEnvironmentOnApplication", creating_environment("environment"), {ADMINS: 200}),
    Row("createEnvironment", creating_environment("permissions"), {ADMINS: 200}),
    Row("getEnvironment", get_environment, {MEMBERS: 200}),
    Row(
        "getEnvironment",
        get_environment_with_keys,
        {SEES_KEYS: (200, True), MEMBERS: (200, False)},
        variant="with keys",
        shows=has_keys,
    ),
    Row(
        "deleteEnvironment",
        delete_environment,
        {ADMINS: (200, True)},
        refused=(200, False),
        shows=body,
    ),
)
