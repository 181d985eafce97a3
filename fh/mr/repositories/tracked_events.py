"""Messages whose way to somebody else is watched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from fh.db.port import Transaction


class TrackedResponse(Struct, frozen=True, omit_defaults=True):
    """What somebody answered to a message."""

    status: int
    when: datetime
    content: str | None = None
    method: str | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class TrackedEvent:
    """One message, with what was answered, the newest first."""

    id: UUID
    when_sent: datetime
    responses: Sequence[TrackedResponse]


_STORED = msgspec.json.Decoder(tuple[TrackedResponse, ...])

_COUNT = """
SELECT count(*) FROM tracked_event
WHERE link_type = $1 AND link_id = $2 AND ($3::text IS NULL OR message_type = $3)
"""

_PAGE = """
SELECT id, when_created, responses::text FROM tracked_event
WHERE link_type = $1 AND link_id = $2 AND ($3::text IS NULL OR message_type = $3)
ORDER BY when_created DESC, id
LIMIT $4 OFFSET $5
"""


async def find_tracked(
    tx: Transaction,
    link_type: str,
    link_id: UUID,
    message_type: str | None,
    limit: int,
    offset: int,
) -> tuple[Sequence[TrackedEvent], int]:
    """Return a page of messages about something, the newest first, and how many there are."""
    total: int = await tx.fetchval(_COUNT, link_type, link_id, message_type)
    rows = await tx.fetch(_PAGE, link_type, link_id, message_type, limit, offset)
    return [TrackedEvent(row[0], row[1], _STORED.decode(row[2])[::-1]) for row in rows], total
