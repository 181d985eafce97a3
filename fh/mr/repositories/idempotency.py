"""Rows of answers that were given to writes with a key."""

from dataclasses import dataclass

from fh.db.port import Transaction

_FIND = """
SELECT request_hash, sealed FROM idempotent_answer
WHERE digest = $1 AND when_created > now() - interval '24 hours'
"""
# Whoever comes second waits here until the first one's transaction has ended.
_RESERVE = """
INSERT INTO idempotent_answer (digest, request_hash) VALUES ($1, $2)
ON CONFLICT (digest) DO UPDATE
SET request_hash = excluded.request_hash, sealed = NULL, when_created = now()
WHERE idempotent_answer.when_created <= now() - interval '24 hours'
RETURNING true
"""
_KEEP = """
INSERT INTO idempotent_answer (digest, request_hash, sealed) VALUES ($1, $2, $3)
ON CONFLICT (digest) DO UPDATE
SET request_hash = excluded.request_hash, sealed = excluded.sealed, when_created = now()
WHERE (idempotent_answer.sealed IS NULL AND idempotent_answer.request_hash = excluded.request_hash)
   OR idempotent_answer.when_created <= now() - interval '24 hours'
"""
_FORGET_OLD = """
WITH gone AS (
    DELETE FROM idempotent_answer WHERE digest IN (
        SELECT digest FROM idempotent_answer
        WHERE when_created <= now() - interval '24 hours'
        ORDER BY when_created LIMIT $1 FOR UPDATE SKIP LOCKED
    ) RETURNING 1
)
SELECT count(*) FROM gone
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a key; `sealed` is None where the effect is, but not the answer."""

    request_hash: bytes
    sealed: bytes | None


async def find_row(tx: Transaction, digest: bytes) -> Row | None:
    """Return what is known of a key, None if it was not used within a day."""
    row = await tx.fetchrow(_FIND, digest)
    return None if row is None else Row(row["request_hash"], row["sealed"])


async def reserve(tx: Transaction, digest: bytes, request_hash: bytes) -> bool:
    """Return whether the key is free, and take it; wait for others who are about to."""
    return await tx.fetchval(_RESERVE, digest, request_hash) is True


async def keep(tx: Transaction, digest: bytes, request_hash: bytes, sealed: bytes) -> None:
    """Write the answer, unless there is one already."""
    await tx.execute(_KEEP, digest, request_hash, sealed)


async def forget_old_answers(tx: Transaction, most_rows: int) -> int:
    """Delete what is older than a day, so many rows at most; return how many those were."""
    return int(await tx.fetchval(_FORGET_OLD, most_rows))
