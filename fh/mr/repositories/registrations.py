"""Invitations: tokens with which somebody registers once; only their hash is stored."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fh.db.port import Transaction
from fh.model.ids import PersonId

VALID_FOR: Final = timedelta(days=7)

_INVITE = """
UPDATE person
SET registration_token_hash = $2, registration_expires_at = now() + $3::interval,
    password_requires_reset = password_requires_reset OR $4, when_updated = now()
WHERE id = $1
"""

_FIND = """
SELECT id, email, coalesce(registration_expires_at > now(), false)
FROM person
WHERE registration_token_hash = $1 AND when_archived IS NULL AND person_type = 'person'
"""

_PENDING = "SELECT registration_token_hash IS NOT NULL FROM person WHERE id = $1"

# Once: whoever comes second finds the hash gone.
_REDEEM = """
UPDATE person
SET name = $2, password_hash = $3, password_requires_reset = false,
    registration_token_hash = NULL, registration_expires_at = NULL,
    when_last_authenticated = now(), when_updated = now(), version = version + 1
WHERE registration_token_hash = $1 AND registration_expires_at > now()
  AND when_archived IS NULL AND person_type = 'person'
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Invited:
    """Who a token was made for, and whether it can still be used."""

    person_id: PersonId
    email: str
    valid: bool


async def invite(
    tx: Transaction, person_id: PersonId, token_hash: bytes, *, requires_reset: bool = False
) -> None:
    """Let whoever presents the token register as the person; an older token is void.

    Until they do, an old password of theirs `requires_reset`; once it does, it does.
    """
    await tx.execute(_INVITE, person_id, token_hash, VALID_FOR, requires_reset)


async def find_invited(tx: Transaction, token_hash: bytes) -> Invited | None:
    """Return who a token was made for, also after its time; nobody once it was used."""
    row = await tx.fetchrow(_FIND, token_hash)
    return None if row is None else Invited(*row)


async def is_invited(tx: Transaction, person_id: PersonId) -> bool:
    """Return whether somebody still has to register, in time or not."""
    return bool(await tx.fetchval(_PENDING, person_id))


async def redeem(
    tx: Transaction, token_hash: bytes, name: str, password_hash: str
) -> PersonId | None:
    """Register whoever the token was made for; None when it is void by now."""
    redeemed: PersonId | None = await tx.fetchval(_REDEEM, token_hash, name, password_hash)
    return redeemed
