"""Next versions of many feature values at once, because something that they share has changed.

Rows of feature_value are always locked in the order of environment and feature, here as wherever
several are written, so that two writers wait for each other instead of for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fh.db.port import Transaction
from fh.model.feature_type import FeatureType
from fh.model.ids import (
    ApplicationId,
    ApplicationStrategyId,
    EnvironmentId,
    FeatureId,
    FeatureValueId,
    PersonId,
)
from fh.mr.repositories.written_values import Place


@dataclass(frozen=True, slots=True)
class ValuePlace:
    """Which value it is."""

    id: FeatureValueId
    environment_id: EnvironmentId
    feature_id: FeatureId

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.environment_id, self.feature_id


# Not archived while we write: an update announced after its farewell would revive it.
_HOLD_FEATURES = """
SELECT f.id FROM feature f
WHERE f.when_archived IS NULL AND f.id IN (
    SELECT v.feature_id FROM feature_value v
    JOIN attached_strategy t ON t.feature_value_id = v.id
    WHERE t.strategy_id = $1
)
ORDER BY f.id
FOR SHARE
"""

_LOCK_ATTACHED = """
SELECT v.id, v.environment_id, v.feature_id
FROM feature_value v
WHERE v.id IN (SELECT feature_value_id FROM attached_strategy WHERE strategy_id = $1)
  AND v.feature_id = ANY ($2)
  AND EXISTS (SELECT FROM environment e WHERE e.id = v.environment_id AND e.when_archived IS NULL)
ORDER BY v.environment_id, v.feature_id
FOR NO KEY UPDATE OF v
"""

_LOCK_FEATURES = """
SELECT id, value_type FROM feature
WHERE application_id = $1 AND id = ANY ($2) AND when_archived IS NULL
ORDER BY id
FOR SHARE
"""

# Those that were there already stay as they are.
_FIRST_VALUES = """
WITH saved AS (
    INSERT INTO feature_value (environment_id, feature_id, default_value, locked, who_updated)
    SELECT $1, f.id, CASE WHEN f.value_type = 'BOOLEAN' THEN 'false' END, false, $3
    FROM feature f WHERE f.id = ANY ($2)
    ORDER BY f.id
    ON CONFLICT (environment_id, feature_id) DO NOTHING
    RETURNING id, feature_id, version, default_value, locked, retired, rollout_strategies,
              who_updated, when_created
), recorded AS (
    INSERT INTO feature_value_version (feature_value_id, feature_id, version, default_value,
                                       locked, retired, rollout_strategies, who_updated,
                                       when_created)
    SELECT id, feature_id, version, default_value, locked, retired, rollout_strategies,
           who_updated, when_created
    FROM saved
)
SELECT feature_id FROM saved
"""

_LOCK_VALUES = """
SELECT id, environment_id, feature_id FROM feature_value
WHERE environment_id = $1 AND feature_id = ANY ($2)
ORDER BY feature_id
FOR NO KEY UPDATE
"""

_SEEN_AT = """
UPDATE attached_strategy SET strategy_version = $2 WHERE strategy_id = $1
"""

_DETACH = "DELETE FROM attached_strategy WHERE strategy_id = $1"

# When the statement began: the transaction may have waited for the writer of the version before.
_NEXT = """
WITH saved AS (
    UPDATE feature_value
    SET who_updated = $2, when_updated = statement_timestamp(), version = version + 1
    WHERE id = ANY ($1)
    RETURNING id, feature_id, version, default_value, locked, retired, rollout_strategies,
              who_updated, when_updated
)
INSERT INTO feature_value_version (feature_value_id, feature_id, version, default_value, locked,
                                   retired, rollout_strategies, who_updated, when_created,
                                   version_from, attached_strategies)
SELECT id, feature_id, version, default_value, locked, retired, rollout_strategies, who_updated,
       when_updated, version - 1,
       (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'strategyId', t.strategy_id, 'version', t.strategy_version, 'value', t.value,
                   'disabled', nullif(t.disabled, false)))
               ORDER BY t.position), '[]')
        FROM attached_strategy t WHERE t.feature_value_id = saved.id)
FROM saved
"""


async def lock_attached_values(
    tx: Transaction, strategy_id: ApplicationStrategyId
) -> Sequence[ValuePlace]:
    """Return the live values that a locked strategy is attached to; nobody else writes them."""
    features = [row["id"] for row in await tx.fetch(_HOLD_FEATURES, strategy_id)]
    return [ValuePlace(*row) for row in await tx.fetch(_LOCK_ATTACHED, strategy_id, features)]


async def note_strategy_version(
    tx: Transaction, strategy_id: ApplicationStrategyId, version: int
) -> None:
    """Have the values that a strategy is attached to say which version of it they mean."""
    await tx.execute(_SEEN_AT, strategy_id, version)


async def detach_everywhere(tx: Transaction, strategy_id: ApplicationStrategyId) -> None:
    """Take a strategy away from all values."""
    await tx.execute(_DETACH, strategy_id)


async def save_next_versions(
    tx: Transaction, values: Sequence[ValuePlace], author: PersonId
) -> None:
    """Give locked values their next version, with what is attached to them now."""
    await tx.execute(_NEXT, [value.id for value in values], author)


async def hold_features(
    tx: Transaction, application_id: ApplicationId, feature_ids: Sequence[FeatureId]
) -> dict[FeatureId, FeatureType]:
    """Return the types of those that are live; they stay as they are until the transaction ends."""
    rows = await tx.fetch(_LOCK_FEATURES, application_id, feature_ids)
    return {row["id"]: FeatureType(row["value_type"]) for row in rows}


async def insert_first_values(
    tx: Transaction,
    environment_id: EnvironmentId,
    feature_ids: Sequence[FeatureId],
    author: PersonId,
) -> frozenset[FeatureId]:
    """Give features that have no value yet an unset, unlocked one; return which had none."""
    rows = await tx.fetch(_FIRST_VALUES, environment_id, feature_ids, author)
    return frozenset(row["feature_id"] for row in rows)


async def lock_values(
    tx: Transaction, environment_id: EnvironmentId, feature_ids: Sequence[FeatureId]
) -> Sequence[ValuePlace]:
    """Return the values of features in an environment; nobody else writes them."""
    rows = await tx.fetch(_LOCK_VALUES, environment_id, feature_ids)
    return [ValuePlace(*row) for row in rows]
