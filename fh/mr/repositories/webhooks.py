"""What became of webhooks, and tests of them that somebody asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from fh.db.port import Row, Transaction
from fh.model.ids import EnvironmentId, PersonId
from fh.mr.repositories.environments import decode_information

MOST_RESULTS: Final = 1000
"""Of one environment; older ones go when a new one comes."""


@dataclass(frozen=True, slots=True)
class WebhookResult:
    """One delivery. Status 0: nobody answered."""

    when_sent: datetime
    method: str
    status: int
    webhook_type: str
    delivered_type: str
    source_system: str
    content: str
    result: str
    url: str | None = None
    outbound_headers: Mapping[str, str] | None = None
    incoming_headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ResultOutline:
    """One delivery in a list."""

    id: UUID
    webhook_type: str
    method: str
    status: int
    when_sent: datetime


_COUNT = """
SELECT count(*) FROM webhook_result
WHERE environment_id = $1 AND ($2::text IS NULL OR webhook_type = $2)
"""

_PAGE = """
SELECT id, webhook_type, method, status, when_sent FROM webhook_result
WHERE environment_id = $1 AND ($2::text IS NULL OR webhook_type = $2)
ORDER BY when_sent DESC, id
LIMIT $3 OFFSET $4
"""

_BY_ID = """
SELECT when_sent, method, status, webhook_type, delivered_type, source_system, content, result,
       url, outbound_headers::text, incoming_headers::text
FROM webhook_result WHERE environment_id = $1 AND id = $2
"""

_INSERT = """
INSERT INTO webhook_result (environment_id, when_sent, method, status, webhook_type,
                            delivered_type, source_system, content, result, url,
                            outbound_headers, incoming_headers)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb, $12::text::jsonb)
"""

_PRUNE = """
DELETE FROM webhook_result WHERE id IN (
    SELECT id FROM webhook_result WHERE environment_id = $1
    ORDER BY when_sent DESC, id OFFSET $2
)
"""

_ASK = """
INSERT INTO webhook_test (environment_id, message_type, who_asked) VALUES ($1, $2, $3)
ON CONFLICT (environment_id, message_type) DO UPDATE
SET who_asked = excluded.who_asked, when_asked = now()
"""


async def find_results(
    tx: Transaction,
    environment_id: EnvironmentId,
    webhook_type: str | None,
    limit: int,
    offset: int,
) -> tuple[Sequence[ResultOutline], int]:
    """Return a page of deliveries, the newest first, and how many there are in all."""
    total: int = await tx.fetchval(_COUNT, environment_id, webhook_type)
    rows = await tx.fetch(_PAGE, environment_id, webhook_type, limit, offset)
    return [ResultOutline(*row) for row in rows], total


async def find_result(
    tx: Transaction, environment_id: EnvironmentId, result_id: UUID
) -> WebhookResult | None:
    """Return one delivery of an environment."""
    row = await tx.fetchrow(_BY_ID, environment_id, result_id)
    return None if row is None else _result(row)


async def insert_result(
    tx: Transaction, environment_id: EnvironmentId, result: WebhookResult
) -> None:
    """Keep what became of a delivery, and no more of them than `MOST_RESULTS`."""
    await tx.execute(
        _INSERT,
        environment_id,
        result.when_sent,
        result.method,
        result.status,
        result.webhook_type,
        result.delivered_type,
        result.source_system,
        result.content,
        result.result,
        result.url,
        _encoded(result.outbound_headers),
        _encoded(result.incoming_headers),
    )
    await tx.execute(_PRUNE, environment_id, MOST_RESULTS)


async def ask_for_test(
    tx: Transaction, environment_id: EnvironmentId, message_type: str, person_id: PersonId
) -> None:
    """Note that somebody wants a webhook to be tried; asking twice is asking once."""
    await tx.execute(_ASK, environment_id, message_type, person_id)


def _result(row: Row) -> WebhookResult:
    outbound, incoming = row["outbound_headers"], row["incoming_headers"]
    return WebhookResult(
        when_sent=row["when_sent"],
        method=row["method"],
        status=row["status"],
        webhook_type=row["webhook_type"],
        delivered_type=row["delivered_type"],
        source_system=row["source_system"],
        content=row["content"],
        result=row["result"],
        url=row["url"],
        outbound_headers=None if outbound is None else decode_information(outbound),
        incoming_headers=None if incoming is None else decode_information(incoming),
    )


def _encoded(headers: Mapping[str, str] | None) -> str | None:
    return None if headers is None else msgspec.json.encode(dict(headers)).decode()
