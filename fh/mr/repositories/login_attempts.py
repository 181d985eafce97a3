"""How many attempts were counted lately, for an account or from an address.

A row is a bucket that time fills: it holds a minute, each attempt takes its share out of it, and
`full_at` is when it will be full again. One that is full is as good as none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from fh.db.port import Transaction
from fh.mr.errors import TooManyAttempts

# Whoever is refused writes nothing, however often they come.
_WAIT = """
SELECT max(extract(epoch FROM full_at + cost - now()))::double precision - 60
FROM unnest($1::bytea[], $2::interval[]) AS wanted (counted, cost)
JOIN login_attempt USING (counted)
WHERE full_at > now()
"""

# In the order of all who lock several.
_TAKE = """
INSERT INTO login_attempt (counted, full_at)
SELECT counted, now() + cost
FROM unnest($1::bytea[], $2::interval[]) WITH ORDINALITY AS wanted (counted, cost, place)
ORDER BY place
ON CONFLICT (counted) DO UPDATE
SET full_at = greatest(login_attempt.full_at, now()) + (excluded.full_at - now())
WHERE greatest(login_attempt.full_at, now()) + (excluded.full_at - now())
      <= now() + interval '1 minute'
RETURNING true
"""

_GIVE_BACK = "UPDATE login_attempt SET full_at = full_at - $2::interval WHERE counted = $1"

# One that is not full within a minute is from before the server's clock was set back, and would
# keep people out for as long as it was wrong.
_FORGET_FULL = """
WITH gone AS (
    DELETE FROM login_attempt WHERE counted IN (
        SELECT counted FROM login_attempt
        WHERE full_at <= now() OR full_at > clock_timestamp() + interval '1 minute'
        LIMIT $1 FOR UPDATE SKIP LOCKED
    ) RETURNING 1
)
SELECT count(*) FROM gone
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt is counted under, accounts before addresses, and its shares of a minute."""

    counted: Sequence[bytes] = field(repr=False)
    shares: Sequence[timedelta]


async def take_attempt(tx: Transaction, attempt: Attempt) -> None:
    """Count an attempt.

    Raises:
        TooManyAttempts: too many were counted lately, and this one is not.
    """
    columns = attempt.counted, attempt.shares
    seconds = await tx.fetchval(_WAIT, *columns) or 0.0
    if seconds <= 0 and len(await tx.fetch(_TAKE, *columns)) < len(attempt.counted):
        seconds = await tx.fetchval(_WAIT, *columns)  # others were faster
    if seconds > 0:
        raise TooManyAttempts(math.ceil(seconds))


async def give_attempt_back(tx: Transaction, attempt: Attempt) -> None:
    """Count an attempt no more: it did not fail."""
    await tx.executemany(_GIVE_BACK, list(zip(attempt.counted, attempt.shares, strict=True)))


async def forget_full_buckets(tx: Transaction, most_rows: int) -> int:
    """Delete what says nothing any more, so many rows at most; return how many those were."""
    return int(await tx.fetchval(_FORGET_FULL, most_rows))
