"""Webhooks, tracked messages, and the settings of the whole site."""

from tests.mr.matrix.row import Row
from tests.mr.matrix.world import ADMINS, NO_ID, SUPERUSERS, Ask, Who, World

EVERYBODY = frozenset(Who)


async def types(_: World, __: Who) -> Ask:
    return Ask("GET", "/mr-api/webhooks")


async def check(world: World, _: Who) -> Ask:
    types_known = await world.make("GET", "/mr-api/webhooks")
    body = {
        "messageType": types_known["types"][0]["messageType"],
        "envId": world.environment,
        "config": {},
    }
    return Ask("POST", "/mr-api/webhooks", body)


async def deliveries(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/webhooks/{world.environment}")


async def delivery(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/webhooks/{world.environment}/{NO_ID}")


async def tracked(world: World, _: Who) -> Ask:
    return Ask("GET", f"/mr-api/track-events/{world.environment}?source=env")


async def settings(_: World, __: Who) -> Ask:
    return Ask("GET", "/mr-api/system-api?filters=slack.")


async def save_settings(_: World, __: Who) -> Ask:
    return Ask("POST", "/mr-api/system-api", {"configs": []})


async def decrypt(_: World, __: Who) -> Ask:
    return Ask("GET", "/mr-api/system-api/slack.bearerToken/decrypt")


async def refresh(world: World, _: Who) -> Ask:
    return Ask("POST", "/mr-api/dacha1/cache", {"applicationId": [world.application]})


ROWS = (
    Row("getWebhookTypes", types, {EVERYBODY: 200}),
    Row("testWebhook", check, {ADMINS: 204}),
    Row("listWebhooks", deliveries, {ADMINS: 200}),
    Row("getWebhookDetails", delivery, {ADMINS: 404}, variant="that there is not"),
    Row("getTrackedEvents", tracked, {ADMINS: 200}),
    Row("getSystemConfig", settings, {SUPERUSERS: 200}),
    Row("createOrUpdateSystemConfigs", save_settings, {SUPERUSERS: 200}),
    Row("decryptSystemConfig", decrypt, {SUPERUSERS: 404}, variant="without decryption"),
    Row("cacheRefresh", refresh, {SUPERUSERS: 200}),
)
