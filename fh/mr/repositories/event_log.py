"""The log of announced events, and where it begins and ends."""

from typing import Final

from msgspec import Raw

from fh.contracts.event_log import Events, NumberedEvent
from fh.db.port import Transaction

MOST_EVENTS: Final = 500
"""Events in one answer."""

# What waits in the outbox is committed, and so as true as what was announced. One statement sees
# one moment: nothing is committed or thrown away between the position and the events. The text of
# an event for which there is no room is left out, its number shows that there is more.
_AFTER = """
SELECT p.last, p.trimmed_to, found.id, found.kind,
       CASE WHEN found.before < $3 THEN found.body END AS body
FROM event_position p LEFT JOIN LATERAL (
    SELECT id, kind, body, sum(octet_length(body)) OVER (ORDER BY id) - octet_length(body) AS before
    FROM (
        (SELECT id, kind, body FROM event_log WHERE id > $1 ORDER BY id LIMIT $2 + 1)
        UNION ALL
        (SELECT id, kind, body FROM outbox WHERE id > $1 ORDER BY id LIMIT $2 + 1)
    ) kept ORDER BY id LIMIT $2 + 1
) found ON true
ORDER BY found.id
"""

_TRIM = """
WITH bound AS (
    SELECT max(id) AS id FROM (
        SELECT id, row_number() OVER newest AS place,
               sum(octet_length(body)) OVER newest AS bytes
        FROM event_log WINDOW newest AS (ORDER BY id DESC)
    ) sized WHERE place > $1 OR bytes > $2
), gone AS (
    DELETE FROM event_log WHERE id <= (SELECT id FROM bound)
)
UPDATE event_position SET trimmed_to = greatest(trimmed_to, bound.id)
FROM bound WHERE bound.id IS NOT NULL
"""


async def read_events_after(
    tx: Transaction, sequence: int, *, most_bytes: int = 16 * 1024 * 1024
) -> Events:
    """Return events after `sequence`, or that they are not kept, or never were there.

    The first is told whatever its size, those that follow while there is room for them.
    """
    rows = await tx.fetch(_AFTER, sequence, MOST_EVENTS, most_bytes)
    newest: int = rows[0]["last"]
    if not rows[0]["trimmed_to"] <= sequence <= newest:
        return Events(up_to=newest, newest=newest, lost=True)
    found = [row for row in rows if row["id"] is not None]
    told = [row for row in found[:MOST_EVENTS] if row["body"] is not None]
    return Events(
        up_to=told[-1]["id"] if len(told) < len(found) else newest,
        newest=newest,
        events=tuple(NumberedEvent(row["id"], row["kind"], Raw(row["body"])) for row in told),
    )


async def trim_log(tx: Transaction, *, most_events: int, most_bytes: int) -> None:
    """Throw the oldest events away, so that no more are kept than this."""
    await tx.execute(_TRIM, most_events, most_bytes)
