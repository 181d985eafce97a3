"""The rows of feature_filter, and which features and accounts carry them.

Whoever attaches a filter holds it, and whoever deletes it locks it, before anything else: so the
order is filters, applications or accounts, features.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.ids import (
    ApplicationId,
    FeatureFilterId,
    FeatureId,
    PersonId,
    PortfolioId,
    ServiceAccountId,
)
from fh.mr.access import PersonType
from fh.mr.errors import AlreadyExists


@dataclass(frozen=True, slots=True)
class Creator:
    """Who created a filter."""

    id: PersonId
    name: str | None
    email: str
    type: PersonType


@dataclass(frozen=True, slots=True)
class FeatureFilter:
    """A filter of a portfolio."""

    id: FeatureFilterId
    portfolio_id: PortfolioId
    name: str
    description: str | None
    version: int
    creator: Creator | None


@dataclass(frozen=True, slots=True)
class LabelledFeature:
    """A live feature that carries a filter."""

    filter_id: FeatureFilterId
    application_id: ApplicationId
    application_name: str
    application_description: str | None
    id: FeatureId
    key: str


@dataclass(frozen=True, slots=True)
class LabelledAccount:
    """A live account that carries a filter."""

    filter_id: FeatureFilterId
    id: ServiceAccountId
    name: str
    description: str


_FOUND = """
SELECT f.id, f.portfolio_id, f.name, f.description, f.version,
       p.id AS creator_id, p.name AS creator_name, p.email, p.person_type
FROM feature_filter f LEFT JOIN person p ON p.id = f.who_created
"""

_BY_ID = f"{_FOUND} WHERE f.portfolio_id = $1 AND f.id = $2"

_MATCHING = """
f.portfolio_id = $1 AND ($2::text IS NULL OR strpos(lower(f.name), lower($2)) > 0)
"""

_COUNT = f"SELECT count(*) FROM feature_filter f WHERE {_MATCHING}"  # noqa: S608 -- only constants

_PAGE = f"""
{_FOUND} WHERE {_MATCHING}
ORDER BY CASE WHEN $3 THEN lower(f.name) END DESC, lower(f.name), f.id
LIMIT $4 OFFSET $5
"""

_SOME = f"{_FOUND} WHERE f.portfolio_id = $1 AND f.id = ANY ($2) ORDER BY lower(f.name), f.id"

_FEATURES = """
SELECT l.filter_id, a.id, a.name, a.description, f.id, f.key
FROM feature_filter_feature l
JOIN feature f ON f.id = l.feature_id
JOIN application a ON a.id = f.application_id
WHERE l.filter_id = ANY ($1) AND f.when_archived IS NULL AND a.when_archived IS NULL
  AND ($2::uuid[] IS NULL OR a.id = ANY ($2))
ORDER BY lower(a.name), a.id, f.key
"""

_ACCOUNTS = """
SELECT l.filter_id, s.id, s.name, s.description
FROM feature_filter_account l JOIN service_account s ON s.id = l.service_account_id
WHERE l.filter_id = ANY ($1) AND s.when_archived IS NULL
ORDER BY lower(s.name), s.id
"""

_LOCK = "SELECT id FROM feature_filter WHERE portfolio_id = $1 AND id = $2 FOR UPDATE"

_HOLD = """
SELECT id, portfolio_id FROM feature_filter WHERE id = ANY ($1)
ORDER BY id
FOR KEY SHARE
"""

_INSERT = """
INSERT INTO feature_filter (portfolio_id, name, description, who_created)
VALUES ($1, $2, $3, $4)
RETURNING id
"""

_SAVE = """
UPDATE feature_filter
SET name = $2, description = $3, when_updated = now(), version = version + 1
WHERE id = $1
"""

_DELETE = "DELETE FROM feature_filter WHERE id = $1"


async def find_filter(
    tx: Transaction, portfolio_id: PortfolioId, filter_id: FeatureFilterId
) -> FeatureFilter | None:
    """Return a filter of a portfolio."""
    row = await tx.fetchrow(_BY_ID, portfolio_id, filter_id)
    return None if row is None else _filter(row)


async def lock_filter(
    tx: Transaction, portfolio_id: PortfolioId, filter_id: FeatureFilterId
) -> FeatureFilter | None:
    """Return a filter; until the transaction ends nobody else changes or attaches it."""
    await tx.fetchrow(_LOCK, portfolio_id, filter_id)
    return await find_filter(tx, portfolio_id, filter_id)


async def hold_filters(
    tx: Transaction, filter_ids: Collection[FeatureFilterId]
) -> dict[FeatureFilterId, PortfolioId]:
    """Return the portfolios of those that there are; they stay until the transaction ends."""
    if not filter_ids:
        return {}
    return {row["id"]: row["portfolio_id"] for row in await tx.fetch(_HOLD, filter_ids)}


@dataclass(frozen=True, slots=True)
class FilterPage:
    """Which filters to list: those with `name_part`, `size` of them from `offset` on."""

    name_part: str | None
    descending: bool
    size: int
    offset: int


async def find_filters(
    tx: Transaction, portfolio_id: PortfolioId, page: FilterPage
) -> tuple[int, Sequence[FeatureFilter]]:
    """Return how many match, and the wanted ones by name."""
    total: int = await tx.fetchval(_COUNT, portfolio_id, page.name_part)
    rows = await tx.fetch(
        _PAGE, portfolio_id, page.name_part, page.descending, page.size, page.offset
    )
    return total, [_filter(row) for row in rows]


async def find_some_filters(
    tx: Transaction, portfolio_id: PortfolioId, filter_ids: Sequence[FeatureFilterId]
) -> Sequence[FeatureFilter]:
    """Return those of the filters that are the portfolio's, by name."""
    return [_filter(row) for row in await tx.fetch(_SOME, portfolio_id, filter_ids)]


async def find_labelled_features(
    tx: Transaction,
    filter_ids: Sequence[FeatureFilterId],
    application_ids: Sequence[ApplicationId] | None = None,
) -> Sequence[LabelledFeature]:
    """Return the live features that carry any of the filters, of all applications or of some."""
    rows = await tx.fetch(_FEATURES, filter_ids, application_ids)
    return [LabelledFeature(*row) for row in rows]


async def find_labelled_accounts(
    tx: Transaction, filter_ids: Sequence[FeatureFilterId]
) -> Sequence[LabelledAccount]:
    """Return the live accounts that carry any of the filters."""
    return [LabelledAccount(*row) for row in await tx.fetch(_ACCOUNTS, filter_ids)]


async def insert_filter(
    tx: Transaction,
    portfolio_id: PortfolioId,
    name: str,
    description: str | None,
    creator: PersonId,
) -> FeatureFilterId:
    """Write a new filter.

    Raises:
        AlreadyExists: the portfolio has a filter of that name.
    """
    try:
        created: FeatureFilterId = await tx.fetchval(
            _INSERT, portfolio_id, name, description, creator
        )
    except UniqueViolation as taken:
        raise AlreadyExists("feature filter", "name") from taken
    return created


async def save_filter(
    tx: Transaction, filter_id: FeatureFilterId, name: str, description: str | None
) -> None:
    """Write a filter's next version.

    Raises:
        AlreadyExists: another filter of the portfolio has that name.
    """
    try:
        await tx.execute(_SAVE, filter_id, name, description)
    except UniqueViolation as taken:
        raise AlreadyExists("feature filter", "name") from taken


async def remove_filter(tx: Transaction, filter_id: FeatureFilterId) -> None:
    """Delete a filter that nothing carries any more."""
    await tx.execute(_DELETE, filter_id)


def _filter(row: Row) -> FeatureFilter:
    creator = None
    if row["creator_id"] is not None:
        creator = Creator(
            row["creator_id"], row["creator_name"], row["email"], PersonType(row["person_type"])
        )
    return FeatureFilter(
        row["id"], row["portfolio_id"], row["name"], row["description"], row["version"], creator
    )
