"""Portfolios, and the applications that a caller sees in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.ids import GroupId, OrganisationId, PersonId, PortfolioId
from fh.mr.errors import AlreadyExists
from fh.mr.repositories.applications import Application, application_of
from fh.mr.repositories.authors import Author, creator_of, with_creators

_FIND = with_creators("SELECT * FROM portfolio WHERE id = $1 AND when_archived IS NULL")

_ALL = with_creators("""
SELECT * FROM portfolio
WHERE when_archived IS NULL AND ($1::text IS NULL OR strpos(lower(name), lower($1)) > 0)
ORDER BY when_created, id
""")

_SOME = with_creators("""
SELECT * FROM portfolio
WHERE id = ANY($2::uuid[]) AND when_archived IS NULL
  AND ($1::text IS NULL OR strpos(lower(name), lower($1)) > 0)
ORDER BY when_created, id
""")

_CREATE = with_creators("""
INSERT INTO portfolio (organisation_id, name, description, who_created)
VALUES ($1, $2, $3, $4) RETURNING *
""")

_UPDATE = """
UPDATE portfolio SET name = $2, description = $3, when_updated = now(), version = version + 1
WHERE id = $1
"""

# $2: portfolios of which everything is visible; $3: groups that may open up single applications.
_APPLICATIONS = with_creators("""
SELECT id, portfolio_id, name, description, version, when_created, when_updated,
       who_created
FROM application
WHERE portfolio_id = ANY($1::uuid[]) AND when_archived IS NULL
  AND (portfolio_id = ANY($2::uuid[])
       OR id IN (SELECT application_id FROM acl
                 WHERE group_id = ANY ($3) AND application_id IS NOT NULL
                 UNION ALL
                 SELECT environment.application_id
                 FROM acl JOIN environment ON environment.id = acl.environment_id
                 WHERE acl.group_id = ANY ($3) AND environment.when_archived IS NULL))
ORDER BY lower(name), id
""")


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A portfolio that is not archived."""

    id: PortfolioId
    organisation_id: OrganisationId
    name: str
    description: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    creator: Author | None = None


async def find_portfolio(tx: Transaction, portfolio_id: PortfolioId) -> Portfolio | None:
    """Return a portfolio by its id."""
    row = await tx.fetchrow(_FIND, portfolio_id)
    return _portfolio(row) if row else None


async def load_all_portfolios(tx: Transaction, name_part: str | None) -> Sequence[Portfolio]:
    """Return all portfolios in the order of their creation."""
    return [_portfolio(row) for row in await tx.fetch(_ALL, name_part)]


async def load_portfolios(
    tx: Transaction, portfolio_ids: Iterable[PortfolioId], name_part: str | None
) -> Sequence[Portfolio]:
    """Return some portfolios in the order of their creation."""
    return [_portfolio(row) for row in await tx.fetch(_SOME, name_part, list(portfolio_ids))]


async def create_portfolio(
    tx: Transaction,
    organisation_id: OrganisationId,
    name: str,
    description: str | None,
    created_by: PersonId,
) -> Portfolio:
    """Create a portfolio without groups.

    Raises:
        AlreadyExists: another one has this name, whatever its case.
    """
    try:
        row = await tx.fetchrow(_CREATE, organisation_id, name, description, created_by)
    except UniqueViolation as violation:
        raise AlreadyExists("portfolio", "name") from violation
    assert row is not None
    return _portfolio(row)


async def save_portfolio(
    tx: Transaction, portfolio_id: PortfolioId, name: str, description: str | None
) -> None:
    """Write a portfolio's next version.

    Raises:
        AlreadyExists: another one has this name, whatever its case.
    """
    try:
        await tx.execute(_UPDATE, portfolio_id, name, description)
    except UniqueViolation as violation:
        raise AlreadyExists("portfolio", "name") from violation


async def load_visible_applications(
    tx: Transaction,
    portfolio_ids: Iterable[PortfolioId],
    wholly_visible: Iterable[PortfolioId],
    groups: Iterable[GroupId],
) -> Sequence[Application]:
    """Return the applications of portfolios by name.

    Outside of the portfolios in `wholly_visible` only those where one of `groups` has an entry
    for the application, or for one of its environments.
    """
    rows = await tx.fetch(_APPLICATIONS, list(portfolio_ids), list(wholly_visible), list(groups))
    return [application_of(row) for row in rows]


def _portfolio(row: Row) -> Portfolio:
    return Portfolio(
        id=PortfolioId(row["id"]),
        organisation_id=OrganisationId(row["organisation_id"]),
        name=row["name"],
        description=row["description"],
        version=row["version"],
        created_at=row["when_created"],
        updated_at=row["when_updated"],
        creator=creator_of(row),
    )
