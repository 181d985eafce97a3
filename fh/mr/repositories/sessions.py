"""Login sessions; only the hash of a token is ever stored."""

from fh.db.port import Transaction
from fh.model.ids import PersonId
from fh.mr.settings import SessionLimits

_OPEN = "INSERT INTO login_session (token_hash, person_id) VALUES ($1, $2)"

_END = "DELETE FROM login_session WHERE token_hash = $1"

_END_ALL = """
DELETE FROM login_session WHERE person_id = $1 AND token_hash IS DISTINCT FROM $2
"""

_END_EXPIRED = """
DELETE FROM login_session WHERE person_id = $1 AND session_is_over(login_session, $2, $3)
"""

_END_ALL_EXPIRED = """
WITH gone AS (
    DELETE FROM login_session WHERE token_hash IN (
        SELECT token_hash FROM login_session JOIN person ON person.id = login_session.person_id
        WHERE person_type = 'person' AND session_is_over(login_session, $1, $2)
        LIMIT $3 FOR UPDATE OF login_session SKIP LOCKED
    ) RETURNING 1
)
SELECT count(*) FROM gone
"""


async def open_session(tx: Transaction, token_hash: bytes, person_id: PersonId) -> None:
    """Let whoever presents the token act as the person."""
    await tx.execute(_OPEN, token_hash, person_id)


async def end_session(tx: Transaction, token_hash: bytes) -> None:
    """Make the token worthless."""
    await tx.execute(_END, token_hash)


async def end_sessions(tx: Transaction, person_id: PersonId, *, but: bytes | None = None) -> None:
    """Make all tokens of a person worthless, except the one with the hash `but`."""
    await tx.execute(_END_ALL, person_id, but)


async def forget_expired_sessions(
    tx: Transaction, person_id: PersonId, limits: SessionLimits
) -> None:
    """Delete the sessions of a person that are over anyway, so that they don't pile up."""
    await tx.execute(_END_EXPIRED, person_id, limits.idle_seconds, limits.lifetime_seconds)


async def forget_sessions_that_are_over(
    tx: Transaction, limits: SessionLimits, most_rows: int
) -> int:
    """Delete people's sessions that are over, so many at most; return how many those were.

    Tokens of machines are for ever.
    """
    return int(
        await tx.fetchval(_END_ALL_EXPIRED, limits.idle_seconds, limits.lifetime_seconds, most_rows)
    )
