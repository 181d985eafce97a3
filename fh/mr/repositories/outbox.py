"""The rows of outbox, their way into the log, and the lease of the MR that empties it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from fh.db.port import Transaction

OUTBOX_LOCK: Final = 0x6668_4F55_5442_4F58
"""The advisory lock under which events are written, so that their ids follow the commits."""

OUTBOX_CHANNEL: Final = "fh_outbox"

_LOCK = "SELECT pg_advisory_xact_lock($1)"

_NUMBER = "UPDATE event_position SET last = last + $1 RETURNING last"

# The moment is that of the commit, as near as can be told: nothing but that is still to come.
_INSERT = """
INSERT INTO outbox (id, kind, body, when_created) VALUES ($1, $2, $3, clock_timestamp())
"""

_NOTIFY = "NOTIFY fh_outbox"

_ANY = "SELECT EXISTS (SELECT FROM outbox)"

# Whoever comes second waits for the first one's transaction and then looks again, so the rows are
# read only afterwards. The clock is the database's, and runs on within a transaction; a lease that
# ends later than any would is from before that clock was set back.
_LEASE = """
INSERT INTO outbox_lease (holder, expires_at)
VALUES ($1, clock_timestamp() + make_interval(secs => $2))
ON CONFLICT (only_one) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
WHERE outbox_lease.holder = excluded.holder OR outbox_lease.expires_at < clock_timestamp()
   OR outbox_lease.expires_at > clock_timestamp() + 2 * make_interval(secs => $2)
RETURNING true
"""

_RELEASE = "DELETE FROM outbox_lease WHERE holder = $1"

_READ = """
SELECT id, kind, body,
       greatest(extract(epoch FROM clock_timestamp() - when_created), 0)::float8 AS age_seconds
FROM outbox ORDER BY id LIMIT $1
"""

_MOVE = """
WITH gone AS (DELETE FROM outbox WHERE id = ANY ($1) RETURNING id, kind, body, when_created)
INSERT INTO event_log (id, kind, body, when_created)
SELECT id, kind, body, when_created FROM gone
"""

_BURY = """
WITH gone AS (DELETE FROM outbox WHERE id = $1 RETURNING id, kind, body, when_created)
INSERT INTO outbox_dead (id, kind, body, when_created, reason)
SELECT id, kind, body, when_created, $2 FROM gone
"""


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An event as it was committed; `body` is its JSON text."""

    id: int
    kind: str
    body: bytes = field(repr=False)
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Entries for the log, and those that nobody can read with the reason."""

    logged: tuple[int, ...] = ()
    dead: tuple[tuple[int, str], ...] = ()


async def insert_entries(tx: Transaction, entries: Sequence[tuple[str, bytes]]) -> None:
    """Number and write events (kind, body) in this order; from here to the commit no other can."""
    await tx.execute(_LOCK, OUTBOX_LOCK)
    last: int = await tx.fetchval(_NUMBER, len(entries))
    first = last - len(entries) + 1
    await tx.executemany(_INSERT, [(number, *entry) for number, entry in enumerate(entries, first)])
    await tx.execute(_NOTIFY)


async def settle(tx: Transaction, progress: Progress) -> None:
    """Move entries to the log, put those aside that nobody can read. Again does nothing."""
    if progress.logged:
        await tx.execute(_MOVE, list(progress.logged))
    for entry_id, reason in progress.dead:
        await tx.execute(_BURY, entry_id, reason)


async def take_entries(
    tx: Transaction, holder: UUID, lease_seconds: float, limit: int
) -> Sequence[OutboxEntry]:
    """Return the oldest entries, leased to `holder`; none when another MR is at it."""
    if not await tx.fetchval(_ANY):
        await release(tx, holder)
        return ()
    if not await hold(tx, holder, lease_seconds):
        return ()
    rows = await tx.fetch(_READ, limit)
    if not rows:
        await release(tx, holder)
    return [OutboxEntry(*row) for row in rows]


async def hold(tx: Transaction, holder: UUID, lease_seconds: float) -> bool:
    """Take or extend the lease; return whether `holder` has it now."""
    return bool(await tx.fetchval(_LEASE, holder, lease_seconds))


async def release(tx: Transaction, holder: UUID) -> None:
    """Give the lease up, where `holder` has it."""
    await tx.execute(_RELEASE, holder)
