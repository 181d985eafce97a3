"""The rows of feature_value, and every version they ever had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec import Struct

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.feature_type import FeatureType
from fh.model.ids import (
    ApplicationStrategyId,
    EnvironmentId,
    FeatureId,
    FeatureValueId,
    PersonId,
)
from fh.mr.attachment import Attached, decode_attached, encode_attached
from fh.mr.errors import VersionConflict
from fh.mr.feature_merge import Setting
from fh.mr.rollout_strategy import decode_strategies, encode_strategies


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote the newest version."""

    id: PersonId
    name: str | None
    email: str


class _Named(Struct, frozen=True, rename="camel"):
    strategy_id: ApplicationStrategyId
    name: str


_NAMES = msgspec.json.Decoder(tuple[_Named, ...])


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
    attached_names: Mapping[ApplicationStrategyId, str]


_OF_ENVIRONMENTS = """
SELECT v.id, v.environment_id, v.feature_id, f.key, f.value_type, v.default_value, v.locked,
       v.retired, v.rollout_strategies::text, v.version, v.when_updated,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'strategyId', t.strategy_id, 'version', t.strategy_version, 'value', t.value,
                   'name', s.name) ORDER BY t.position), '[]')::text
        FROM attached_strategy t JOIN application_strategy s ON s.id = t.strategy_id
        WHERE t.feature_value_id = v.id) AS attached_strategies,
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
SELECT default_value, locked, retired, rollout_strategies::text, attached_strategies::text
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
), attached AS (
    INSERT INTO attached_strategy (feature_value_id, position, strategy_id, value,
                                   strategy_version)
    SELECT saved.id, t.position, t.strategy_id, t.value, t.version
    FROM saved, unnest($9::uuid[], $10::text[], $11::bigint[])
                WITH ORDINALITY AS t (strategy_id, value, version, position)
)
INSERT INTO feature_value_version (feature_value_id, feature_id, version, default_value, locked,
                                   retired, rollout_strategies, who_updated, when_created,
                                   attached_strategies)
SELECT id, feature_id, version, default_value, locked, retired, rollout_strategies, who_updated,
       when_created, $8::text::jsonb
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
                                   version_from, attached_strategies)
SELECT id, feature_id, version, default_value, locked, retired, rollout_strategies, who_updated,
       when_updated, $7::bigint, $8::text::jsonb
FROM saved
"""

_DETACH = "DELETE FROM attached_strategy WHERE feature_value_id = $1"

_ATTACH = """
INSERT INTO attached_strategy (feature_value_id, position, strategy_id, value, strategy_version)
SELECT $1, position, strategy_id, value, version
FROM unnest($2::uuid[], $3::text[], $4::bigint[])
     WITH ORDINALITY AS t (strategy_id, value, version, position)
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
            encode_attached(setting.attached),
            *_columns(setting.attached),
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
    await tx.execute(_DETACH, value_id)
    if setting.attached:
        await tx.execute(_ATTACH, value_id, *_columns(setting.attached))
    await tx.execute(
        _SAVE,
        value_id,
        setting.value,
        setting.locked,
        setting.retired,
        encode_strategies(setting.strategies),
        author,
        version_from,
        encode_attached(setting.attached),
    )


def _columns(attached: Sequence[Attached]) -> tuple[list[object], list[object], list[object]]:
    return (
        [one.strategy_id for one in attached],
        [one.value for one in attached],
        [one.version for one in attached],
    )


def _value(row: Row) -> FeatureValue:
    names = _NAMES.decode(row["attached_strategies"])
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
        attached_names={named.strategy_id: named.name for named in names},
    )


def _setting(row: Row) -> Setting:
    return Setting(
        value=row["default_value"],
        locked=row["locked"],
        retired=row["retired"],
        strategies=decode_strategies(row["rollout_strategies"]),
        attached=decode_attached(row["attached_strategies"]),
    )
