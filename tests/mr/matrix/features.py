"""Features, and their values in environments."""

from typing import Any

from tests.mr.matrix.row import Row
from tests.mr.matrix.world import (
    ADMINS,
    ENVIRONMENT_HOLDERS,
    LOGGED_IN,
    READERS,
    Ask,
    Who,
    World,
)

EDITORS = ADMINS | {Who.APP_FEATURE_EDIT, Who.APP_FEATURE_EDIT_AND_DELETE}
CREATORS = EDITORS | {Who.APP_FEATURE_CREATE}
CHANGERS = ADMINS | {Who.ENV_CHANGE_VALUE}
VALUE_CREATORS = ADMINS | {Who.APP_FEATURE_EDIT, Who.APP_FEATURE_CREATE}
LOCKERS = VALUE_CREATORS | {Who.ENV_LOCK}
UNLOCKERS = VALUE_CREATORS | {Who.ENV_UNLOCK}


def features_path(world: World) -> str:
    return f"/mr-api/application/{world.application}/features"


def value_path(world: World, key: str) -> str:
    return f"/mr-api/features/{world.environment}/feature/{key}"


async def find(world: World, _: Who) -> Ask:
    return Ask("GET", features_path(world))


async def create(world: World, _: Who) -> Ask:
    body = {"key": world.name(), "name": "New", "valueType": "BOOLEAN"}
    return Ask("POST", features_path(world), body)


async def create_many(world: World, _: Who) -> Ask:
    body = [{"key": world.name(), "name": "New", "valueType": "BOOLEAN"} for _ in range(2)]
    return Ask("POST", f"{features_path(world)}/batch", body)


async def get(world: World, _: Who) -> Ask:
    return Ask("GET", f"{features_path(world)}/{(await world.add_feature())['key']}")


async def update(world: World, _: Who) -> Ask:
    feature = await world.add_feature()
    return Ask("PUT", features_path(world), feature | {"name": "New"})


async def update_by_key(world: World, _: Who) -> Ask:
    feature = await world.add_feature()
    return Ask("PUT", f"{features_path(world)}/{feature['key']}", feature | {"name": "New"})


async def delete(world: World, _: Who) -> Ask:
    return Ask("DELETE", f"{features_path(world)}/{(await world.add_feature())['key']}")


async def get_values(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/features/{world.environment}")


async def get_value(world: World, _: Who) -> Ask:
    return Ask("GET", value_path(world, (await world.add_value())["key"]))


async def changed_value(world: World) -> dict[str, Any]:
    return await world.add_value() | {"valueString": "new"}


async def change(world: World, _: Who) -> Ask:
    value = await changed_value(world)
    return Ask("PUT", value_path(world, value["key"]), value)


async def change_by_post(world: World, _: Who) -> Ask:
    value = await changed_value(world)
    return Ask("POST", value_path(world, value["key"]), value)


async def lock(world: World, _: Who) -> Ask:
    value = await world.add_value()
    return Ask("PUT", value_path(world, value["key"]), value | {"locked": True})


async def unlock(world: World, _: Who) -> Ask:
    value = await world.add_value(locked=True)
    return Ask("PUT", value_path(world, value["key"]), value | {"locked": False})


def first_value(method: str) -> Any:
    async def ask(world: World, _: Who) -> Ask:
        key = (await world.add_feature())["key"]
        return Ask(method, value_path(world, key), {"key": key, "locked": False})

    return ask


async def change_all(world: World, _: Who) -> Ask:
    return Ask("PUT", f"/mr-api/features/{world.environment}", [await changed_value(world)])


async def delete_value(world: World, _: Who) -> Ask:
    return Ask("DELETE", value_path(world, (await world.add_value())["key"]))


async def get_everywhere(world: World, _: Who) -> Ask:
    key = (await world.add_value())["key"]
    return Ask("GET", f"/mr-api/application/{world.application}/feature-environments/{key}")


async def change_everywhere(world: World, _: Who) -> Ask:
    value = await changed_value(world) | {"environmentId": world.environment}
    path = f"/mr-api/application/{world.application}/feature-environments/{value['key']}"
    return Ask("PUT", path, [value])


def values_shown(answer: Any) -> tuple[int, int]:
    """Return how many environments are shown, and how many with their values."""
    return len(answer.body), sum("featureValue" in each for each in answer.body)


ROWS = (
    Row("getAllFeaturesForApplication", find, {READERS: 200}),
    Row("createFeaturesForApplication", create, {CREATORS: 200}),
    Row("createFeatureBatch", create_many, {CREATORS: 200}),
    Row("getFeatureByKey", get, {READERS: 200}),
    Row("updateFeatureForApplicationOnFeature", update, {EDITORS: 200}),
    Row("updateFeatureForApplication", update_by_key, {EDITORS: 200}),
    Row("deleteFeatureForApplication", delete, {EDITORS: 200}),
    Row("getFeaturesForEnvironment", get_values, {READERS: 200}),
    Row("getFeatureForEnvironment", get_value, {READERS: 200}),
    Row("updateFeatureForEnvironment", change, {CHANGERS: 200}),
    Row("updateFeatureForEnvironment", lock, {LOCKERS: 200}, variant="locking"),
    Row("updateFeatureForEnvironment", unlock, {UNLOCKERS: 200}, variant="unlocking"),
    Row(
        "updateFeatureForEnvironment",
        first_value("PUT"),
        {CHANGERS | LOCKERS | UNLOCKERS: 200},
        variant="the first value",
    ),
    Row(
        "createFeatureForEnvironment",
        first_value("POST"),
        {CHANGERS | LOCKERS | UNLOCKERS: 200},
    ),
    Row("createFeatureForEnvironment", change_by_post, {CHANGERS: 200}, variant="another value"),
    Row("updateAllFeaturesForEnvironment", change_all, {CHANGERS: 200}),
    Row("deleteFeatureForEnvironment", delete_value, {LOGGED_IN: 400}),
    Row(
        "getAllFeatureValuesByApplicationForKey",
        get_everywhere,
        {ADMINS | ENVIRONMENT_HOLDERS: (200, (1, 1))},
        refused=(200, (0, 0)),
        shows=values_shown,
    ),
    Row(
        "updateAllFeatureValuesByApplicationForKey",
        change_everywhere,
        {CHANGERS: 200},
        refused=400,
    ),
)
