from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from fh.config import Secret
from fh.mr.repositories.webhooks import WebhookResult, insert_result

FEATURES = "webhook-environment-result-v1"
SLACK = "integration/slack-v1"
_SENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def path(shop):
    return f"/mr-api/webhooks/{shop.production}"


@pytest.fixture
def deliver(shop, database):
    async def one(number: int = 0, **members):
        result = WebhookResult(
            when_sent=_SENT + timedelta(seconds=number),
            method="POST",
            status=200,
            webhook_type=members.pop("webhook_type", FEATURES),
            delivered_type="enriched-feature-v1",
            source_system="/webhook-features",
            content='{"a": 1}',
            result="thanks",
            **members,
        )
        await database.transaction(lambda tx: insert_result(tx, shop.production, result))

    return one


@pytest.fixture
async def portfolio_admin(shop, sql, add_person):
    [row] = await sql(
        "SELECT id FROM person_group WHERE portfolio_id = $1 AND admin", shop.portfolio
    )
    return await add_person("admin@i.com", (str(row["id"]),))


async def test_everybody_may_know_the_types(stranger, reconfigured):
    answer = await stranger("GET", "/mr-api/webhooks")
    assert answer.status == 200
    assert answer.body["types"] == [
        {
            "messageType": FEATURES,
            "envPrefix": "webhook.features",
            "description": "Webhook: Feature updates",
        }
    ]


@pytest.mark.parametrize(
    ("changes", "types"),
    [
        ({"secrets_password": Secret("x")}, [FEATURES, SLACK]),
        ({"secrets_password": Secret("x"), "slack_enabled": False}, [FEATURES]),
        ({}, [FEATURES]),
    ],
)
async def test_slack_is_there_where_its_token_is_sealed(reconfigured, changes, types):
    answer = await reconfigured(**changes)("GET", "/mr-api/webhooks")
    assert [one["messageType"] for one in answer.body["types"]] == types


async def test_a_test_is_asked_for_and_kept_until_it_is_made(shop, sql, portfolio_admin):
    body = {"messageType": FEATURES, "envId": shop.production, "config": {"a": "b"}}
    for api in (shop.api, portfolio_admin):
        answer = await api("POST", "/mr-api/webhooks", body)
        assert (answer.status, answer.body) == (204, b"")
    [row] = await sql("SELECT environment_id, message_type FROM webhook_test")
    assert (str(row[0]), row[1]) == (shop.production, FEATURES)


async def test_tests_of_what_is_not_there_are_refused(shop):
    body = {"messageType": SLACK, "envId": shop.production, "config": {}}
    answer = await shop.api("POST", "/mr-api/webhooks", body)
    assert (answer.status, answer.body["field"]) == (400, "messageType")
    unknown = {"messageType": FEATURES, "envId": str(uuid4()), "config": {}}
    assert (await shop.api("POST", "/mr-api/webhooks", unknown)).status == 404
    answer = await shop.api("POST", "/mr-api/webhooks", {"messageType": FEATURES})
    assert (answer.status, answer.body["field"]) == (400, "envId")


async def test_deliveries_are_listed_newest_first(shop, path, deliver):
    for number in range(25):
        await deliver(number)
    answer = await shop.api("GET", path)
    assert answer.body["max"] == 25
    times = [one["whenSent"] for one in answer.body["results"]]
    assert len(times) == 20
    assert times == sorted(times, reverse=True)
    assert answer.body["results"][0]["type"] == FEATURES
    assert answer.body["results"][0]["status"] == 200
    assert len((await shop.api("GET", f"{path}?max=1")).body["results"]) == 20
    assert len((await shop.api("GET", f"{path}?max=9999&startAt=3")).body["results"]) == 22


async def test_deliveries_can_be_chosen_by_type(shop, path, deliver):
    await deliver(1)
    await deliver(2, webhook_type=SLACK)
    answer = await shop.api("GET", f"{path}?filter={FEATURES}")
    assert (answer.body["max"], len(answer.body["results"])) == (1, 1)
    assert (await shop.api("GET", f"{path}?filter=")).body["max"] == 2


async def test_all_about_one_delivery(shop, path, deliver):
    await deliver(url="https://example.com", incoming_headers={"server": "x"})
    [one] = (await shop.api("GET", path)).body["results"]
    answer = await shop.api("GET", f"{path}/{one['id']}")
    assert answer.body == {
        "whenSent": "2026-01-02T03:04:05Z",
        "status": 200,
        "method": "POST",
        "sourceSystem": "/webhook-features",
        "deliveredDataCloudEventType": "enriched-feature-v1",
        "cloudEventType": FEATURES,
        "content": '{"a": 1}',
        "result": "thanks",
        "url": "https://example.com",
        "incomingHeaders": {"server": "x"},
    }
    other = await shop.add_environment("other")
    assert (await shop.api("GET", f"/mr-api/webhooks/{other['id']}/{one['id']}")).status == 404
    assert (await shop.api("GET", f"{path}/{uuid4()}")).status == 404


async def test_only_admins_see_deliveries_and_test(shop, path, member, deliver, portfolio_admin):
    api, group = member
    await shop.grant(group, ["CHANGE_VALUE"], environment=shop.production)
    await deliver()
    [one] = (await portfolio_admin("GET", path)).body["results"]
    assert (await portfolio_admin("GET", f"{path}/{one['id']}")).status == 200
    assert (await api("GET", path)).status == 403
    assert (await api("GET", f"{path}/{one['id']}")).status == 403
    body = {"messageType": FEATURES, "envId": shop.production, "config": {}}
    assert (await api("POST", "/mr-api/webhooks", body)).status == 403
    unknown = f"/mr-api/webhooks/{uuid4()}"
    assert (await api("GET", unknown)).status == 403
    assert (await shop.api("GET", unknown)).status == 404


@pytest.fixture
def track(sql):
    async def one(link, kind=SLACK, responses="[]"):
        await sql(
            "INSERT INTO tracked_event (id, message_type, link_type, link_id, data, responses,"
            " when_created) VALUES (gen_random_uuid(), $1, 'env', $2, '{}', $3::text::jsonb,"
            " clock_timestamp())",
            kind,
            link,
            responses,
        )

    return one


ANSWERS = (
    '[{"status": 503, "when": "2026-01-02T03:04:05Z", "content": "busy", "method": "POST"},'
    ' {"status": 200, "when": "2026-01-02T03:04:06Z", "headers": {"a": "b"}}]'
)


async def test_tracked_messages_with_their_newest_answer_or_all(shop, track):
    await track(shop.production)
    await track(shop.production, responses=ANSWERS)
    path = f"/mr-api/track-events/{shop.production}?source=env"
    answer = await shop.api("GET", path)
    assert answer.body["count"] == 2
    newest, oldest = answer.body["items"]
    assert oldest["eventResponses"] == []
    assert newest["eventResponses"] == [
        {"status": 200, "whenReceived": "2026-01-02T03:04:06Z", "headers": {"a": "b"}}
    ]
    both = await shop.api("GET", f"{path}&firstOnly=false")
    statuses = [one["status"] for one in both.body["items"][0]["eventResponses"]]
    assert statuses == [200, 503]
    assert both.body["items"][0]["eventResponses"][1]["message"] == "busy"


async def test_tracked_messages_by_page_and_type(shop, track):
    for _ in range(3):
        await track(shop.production)
    await track(shop.production, kind="other")
    path = f"/mr-api/track-events/{shop.production}?source=env"
    page = await shop.api("GET", f"{path}&pageSize=3&page=1")
    assert (page.body["count"], len(page.body["items"])) == (4, 1)
    odd = await shop.api("GET", f"{path}&pageSize=9999&page=-4")
    assert len(odd.body["items"]) == 4
    chosen = await shop.api("GET", f"{path}&cloudEventType=other")
    assert (chosen.body["count"], len(chosen.body["items"])) == (1, 1)


async def test_tracked_messages_are_about_environments_and_for_admins(shop, member, track):
    api, _group = member
    path = f"/mr-api/track-events/{shop.production}"
    missing = await shop.api("GET", path)
    assert (missing.status, missing.body["field"]) == (400, "source")
    assert (await shop.api("GET", f"{path}?source=app")).status == 404
    assert (await api("GET", f"{path}?source=env")).status == 403
    assert (await shop.api("GET", f"/mr-api/track-events/{uuid4()}?source=env")).status == 404
