"""People, admin service accounts, and the shadow people of SDK service accounts."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.ids import PersonId, ServiceAccountId
from fh.mr.access import PersonType
from fh.mr.errors import AlreadyExists

_FIND = """
SELECT person.id, email, person.name, person_type, person.version, password_requires_reset,
       when_last_authenticated, service_account.id AS service_account_id
FROM person LEFT JOIN service_account ON service_account.sdk_person_id = person.id
WHERE (person.id = $1 OR email = lower($2)) AND person.when_archived IS NULL
"""

_CREDENTIALS = """
SELECT id, person_type, password_hash FROM person
WHERE email = lower($1) AND when_archived IS NULL
"""

_CREATE = """
INSERT INTO person (email, name, password_hash, when_last_authenticated)
VALUES (lower($1), $2, $3, now()) RETURNING id
"""

# The hash that was verified must still be the one stored: it may have been changed meanwhile.
_AUTHENTICATED = """
UPDATE person SET when_last_authenticated = now(), password_hash = $3
WHERE id = $1 AND password_hash = $2 AND when_archived IS NULL
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody; archived people are only found by the search.

    Attributes:
        service_account_id: Whose shadow this is.
    """

    id: PersonId
    email: str
    name: str | None
    type: PersonType
    version: int
    password_requires_reset: bool
    last_authenticated_at: datetime | None
    service_account_id: ServiceAccountId | None
    last_seen_at: datetime | None = None
    archived_at: datetime | None = None


_DEAREST_IMPORT = """
SELECT password_hash FROM person
WHERE person_type = 'person' AND when_archived IS NULL
  AND password_hash ~ '^(1000000|[0-9]{1,6}):[0-9a-fA-F]*:[0-9a-fA-F]+$'
ORDER BY split_part(password_hash, ':', 1)::integer DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a password is verified against; people without a password have no hash."""

    person_id: PersonId
    type: PersonType
    password_hash: str | None = field(repr=False)


async def find_person(tx: Transaction, person_id: PersonId) -> Person | None:
    """Return a person by their id."""
    row = await tx.fetchrow(_FIND, person_id, None)
    return _person(row) if row else None


async def find_person_by_email(tx: Transaction, email: str) -> Person | None:
    """Return a person by their address, whatever its case."""
    row = await tx.fetchrow(_FIND, None, email)
    return _person(row) if row else None


async def find_credentials(tx: Transaction, email: str) -> Credentials | None:
    """Return what is needed to verify the password of whoever has this address."""
    row = await tx.fetchrow(_CREDENTIALS, email)
    if row is None:
        return None
    return Credentials(PersonId(row["id"]), PersonType(row["person_type"]), row["password_hash"])


async def find_dearest_import(tx: Transaction) -> str | None:
    """Return the hash of FeatureHub's making with the most iterations; None if there is none."""
    found: str | None = await tx.fetchval(_DEAREST_IMPORT)
    return found


async def create_registered_person(
    tx: Transaction, email: str, name: str | None, password_hash: str
) -> PersonId:
    """Create a person who can log in at once.

    Raises:
        AlreadyExists: the address is taken, be it by an archived person.
    """
    try:
        created = await tx.fetchval(_CREATE, email, name, password_hash)
    except UniqueViolation as violation:
        raise AlreadyExists("person", "emailAddress") from violation
    assert isinstance(created, UUID)
    return PersonId(created)


async def record_authentication(
    tx: Transaction, person_id: PersonId, verified_hash: str, kept_hash: str
) -> bool:
    """Note a login with `verified_hash`, which `kept_hash` replaces.

    Returns:
        False when the person was archived, or their password changed, in the meantime.
    """
    return await tx.execute(_AUTHENTICATED, person_id, verified_hash, kept_hash) == "UPDATE 1"


def _person(row: Row) -> Person:
    account = row["service_account_id"]
    return Person(
        id=PersonId(row["id"]),
        email=row["email"],
        name=row["name"],
        type=PersonType(row["person_type"]),
        version=row["version"],
        password_requires_reset=row["password_requires_reset"],
        last_authenticated_at=row["when_last_authenticated"],
        service_account_id=None if account is None else ServiceAccountId(account),
    )
