"""Application strategies, feature groups and feature filters."""

from typing import Any

from tests.mr.matrix.features import CHANGERS, CREATORS
from tests.mr.matrix.row import Row
from tests.mr.matrix.world import (
    ADMINS,
    APPLICATION_HOLDERS,
    LOGGED_IN,
    READERS,
    Ask,
    Who,
    World,
)

STRATEGY_DELETERS = ADMINS | {Who.APP_STRATEGY_EDIT_AND_DELETE}
STRATEGY_EDITORS = STRATEGY_DELETERS | {Who.APP_STRATEGY_EDIT}
STRATEGY_CREATORS = ADMINS | {Who.APP_STRATEGY_CREATE}
FILTER_READERS = ADMINS | APPLICATION_HOLDERS


def strategies_path(world: World) -> str:
    return f"/mr-api/application/{world.application}/strategy"


def groups_path(world: World) -> str:
    return f"/mr-api/application/{world.application}/feature-groups"


def filters_path(world: World) -> str:
    return f"/mr-api/portfolio/{world.portfolio}/feature-filter"


async def strategy_path(world: World) -> str:
    body = {"name": world.name(), "percentage": 500_000}
    made = await world.make("POST", strategies_path(world), body)
    return f"/mr-api/application/{world.application}/rollout-strategy/{made['id']}"


async def find(world: World, _: Who) -> Ask:
    return Ask("GET", strategies_path(world))


async def create(world: World, _: Who) -> Ask:
    return Ask("POST", strategies_path(world), {"name": world.name(), "percentage": 500_000})


async def get(world: World, _: Who) -> Ask:
    return Ask("GET", await strategy_path(world))


async def update(world: World, _: Who) -> Ask:
    return Ask("PUT", await strategy_path(world), {"name": world.name()})


async def delete(world: World, _: Who) -> Ask:
    return Ask("DELETE", await strategy_path(world))


async def validate(world: World, _: Who) -> Ask:
    path = f"/mr-api/application/{world.application}/rollout-strategy-validation"
    return Ask("POST", path, {"customStrategies": [], "sharedStrategies": []})


async def new_group(world: World) -> dict[str, Any]:
    return {"name": world.name(), "environmentId": world.environment, "features": []}


async def add_group(world: World) -> dict[str, Any]:
    return await world.make("POST", groups_path(world), await new_group(world))


async def find_groups(world: World, _: Who) -> Ask:
    return Ask("GET", groups_path(world))


async def create_group(world: World, _: Who) -> Ask:
    return Ask("POST", groups_path(world), await new_group(world))


async def get_group(world: World, _: Who) -> Ask:
    return Ask("GET", f"{groups_path(world)}/{(await add_group(world))['id']}")


async def update_group(world: World, _: Who) -> Ask:
    group = await add_group(world)
    body = {"id": group["id"], "version": group["version"], "name": world.name()}
    return Ask("PUT", groups_path(world), body)


async def delete_group(world: World, _: Who) -> Ask:
    return Ask("DELETE", f"{groups_path(world)}/{(await add_group(world))['id']}")


async def group_features(world: World, _: Who) -> Ask:
    return Ask("GET", f"{groups_path(world)}/environment/{world.environment}")


async def add_filter(world: World) -> dict[str, Any]:
    return await world.make("POST", filters_path(world), {"name": world.name()})


async def find_filters(world: World, _: Who) -> Ask:
    return Ask("GET", filters_path(world))


async def create_filter(world: World, _: Who) -> Ask:
    return Ask("POST", filters_path(world), {"name": world.name()})


async def get_filter(world: World, _: Who) -> Ask:
    return Ask("GET", f"{filters_path(world)}/{(await add_filter(world))['id']}")


async def update_filter(world: World, _: Who) -> Ask:
    return Ask("PUT", filters_path(world), await add_filter(world) | {"name": world.name()})


async def delete_filter(world: World, _: Who) -> Ask:
    found = await add_filter(world)
    return Ask("DELETE", f"{filters_path(world)}/{found['id']}?version={found['version']}")


def matching(kind: str) -> Any:
    async def ask(world: World, _: Who) -> Ask:
        found = await add_filter(world)
        return Ask("GET", f"{filters_path(world)}/matching/{kind}?filters={found['id']}")

    return ask


ROWS = (
    Row("listApplicationStrategies", find, {READERS: 200}),
    Row("createApplicationStrategy", create, {STRATEGY_CREATORS: 201}),
    Row("getApplicationStrategy", get, {READERS: 200}),
    Row("updateApplicationStrategy", update, {STRATEGY_EDITORS: 200}),
    Row("deleteApplicationStrategy", delete, {STRATEGY_DELETERS: 204}),
    Row("validate", validate, {LOGGED_IN: 200}),
    Row("listFeatureGroups", find_groups, {READERS: 200}),
    Row("createFeatureGroup", create_group, {CHANGERS: 201}),
    Row("getFeatureGroup", get_group, {READERS: 200}),
    Row("updateFeatureGroup", update_group, {CHANGERS: 200}),
    Row("deleteFeatureGroup", delete_group, {CHANGERS: 204}),
    Row("getFeatureGroupFeatures", group_features, {READERS: 200}),
    Row("findFeatureFilters", find_filters, {FILTER_READERS: 200}),
    Row("createFeatureFilter", create_filter, {CREATORS: 201}),
    Row("getFeatureFilter", get_filter, {FILTER_READERS: 200}),
    Row("updateFeatureFilter", update_filter, {CREATORS: 200}),
    Row("deleteFeatureFilter", delete_filter, {CREATORS: 200}),
    Row("getMatchingFilters", matching("applications"), {FILTER_READERS: 200}),
    Row(
        "getMatchingFilters",
        matching("serviceaccounts"),
        {ADMINS: 200},
        variant="service accounts",
    ),
)
