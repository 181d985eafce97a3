"""Settings of an environment's integrations: merged, sealed, shown, announced."""

import pytest

from fh.config import Secret

PLACEHOLDER = "ENCRYPTED-TEXT"
URL = "https://hooks.example.com/s3cret"


@pytest.fixture
def sealing(reconfigured):
    return reconfigured(secrets_password=Secret("correct horse"), secrets_can_be_read=True)


async def save(shop, api, **settings):
    version = (await api("GET", f"/mr-api/environment/{shop.production}")).body["version"]
    return await api(
        "PUT",
        f"/mr-api/environment/{shop.production}/v2?includeDetails=true",
        {"version": version, "webhookEnvironmentInfo": settings},
    )


async def seen(shop, api, query=""):
    path = f"/mr-api/environment/{shop.production}?includeDetails=true{query}"
    return (await api("GET", path)).body["webhookEnvironmentInfo"]


SECRET = {
    "webhook.features.endpoint": URL,
    "webhook.features.encrypt": "webhook.features.endpoint",
    "webhook.features.enabled": "true",
}
VISIBLE = SECRET | {"webhook.features.endpoint": PLACEHOLDER}


async def test_secrets_are_sealed_in_the_database_and_in_what_is_announced(shop, sealing, sql):
    await shop.announced()
    answer = await save(shop, sealing, **SECRET)
    assert answer.body["webhookEnvironmentInfo"] == VISIBLE
    [row] = await sql("SELECT webhook_info::text FROM environment")
    assert "s3cret" not in row[0]
    [(_, event)] = await shop.announced()
    told = event["environment"]["wInfo"]
    assert told["webhook.features.endpoint"] == PLACEHOLDER
    assert set(told) - set(VISIBLE) == {
        "webhook.features.endpoint.encrypted",
        "webhook.features.endpoint.salt",
    }
    assert "s3cret" not in str(told)


async def test_an_empty_value_is_shown_as_what_it_is(shop, sealing):
    await save(shop, sealing, **SECRET)
    answer = await save(shop, sealing, **{"webhook.features.endpoint": ""})
    assert answer.body["webhookEnvironmentInfo"] == SECRET | {"webhook.features.endpoint": ""}


async def test_leaving_out_keeps_and_deleting_is_said(shop, sealing):
    await save(shop, sealing, **SECRET)
    await save(shop, sealing, **{"unknown.key": "kept"})
    assert await seen(shop, sealing) == VISIBLE | {"unknown.key": "kept"}
    await save(shop, sealing, **{"webhook.features.endpoint": PLACEHOLDER, "mgmt.x": "y"})
    opened = await seen(shop, sealing, "&decryptWebhookDetails=true")
    assert opened == SECRET | {"unknown.key": "kept"}
    await save(shop, sealing, **{"webhook.features.endpoint.deleted": "true"})
    assert "webhook.features.endpoint" not in await seen(shop, sealing)


async def test_admins_only_have_secrets_shown_and_only_where_that_is_enabled(
    shop, sealing, reconfigured, member, reconfigured_for
):
    await save(shop, sealing, **SECRET)
    query = "&decryptWebhookDetails=true"
    assert (await seen(shop, sealing, query))["webhook.features.endpoint"] == URL
    assert (await seen(shop, sealing))["webhook.features.endpoint"] == PLACEHOLDER
    disabled = reconfigured(secrets_password=Secret("correct horse"))
    assert (await seen(shop, disabled, query))["webhook.features.endpoint"] == PLACEHOLDER
    api, _group = member
    theirs = reconfigured_for(
        api, secrets_password=Secret("correct horse"), secrets_can_be_read=True
    )
    assert (await seen(shop, theirs, query))["webhook.features.endpoint"] == PLACEHOLDER


async def test_another_password_shows_placeholders(shop, sealing, reconfigured):
    await save(shop, sealing, **SECRET)
    other = reconfigured(secrets_password=Secret("wrong"), secrets_can_be_read=True)
    found = await seen(shop, other, "&decryptWebhookDetails=true")
    assert found["webhook.features.endpoint"] == PLACEHOLDER


async def test_without_a_password_the_same_is_shown(shop, reconfigured):
    plain = reconfigured(secrets_can_be_read=True)
    await save(shop, plain, **SECRET)
    assert await seen(shop, plain) == VISIBLE
    assert await seen(shop, plain, "&decryptWebhookDetails=true") == SECRET


async def test_targets_that_only_the_server_reaches_are_refused(shop, sealing, reconfigured):
    from fh.mr.webhook_targets import parse_networks

    local = {"webhook.features.endpoint": "http://localhost:3000/hook"}
    answer = await save(shop, sealing, **local)
    assert answer.status == 400
    assert answer.body["field"] == "webhookEnvironmentInfo.webhook.features.endpoint"
    allowing = reconfigured(webhook_networks=parse_networks("127.0.0.0/8"))
    assert (await save(shop, allowing, **local)).status == 200


async def test_settings_do_not_pile_up_for_ever(shop, sealing):
    for batch in range(2):
        many = {f"k.{batch}.{number}": "v" for number in range(300)}
        answer = await save(shop, sealing, **many)
    assert (answer.status, answer.body["field"]) == (400, "webhookEnvironmentInfo")
