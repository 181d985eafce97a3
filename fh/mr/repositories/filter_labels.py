"""Which filters a feature or an account carries."""

from collections.abc import Iterable, Sequence

from fh.db.port import Transaction
from fh.model.ids import FeatureFilterId, FeatureId, ServiceAccountId

_OF_FEATURE = """
SELECT filter_id FROM feature_filter_feature WHERE feature_id = $1 ORDER BY filter_id
"""

_CLEAR_FEATURE = "DELETE FROM feature_filter_feature WHERE feature_id = $1"

_LABEL_FEATURES = """
INSERT INTO feature_filter_feature (feature_id, filter_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[])
"""

_OF_ACCOUNT = """
SELECT filter_id FROM feature_filter_account WHERE service_account_id = $1 ORDER BY filter_id
"""

_CLEAR_ACCOUNT = "DELETE FROM feature_filter_account WHERE service_account_id = $1"

_LABEL_ACCOUNT = """
INSERT INTO feature_filter_account (service_account_id, filter_id) SELECT $1, unnest($2::uuid[])
"""


async def find_feature_filters(
    tx: Transaction, feature_id: FeatureId
) -> tuple[FeatureFilterId, ...]:
    """Return the filters that a feature carries."""
    return tuple(row["filter_id"] for row in await tx.fetch(_OF_FEATURE, feature_id))


async def set_feature_filters(
    tx: Transaction, feature_id: FeatureId, filter_ids: Iterable[FeatureFilterId]
) -> None:
    """Have a feature carry these filters, which are held, and no others."""
    await tx.execute(_CLEAR_FEATURE, feature_id)
    await label_features(tx, ((feature_id, filter_id) for filter_id in filter_ids))


async def label_features(
    tx: Transaction, labels: Iterable[tuple[FeatureId, FeatureFilterId]]
) -> None:
    """Have new features carry filters, which are held."""
    if pairs := list(labels):
        feature_ids, filter_ids = zip(*pairs, strict=True)
        await tx.execute(_LABEL_FEATURES, feature_ids, filter_ids)


async def find_account_filters(
    tx: Transaction, account_id: ServiceAccountId
) -> tuple[FeatureFilterId, ...]:
    """Return the filters that an account carries."""
    return tuple(row["filter_id"] for row in await tx.fetch(_OF_ACCOUNT, account_id))


async def set_account_filters(
    tx: Transaction, account_id: ServiceAccountId, filter_ids: Sequence[FeatureFilterId]
) -> None:
    """Have an account carry these filters, which are held, and no others."""
    await tx.execute(_CLEAR_ACCOUNT, account_id)
    await tx.execute(_LABEL_ACCOUNT, account_id, filter_ids)
