"""Login sessions; only the hash of a token is ever stored."""

from fh.db.port import Transaction
from fh.model.ids import PersonId

_OPEN = "INSERT INTO login_session (token_hash, person_id) VALUES ($1, $2)"
_END = "DELETE FROM login_session WHERE token_hash = $1"


async def open_session(tx: Transaction, token_hash: bytes, person_id: PersonId) -> None:
    """Let whoever presents the token act as the person; sessions do not expire."""
    await tx.execute(_OPEN, token_hash, person_id)


async def end_session(tx: Transaction, token_hash: bytes) -> None:
    """Make the token worthless."""
    await tx.execute(_END, token_hash)
