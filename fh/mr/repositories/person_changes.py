"""People as they are changed: their rows, locked, archived ones included."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.ids import PersonId
from fh.mr.access import PersonType
from fh.mr.errors import AlreadyExists

_COLUMNS = """
SELECT id, email, name, person_type, version, when_archived, password_hash,
       EXISTS (SELECT FROM group_member JOIN person_group ON person_group.id = group_id
               WHERE group_member.person_id = person.id AND admin AND portfolio_id IS NULL
                 AND person_group.when_archived IS NULL)
FROM person
"""

_FIND = f"{_COLUMNS} WHERE id = $1"
_LOCK = f"{_FIND} FOR NO KEY UPDATE OF person"
_LOCK_BY_EMAIL = f"{_COLUMNS} WHERE email = lower($1) FOR NO KEY UPDATE OF person"

_INSERT = """
INSERT INTO person (email, name, person_type, who_created) VALUES (lower($1), $2, $3, $4)
RETURNING id
"""

_UPDATE = """
UPDATE person
SET email = lower($2), name = $3, when_archived = CASE WHEN $4 THEN NULL ELSE when_archived END,
    who_changed = $5, when_updated = now(), version = version + 1
WHERE id = $1
"""

_ARCHIVE = """
UPDATE person
SET when_archived = $2, registration_token_hash = NULL, registration_expires_at = NULL,
    who_changed = $3, when_updated = $2, version = version + 1
WHERE id = $1
"""

_KEEP_HASH = """
UPDATE person
SET password_hash = $2, password_requires_reset = $3, registration_token_hash = NULL,
    registration_expires_at = NULL,
    when_archived = CASE WHEN $4 THEN NULL ELSE when_archived END,
    who_changed = $5, when_updated = now(), version = version + 1
WHERE id = $1
"""


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody who may be archived; `superuser` counts for archived people, too."""

    id: PersonId
    email: str
    name: str | None
    type: PersonType
    version: int
    archived_at: datetime | None
    password_hash: str | None
    superuser: bool

    def __repr__(self) -> str:
        return f"KnownPerson({self.id}, version={self.version})"


async def find_known(tx: Transaction, person_id: PersonId) -> KnownPerson | None:
    """Return somebody as they are at this moment."""
    return _known(await tx.fetchrow(_FIND, person_id))


async def lock_person(tx: Transaction, person_id: PersonId) -> KnownPerson | None:
    """Return somebody; until the transaction ends nobody else changes them."""
    return _known(await tx.fetchrow(_LOCK, person_id))


async def lock_person_by_email(tx: Transaction, email: str) -> KnownPerson | None:
    """Return whoever has the address, whatever its case; nobody else changes them meanwhile."""
    return _known(await tx.fetchrow(_LOCK_BY_EMAIL, email))


async def insert_person(
    tx: Transaction, email: str, name: str | None, person_type: PersonType, author: PersonId
) -> PersonId:
    """Write somebody new, who can't log in yet.

    Raises:
        AlreadyExists: the address is taken, be it by an archived person.
    """
    try:
        created = await tx.fetchval(_INSERT, email, name, person_type, author)
    except UniqueViolation as taken:
        raise AlreadyExists("person", "email") from taken
    assert isinstance(created, UUID), "INSERT … RETURNING gives a row"
    return PersonId(created)


async def save_person(
    tx: Transaction,
    person_id: PersonId,
    email: str,
    name: str | None,
    author: PersonId,
    *,
    revive: bool,
) -> None:
    """Write somebody's next version.

    Raises:
        AlreadyExists: the address is taken, be it by an archived person.
    """
    try:
        await tx.execute(_UPDATE, person_id, email, name, revive, author)
    except UniqueViolation as taken:
        raise AlreadyExists("person", "email") from taken


async def archive_person(
    tx: Transaction, person_id: PersonId, at: datetime, author: PersonId
) -> None:
    """Deactivate somebody, who keeps the address; an invitation they had is void."""
    await tx.execute(_ARCHIVE, person_id, at, author)


async def save_password(
    tx: Transaction,
    person_id: PersonId,
    password_hash: str,
    author: PersonId,
    *,
    temporary: bool,
    revive: bool = False,
) -> None:
    """Store a password; a `temporary` one has to be changed. An invitation they had is void."""
    await tx.execute(_KEEP_HASH, person_id, password_hash, temporary, revive, author)


def _known(row: Row | None) -> KnownPerson | None:
    if row is None:
        return None
    identifier, email, name, kind, *rest = row
    return KnownPerson(identifier, email, name, PersonType(kind), *rest)
