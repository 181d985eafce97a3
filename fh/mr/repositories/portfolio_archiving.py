"""Archiving a portfolio with all that is in it, in as many statements whatever that is.

Names that have to be unique get the time of the archiving; each in a statement a time of its own,
for two long names may begin alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fh.db.port import Transaction
from fh.model.ids import (
    ApplicationId,
    EnvironmentId,
    PersonId,
    PortfolioId,
    ServiceAccountId,
)
from fh.mr.archiving import ARCHIVED_MARK, LONGEST_ARCHIVED_NAME_CHARACTERS

_TIME_CHARACTERS: Final = len("2024-06-18T14:38:56.427000")
_KEPT_CHARACTERS: Final = LONGEST_ARCHIVED_NAME_CHARACTERS - len(ARCHIVED_MARK) - _TIME_CHARACTERS

# Whoever adds something to the portfolio, or to an application, shares or takes these rows first.
_LOCK = "SELECT id FROM portfolio WHERE id = $1 AND when_archived IS NULL FOR UPDATE"

_LOCK_APPLICATIONS = """
SELECT id FROM application WHERE portfolio_id = $1 AND when_archived IS NULL
ORDER BY id FOR NO KEY UPDATE
"""

# What is inside, too, in the order of everybody else: kind by kind, and each by its ids.
_LOCK_ACCOUNTS = """
SELECT id FROM service_account WHERE portfolio_id = $1 AND when_archived IS NULL
ORDER BY id FOR UPDATE
"""

_LOCK_ENVIRONMENTS = """
SELECT id FROM environment WHERE application_id = ANY ($1) AND when_archived IS NULL
ORDER BY id FOR NO KEY UPDATE
"""

_LOCK_FEATURES = """
SELECT id FROM feature WHERE application_id = ANY ($1) AND when_archived IS NULL
ORDER BY id FOR UPDATE
"""

_APPLICATIONS = """
UPDATE application SET when_archived = $2, when_updated = $2, version = version + 1
WHERE id = ANY($1::uuid[])
"""

_FEATURE_GROUPS = """
UPDATE feature_group SET when_archived = $2, when_updated = $2, version = version + 1
WHERE environment_id = ANY ($1) AND when_archived IS NULL
"""

_GROUP_MEMBERS = "DELETE FROM feature_group_member WHERE feature_id = ANY ($1)"


def _archiving(table: str, column: str, condition: str, more: str = "") -> str:
    """Return a statement: $1 is for `condition`, then come the time, the mark and a length."""
    return f"""
WITH gone AS (
    SELECT id, $2::timestamptz + row_number() OVER (ORDER BY id) * interval '1 microsecond' AS at
    FROM {table} WHERE {condition} AND when_archived IS NULL
)
UPDATE {table}
SET {column} = left({column}, $4) || $3
               || to_char(gone.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
    when_archived = $2, when_updated = $2, version = version + 1{more}
FROM gone WHERE {table}.id = gone.id
RETURNING {table}.id
"""  # noqa: S608 -- put together of constants


_ENVIRONMENTS = _archiving("environment", "name", "application_id = ANY($1::uuid[])")
_FEATURES = _archiving("feature", "key", "application_id = ANY($1::uuid[])")
_GROUPS = _archiving("person_group", "name", "portfolio_id = $1")
_ACCOUNTS = _archiving("service_account", "name", "portfolio_id = $1", ", who_changed = $5")
_SHADOWS = _archiving(
    "person",
    "name",
    "id IN (SELECT sdk_person_id FROM service_account WHERE portfolio_id = $1)",
    ", who_changed = $5",
)
_PORTFOLIO = _archiving("portfolio", "name", "id = $1")


@dataclass(frozen=True, slots=True)
class Archived:
    """What the caches have to hear of."""

    environments: Sequence[EnvironmentId]
    accounts: Sequence[ServiceAccountId]


async def lock_portfolio(tx: Transaction, portfolio_id: PortfolioId) -> bool:
    """Return whether there is such a portfolio; nothing is added to it meanwhile."""
    return await tx.fetchval(_LOCK, portfolio_id) is not None


async def archive_portfolio(
    tx: Transaction, portfolio_id: PortfolioId, at: datetime, author: PersonId
) -> Archived:
    """Hide a locked portfolio, its applications, environments, features, groups and accounts."""
    rows = await tx.fetch(_LOCK_APPLICATIONS, portfolio_id)
    applications: list[ApplicationId] = [row["id"] for row in rows]
    await tx.fetch(_LOCK_ACCOUNTS, portfolio_id)
    await tx.fetch(_LOCK_ENVIRONMENTS, applications)
    await tx.fetch(_LOCK_FEATURES, applications)
    naming = (at, ARCHIVED_MARK, _KEPT_CHARACTERS)
    environments = await tx.fetch(_ENVIRONMENTS, applications, *naming)
    features = await tx.fetch(_FEATURES, applications, *naming)
    await tx.execute(_FEATURE_GROUPS, [row["id"] for row in environments], at)
    await tx.execute(_GROUP_MEMBERS, [row["id"] for row in features])
    await tx.execute(_APPLICATIONS, applications, at)
    await tx.fetch(_SHADOWS, portfolio_id, *naming, author)
    accounts = await tx.fetch(_ACCOUNTS, portfolio_id, *naming, author)
    await tx.fetch(_GROUPS, portfolio_id, *naming)
    await tx.fetch(_PORTFOLIO, portfolio_id, *naming)
    return Archived(
        sorted(row["id"] for row in environments), sorted(row["id"] for row in accounts)
    )
