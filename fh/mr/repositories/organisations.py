"""The one organisation of an installation."""

from dataclasses import dataclass
from datetime import datetime

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.ids import OrganisationId
from fh.mr.errors import AlreadyExists

_FIND = "SELECT id, name, version, when_created, when_updated FROM organisation"

_CREATE = """
INSERT INTO organisation (name) VALUES ($1)
RETURNING id, name, version, when_created, when_updated
"""


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who an installation belongs to."""

    id: OrganisationId
    name: str
    version: int
    created_at: datetime
    updated_at: datetime


async def find_organisation(tx: Transaction) -> Organisation | None:
    """Return the organisation; None before the first set-up."""
    row = await tx.fetchrow(_FIND)
    return _organisation(row) if row else None


async def create_organisation(tx: Transaction, name: str) -> Organisation:
    """Create the organisation.

    Raises:
        AlreadyExists: the installation is set up, perhaps at this very moment by somebody else.
    """
    try:
        row = await tx.fetchrow(_CREATE, name)
    except UniqueViolation as violation:
        raise AlreadyExists("organisation") from violation
    assert row is not None
    return _organisation(row)


def _organisation(row: Row) -> Organisation:
    return Organisation(
        id=OrganisationId(row["id"]),
        name=row["name"],
        version=row["version"],
        created_at=row["when_created"],
        updated_at=row["when_updated"],
    )
