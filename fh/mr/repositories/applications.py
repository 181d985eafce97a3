"""The rows of application."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.ids import ApplicationId, GroupId, PersonId, PortfolioId
from fh.mr.access import ADMIN_APPLICATION_ROLES
from fh.mr.errors import AlreadyExists
from fh.mr.repositories.authors import Author, creator_of, with_creators


@dataclass(frozen=True, slots=True)
class Application:
    """A live application."""

    id: ApplicationId
    portfolio_id: PortfolioId
    name: str
    description: str | None
    version: int
    when_created: datetime
    when_updated: datetime
    creator: Author | None = None


_BY_ID = with_creators("""
SELECT a.id, a.portfolio_id, a.name, a.description, a.version, a.when_created, a.when_updated,
       a.who_created
FROM application a JOIN portfolio p ON p.id = a.portfolio_id
WHERE a.id = $1 AND a.when_archived IS NULL AND p.when_archived IS NULL
""")

# Whoever adds environments or features to an application, or archives it, goes one after the
# other: a switch created beside a new environment would otherwise miss its value there.
_LOCK = "SELECT id FROM application WHERE id = $1 FOR NO KEY UPDATE"

_OF_PORTFOLIO = with_creators("""
SELECT id, portfolio_id, name, description, version, when_created, when_updated,
       who_created
FROM application
WHERE portfolio_id = $1 AND when_archived IS NULL
  AND ($2::text IS NULL OR strpos(lower(name), lower($2)) > 0)
ORDER BY lower(name), id
""")

_VISIBLE = """
SELECT DISTINCT e.application_id
FROM acl
JOIN environment e ON e.id = acl.environment_id
JOIN application a ON a.id = e.application_id
WHERE a.portfolio_id = $1 AND acl.group_id = ANY ($2) AND cardinality(acl.roles) > 0
  AND e.when_archived IS NULL
"""

_LIVE_PORTFOLIO = "SELECT id FROM portfolio WHERE id = $1 AND when_archived IS NULL FOR KEY SHARE"

_INSERT = with_creators("""
INSERT INTO application (portfolio_id, name, description, who_created)
VALUES ($1, $2, $3, $4)
RETURNING id, portfolio_id, name, description, version, when_created, when_updated,
          who_created
""")

_GRANT_ADMINS = """
INSERT INTO acl (group_id, application_id, roles)
SELECT id, $2, $3 FROM person_group
WHERE portfolio_id = $1 AND admin AND when_archived IS NULL
"""

_UPDATE = with_creators("""
UPDATE application
SET name = $2, description = $3, when_updated = now(), version = version + 1
WHERE id = $1
RETURNING id, portfolio_id, name, description, version, when_created, when_updated,
          who_created
""")

_ARCHIVE = """
UPDATE application
SET when_archived = now(), when_updated = now(), version = version + 1
WHERE id = $1
"""


async def find_application(tx: Transaction, application_id: ApplicationId) -> Application | None:
    """Return a live application of a live portfolio."""
    row = await tx.fetchrow(_BY_ID, application_id)
    return None if row is None else application_of(row)


async def lock_application(tx: Transaction, application_id: ApplicationId) -> Application | None:
    """Return a live application; until the transaction ends nobody else gets this far."""
    await tx.fetchrow(_LOCK, application_id)
    return await find_application(tx, application_id)


async def find_applications(
    tx: Transaction, portfolio_id: PortfolioId, name_part: str | None = None
) -> Sequence[Application]:
    """Return the live applications of a portfolio by name."""
    rows = await tx.fetch(_OF_PORTFOLIO, portfolio_id, name_part)
    return [application_of(row) for row in rows]


async def find_visible(
    tx: Transaction, portfolio_id: PortfolioId, groups: Iterable[GroupId]
) -> frozenset[ApplicationId]:
    """Return the applications in one of whose environments one of the groups has a role."""
    rows = await tx.fetch(_VISIBLE, portfolio_id, list(groups))
    return frozenset(row["application_id"] for row in rows)


async def portfolio_is_live(tx: Transaction, portfolio_id: PortfolioId) -> bool:
    """Return whether there is such a portfolio; it stays until the transaction ends."""
    return await tx.fetchval(_LIVE_PORTFOLIO, portfolio_id) is not None


async def insert_application(
    tx: Transaction, portfolio_id: PortfolioId, name: str, description: str, creator: PersonId
) -> Application:
    """Write a new application and give the portfolio's admins their roles in it.

    Raises:
        AlreadyExists: the portfolio has an application of that name.
    """
    try:
        row = await tx.fetchrow(_INSERT, portfolio_id, name, description, creator)
    except UniqueViolation as taken:
        raise AlreadyExists("application", "name") from taken
    assert row is not None, "INSERT … RETURNING gives a row"
    application = application_of(row)
    roles = sorted(ADMIN_APPLICATION_ROLES)
    await tx.execute(_GRANT_ADMINS, portfolio_id, application.id, roles)
    return application


async def save_application(
    tx: Transaction, application_id: ApplicationId, name: str, description: str | None
) -> Application:
    """Write an application's next version; return it.

    Raises:
        AlreadyExists: the portfolio has another application of that name.
    """
    try:
        row = await tx.fetchrow(_UPDATE, application_id, name, description)
    except UniqueViolation as taken:
        raise AlreadyExists("application", "name") from taken
    assert row is not None, "it is locked, so it is there"
    return application_of(row)


async def archive_application(tx: Transaction, application_id: ApplicationId) -> None:
    """Hide an application; it keeps its name, which only live ones must not share."""
    await tx.execute(_ARCHIVE, application_id)


def application_of(row: Row) -> Application:
    """Return the application that a row holds."""
    return Application(
        id=ApplicationId(row["id"]),
        portfolio_id=PortfolioId(row["portfolio_id"]),
        name=row["name"],
        description=row["description"],
        version=row["version"],
        when_created=row["when_created"],
        when_updated=row["when_updated"],
        creator=creator_of(row),
    )
