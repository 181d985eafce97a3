"""What is announced: environments and features as the data plane sees them.

Read inside the transaction that changes them, after its last write, so that what is announced is
what gets committed. However many environments an announcement is about, each list is one
statement.
"""

from collections.abc import Iterable, Sequence

from fh.contracts.published import (
    DELETED_VERSION,
    CacheEnvironment,
    CacheEnvironmentFeature,
    CacheFeature,
    PublishAction,
    PublishEnvironment,
    PublishFeatureValue,
    PublishFeatureValues,
)
from fh.db.port import Transaction
from fh.model.feature_type import FeatureType
from fh.model.ids import EnvironmentId, FeatureId
from fh.mr.repositories.environments import decode_information
from fh.mr.repositories.published_features import load_cache_features
from fh.mr.repositories.written_values import Place

_ENVIRONMENTS = """
SELECT e.id, e.version, e.environment_info::text, e.management_info::text, e.webhook_info::text,
       a.id AS application_id, a.portfolio_id, p.organisation_id,
       (SELECT count(*) FROM environment other
        WHERE other.when_archived IS NULL AND other.when_unpublished IS NULL) AS live,
       ARRAY(SELECT s.id FROM service_account_permission g
             JOIN service_account s ON s.id = g.service_account_id
             WHERE g.environment_id = e.id
               AND s.when_archived IS NULL AND s.when_unpublished IS NULL
             ORDER BY s.id) AS accounts
FROM environment e
JOIN application a ON a.id = e.application_id
JOIN portfolio p ON p.id = a.portfolio_id
WHERE e.id = ANY ($1) AND e.when_archived IS NULL AND e.when_unpublished IS NULL
  AND a.when_archived IS NULL AND p.when_archived IS NULL
ORDER BY e.id
"""

# Of an archived environment only its place is told; nothing else about it is true any more.
_DELETED_ENVIRONMENTS = """
SELECT e.id, a.id AS application_id, a.portfolio_id, p.organisation_id,
       (SELECT count(*) FROM environment other
        WHERE other.when_archived IS NULL AND other.when_unpublished IS NULL) AS live
FROM environment e
JOIN application a ON a.id = e.application_id
JOIN portfolio p ON p.id = a.portfolio_id
WHERE e.id = ANY ($1)
ORDER BY e.id
"""

_ENVIRONMENTS_OF_FEATURES = """
SELECT DISTINCT e.id
FROM feature f JOIN environment e ON e.application_id = f.application_id
WHERE f.id = ANY ($1) AND e.when_archived IS NULL AND e.when_unpublished IS NULL
ORDER BY e.id
"""

_FEATURE = "SELECT id, value_type, version FROM feature WHERE id = $1"


async def load_published_environment(
    tx: Transaction,
    environment_id: EnvironmentId,
    action: PublishAction = PublishAction.UPDATE,
) -> PublishEnvironment | None:
    """Return a live, published environment with every live feature, or None."""
    found = await load_published_environments(tx, [environment_id], action)
    return found[0] if found else None


async def load_published_environments(
    tx: Transaction,
    environment_ids: Iterable[EnvironmentId],
    action: PublishAction = PublishAction.UPDATE,
) -> Sequence[PublishEnvironment]:
    """Return those of the environments that are live and published."""
    ids = list(environment_ids)
    features = await load_cache_features(tx, ids)
    return [
        PublishEnvironment(
            environment=CacheEnvironment(
                id=row["id"],
                version=row["version"],
                info={
                    **decode_information(row["environment_info"]),
                    **decode_information(row["management_info"]),
                },
                webhook_info=decode_information(row["webhook_info"]) or None,
            ),
            organisation_id=row["organisation_id"],
            portfolio_id=row["portfolio_id"],
            application_id=row["application_id"],
            action=action,
            features=tuple(features[row["id"]]),
            service_accounts=tuple(row["accounts"]),
            count=row["live"],
        )
        for row in await tx.fetch(_ENVIRONMENTS, ids)
    ]


async def load_deleted_environments(
    tx: Transaction, environment_ids: Iterable[EnvironmentId]
) -> Sequence[PublishEnvironment]:
    """Return the farewell of environments that this transaction archived."""
    return [
        PublishEnvironment(
            environment=CacheEnvironment(id=row["id"], version=DELETED_VERSION),
            organisation_id=row["organisation_id"],
            portfolio_id=row["portfolio_id"],
            application_id=row["application_id"],
            action=PublishAction.DELETE,
            count=row["live"],
        )
        for row in await tx.fetch(_DELETED_ENVIRONMENTS, list(environment_ids))
    ]


async def load_published_feature(
    tx: Transaction, environment_id: EnvironmentId, feature_id: FeatureId
) -> PublishFeatureValues | None:
    """Return the update of one feature in one environment; None when that is not published."""
    features = (await load_cache_features(tx, [environment_id], [feature_id]))[environment_id]
    return _feature_event(PublishAction.UPDATE, environment_id, features[0]) if features else None


async def load_features_everywhere(
    tx: Transaction,
    feature_ids: Sequence[FeatureId],
    action: PublishAction = PublishAction.UPDATE,
) -> Sequence[PublishFeatureValues]:
    """Return one event for each of the features and each environment that has it."""
    environment_ids = await _environments_of(tx, feature_ids)
    features = await load_cache_features(tx, environment_ids, feature_ids)
    return [
        _feature_event(action, environment_id, feature)
        for environment_id in environment_ids
        for feature in features[environment_id]
    ]


async def load_published_values(
    tx: Transaction, places: Sequence[Place]
) -> Sequence[PublishFeatureValues]:
    """Return the update of each of the values there that is published, in the same order."""
    environment_ids = sorted({environment_id for environment_id, _ in places})
    feature_ids = sorted({feature_id for _, feature_id in places})
    found = {
        (environment_id, feature.feature.id): feature
        for environment_id, features in (
            await load_cache_features(tx, environment_ids, feature_ids)
        ).items()
        for feature in features
    }
    return [
        _feature_event(PublishAction.UPDATE, place[0], found[place])
        for place in places
        if place in found
    ]


async def load_features_of(
    tx: Transaction, environment_id: EnvironmentId, value_type: FeatureType
) -> Sequence[PublishFeatureValues]:
    """Return an update for each feature of one type in an environment."""
    return [
        _feature_event(PublishAction.UPDATE, environment_id, feature)
        for feature in (await load_cache_features(tx, [environment_id]))[environment_id]
        if feature.feature.value_type is value_type
    ]


async def load_deleted_features(
    tx: Transaction, feature_id: FeatureId, key: str
) -> Sequence[PublishFeatureValues]:
    """Return the farewell of a feature that this transaction archived, under its old key."""
    row = await tx.fetchrow(_FEATURE, feature_id)
    assert row is not None, "an archived feature keeps its row"
    feature = CacheFeature(row["id"], key, FeatureType(row["value_type"]), row["version"])
    return [
        _feature_event(PublishAction.DELETE, environment_id, CacheEnvironmentFeature(feature))
        for environment_id in await _environments_of(tx, [feature_id])
    ]


async def _environments_of(
    tx: Transaction, feature_ids: Sequence[FeatureId]
) -> Sequence[EnvironmentId]:
    return [row["id"] for row in await tx.fetch(_ENVIRONMENTS_OF_FEATURES, feature_ids)]


def _feature_event(
    action: PublishAction, environment_id: EnvironmentId, feature: CacheEnvironmentFeature
) -> PublishFeatureValues:
    return PublishFeatureValues((PublishFeatureValue(action, environment_id, feature),))
