"""What carries a filter that is about to go: found, locked, and relieved of it."""

from collections.abc import Sequence

from fh.db.port import Transaction
from fh.model.ids import FeatureFilterId, FeatureId, PersonId, ServiceAccountId

# Who adds environments to an application must not read its features while they lose a filter.
_LOCK_APPLICATIONS = """
SELECT id FROM application
WHERE id IN (SELECT f.application_id FROM feature f
             JOIN feature_filter_feature l ON l.feature_id = f.id WHERE l.filter_id = $1)
ORDER BY id
FOR NO KEY UPDATE
"""

_LOCK_ACCOUNTS = """
SELECT s.id FROM service_account s
WHERE s.when_archived IS NULL
  AND s.id IN (SELECT service_account_id FROM feature_filter_account WHERE filter_id = $1)
ORDER BY s.id
FOR UPDATE
"""

_CONFINED = """
SELECT s.name FROM service_account s
WHERE s.id = ANY ($1)
  AND (SELECT count(*) FROM feature_filter_account l WHERE l.service_account_id = s.id) = 1
ORDER BY lower(s.name), s.id
LIMIT 1
"""

# As whoever holds several does, or they would wait for each other.
_LOCK_FEATURES = """
SELECT f.id FROM feature f
WHERE f.when_archived IS NULL
  AND f.id IN (SELECT feature_id FROM feature_filter_feature WHERE filter_id = $1)
ORDER BY f.id
FOR NO KEY UPDATE
"""

_RELIEVE_FEATURES = """
WITH gone AS (DELETE FROM feature_filter_feature WHERE filter_id = $1 RETURNING feature_id)
UPDATE feature SET version = version + 1, when_updated = now()
FROM gone
WHERE feature.id = gone.feature_id AND feature.when_archived IS NULL
RETURNING feature.id
"""

_RELIEVE_ACCOUNTS = """
WITH gone AS (DELETE FROM feature_filter_account WHERE filter_id = $1)
UPDATE service_account
SET version = version + 1, when_updated = now(), who_changed = $3
WHERE id = ANY ($2)
"""


async def lock_carriers(tx: Transaction, filter_id: FeatureFilterId) -> Sequence[ServiceAccountId]:
    """Lock the accounts that carry a locked filter, and the applications with features that do.

    Returns:
        The live accounts.
    """
    await tx.fetch(_LOCK_APPLICATIONS, filter_id)
    return [row["id"] for row in await tx.fetch(_LOCK_ACCOUNTS, filter_id)]


async def find_confined(tx: Transaction, account_ids: Sequence[ServiceAccountId]) -> str | None:
    """Return the name of an account that carries no more than one filter, if there is one."""
    name: str | None = await tx.fetchval(_CONFINED, account_ids)
    return name


async def relieve_features(tx: Transaction, filter_id: FeatureFilterId) -> Sequence[FeatureId]:
    """Take a filter from all features; return the live ones, which have a new version."""
    await tx.fetch(_LOCK_FEATURES, filter_id)
    return sorted(row["id"] for row in await tx.fetch(_RELIEVE_FEATURES, filter_id))


async def relieve_accounts(
    tx: Transaction,
    filter_id: FeatureFilterId,
    account_ids: Sequence[ServiceAccountId],
    author: PersonId,
) -> None:
    """Take a filter from all accounts; those named, which are live, get a new version."""
    await tx.execute(_RELIEVE_ACCOUNTS, filter_id, account_ids, author)
