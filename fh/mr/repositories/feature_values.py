"""The rows of feature_value, and every version they ever had."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.feature_type import FeatureType
from fh.model.ids import EnvironmentId, FeatureId, FeatureValueId, PersonId
from fh.mr.errors import VersionConflict
from fh.mr.feature_merge import Setting
from fh.mr.rollout_strategy import decode_strategies, encode_strategies


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote the newest version."""

    id: PersonId
    name: str | None
    email: str


@dataclass(frozen=True, slots=True)
class FeatureValue:
    """The newest version of a live feature's value."""

    id: FeatureValueId
    environment_id: EnvironmentId
    feature_id: FeatureId
    key: str
    value_type: FeatureType
    setting: Setting
    version: int
    when_updated: datetime
    author: Author


_OF_ENVIRONMENTS = """
SELECT v.id, v.environment_id, v.feature_id, f.key, f.value_type, v.default_value, v.locked,
       v.retired, v.rollout_strategies::text, v.version, v.when_updated,
       p.id AS author_id, p.name AS author_name, p.email AS author_email
FROM feature_value v
JOIN feature f ON f.id = v.feature_id
JOIN person p ON p.id = v.who_updated
WHERE v.environment_id = ANY ($1) AND f.when_archived IS NULL
  AND ($2::uuid IS NULL OR f.id = $2)
ORDER BY v.environment_id, f.key
"""

_LOCK = "SELECT id FROM feature_value WHERE environment_id = $1 AND feature_id = $2 FOR UPDATE"

_VERSION = """
SELECT default_value, locked, retired, rollout_strategies::text
FROM feature_value_version
WHERE feature_value_id = $1 AND version = $2
"""

_INSERT = """
WITH saved AS (
    INSERT INTO feature_value (environment_id, feature_id, default_value, locked, retired,
                               rollout_strategies, who_updated)
    VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, $7)
    RETURNING id, feature_id, version, default_value, locked, retired, rollout_strategies,
              who_updated, when_created
)
INSERT INTO feature_value_version (feature_value_id, feature_id, version, default_value, locked,
                                   retired, rollout_strategies, who_updated, when_created)
SELECT id, feature_id, version, default_value, locked, retired, rollout_strategies, who_updated,
       when_created
FROM saved
"""

_SAVE = """
WITH saved AS (
    UPDATE feature_value
    SET default_value = $2, locked = $3, retired = $4, rollout_strategies = $5::text::jsonb,
        who_updated = $6, when_updated = now(), version = version + 1
    WHERE id = $1
    RETURNING id, feature_id, version, default_value, locked, retired, rollout_strategies,
              who_updated, when_updated
)
INSERT INTO feature_value_version (feature_value_id, feature_id, version, default_value, locked,
                                   retired, rollout_strategies, who_updated, when_created,
                                   version_from)
SELECT id, feature_id, version, default_value, locked, retired, rollout_strategies, who_updated,
       when_updated, $7::bigint
FROM saved
"""


async def find_values(
    tx: Transaction,
    environment_ids: Sequence[EnvironmentId],
    feature_id: FeatureId | None = None,
) -> Sequence[FeatureValue]:
    """Return the values in environments, of one feature or of all live ones, by key."""
    rows = await tx.fetch(_OF_ENVIRONMENTS, environment_ids, feature_id)
    return [_value(row) for row in rows]


async def find_value(
    tx: Transaction, environment_id: EnvironmentId, feature_id: FeatureId
) -> FeatureValue | None:
    """Return one value."""
    found = await find_values(tx, [environment_id], feature_id)
    return found[0] if found else None


async def lock_value(
    tx: Transaction, environment_id: EnvironmentId, feature_id: FeatureId
) -> FeatureValue | None:
    """Return one value; until the transaction ends nobody else writes it."""
    await tx.fetchrow(_LOCK, environment_id, feature_id)
    return await find_value(tx, environment_id, feature_id)


async def find_setting(tx: Transaction, value_id: FeatureValueId, version: int) -> Setting | None:
    """Return what an earlier version of a value said."""
    row = await tx.fetchrow(_VERSION, value_id, version)
    return None if row is None else _setting(row)


async def insert_value(
    tx: Transaction,
    environment_id: EnvironmentId,
    feature_id: FeatureId,
    setting: Setting,
    author: PersonId,
) -> None:
    """Write the first version of a value.

    Raises:
        VersionConflict: somebody else was first.
    """
    try:
        await tx.execute(
            _INSERT,
            environment_id,
            feature_id,
            setting.value,
            setting.locked,
            setting.retired,
            encode_strategies(setting.strategies),
            author,
        )
    except UniqueViolation as taken:
        raise VersionConflict("feature value") from taken


async def save_value(
    tx: Transaction,
    value_id: FeatureValueId,
    setting: Setting,
    author: PersonId,
    version_from: int,
) -> None:
    """Write the next version of a value; `version_from` is the one its author looked at."""
    await tx.execute(
        _SAVE,
        value_id,
        setting.value,
        setting.locked,
        setting.retired,
        encode_strategies(setting.strategies),
        author,
        version_from,
    )


def _value(row: Row) -> FeatureValue:
    return FeatureValue(
        id=row["id"],
        environment_id=row["environment_id"],
        feature_id=row["feature_id"],
        key=row["key"],
        value_type=FeatureType(row["value_type"]),
        setting=_setting(row),
        version=row["version"],
        when_updated=row["when_updated"],
        author=Author(row["author_id"], row["author_name"], row["author_email"]),
    )


def _setting(row: Row) -> Setting:
    return Setting(
        value=row["default_value"],
        locked=row["locked"],
        retired=row["retired"],
        strategies=decode_strategies(row["rollout_strategies"]),
    )
