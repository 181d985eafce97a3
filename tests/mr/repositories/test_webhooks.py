from datetime import UTC, datetime, timedelta

import pytest

from fh.mr.repositories import webhooks as repository
from fh.mr.repositories.webhooks import WebhookResult

_SENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def delivery(number: int = 0) -> WebhookResult:
    return WebhookResult(
        when_sent=_SENT + timedelta(seconds=number),
        method="POST",
        status=200 + number,
        webhook_type="webhook-environment-result-v1",
        delivered_type="enriched-feature-v1",
        source_system="/webhook-features",
        content="{}",
        result="fine",
        url="https://example.com",
        outbound_headers={"a": "b"},
    )


async def test_a_delivery_is_kept_whole(database, place):
    async def work(tx):
        await repository.insert_result(tx, place.environment, delivery())
        [outline], total = await repository.find_results(tx, place.environment, None, 10, 0)
        return outline, total, await repository.find_result(tx, place.environment, outline.id)

    outline, total, found = await database.transaction(work)
    assert (total, outline.status, outline.when_sent) == (1, 200, _SENT)
    assert found == delivery()


async def test_only_the_newest_are_kept(database, place, monkeypatch):
    monkeypatch.setattr(repository, "MOST_RESULTS", 3)

    async def work(tx):
        for number in (4, 1, 3, 0, 2):
            await repository.insert_result(tx, place.environment, delivery(number))
        return await repository.find_results(tx, place.environment, None, 10, 0)

    found, total = await database.transaction(work)
    assert total == 3
    assert [one.status for one in found] == [204, 203, 202]


@pytest.mark.parametrize("times", [1, 3])
async def test_asking_twice_for_a_test_is_asking_once(database, place, sql, times):
    for _ in range(times):
        await database.transaction(
            lambda tx: repository.ask_for_test(tx, place.environment, "x", place.caller.person_id)
        )
    assert len(await sql("SELECT FROM webhook_test")) == 1
