"""The rows of feature_value, as they are now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec import Struct

from fh.db.port import Row, Transaction
from fh.model.feature_type import FeatureType
from fh.model.ids import (
    ApplicationStrategyId,
    EnvironmentId,
    FeatureId,
    FeatureValueId,
)
from fh.mr.archiving import shown_name
from fh.mr.attachment import decode_attached
from fh.mr.feature_merge import Setting
from fh.mr.repositories.authors import Author
from fh.mr.rollout_strategy import decode_strategies


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
                   'disabled', t.disabled, 'name', s.name) ORDER BY t.position), '[]')::text
        FROM attached_strategy t JOIN application_strategy s ON s.id = t.strategy_id
        WHERE t.feature_value_id = v.id) AS attached_strategies,
       p.id AS author_id, p.name AS author_name, p.email AS author_email
FROM feature_value v
JOIN feature f ON f.id = v.feature_id
JOIN person p ON p.id = v.who_updated
WHERE v.environment_id = ANY ($1) AND f.when_archived IS NULL
  AND ($2::uuid[] IS NULL OR f.id = ANY ($2))
ORDER BY v.environment_id, f.key
"""


_VALUED = """
SELECT v.environment_id, v.feature_id
FROM feature_value v JOIN feature f ON f.id = v.feature_id
WHERE v.environment_id = ANY ($1) AND f.when_archived IS NULL
ORDER BY v.environment_id, f.key
"""


async def find_valued(
    tx: Transaction, environment_ids: Sequence[EnvironmentId]
) -> Sequence[tuple[EnvironmentId, FeatureId]]:
    """Return which live features have a value in which of the environments, by key."""
    return [(row[0], row[1]) for row in await tx.fetch(_VALUED, environment_ids)]


async def find_values(
    tx: Transaction,
    environment_ids: Sequence[EnvironmentId],
    feature_ids: Sequence[FeatureId] | None = None,
) -> Sequence[FeatureValue]:
    """Return the values in environments, of some features or of all live ones, by key."""
    rows = await tx.fetch(_OF_ENVIRONMENTS, environment_ids, feature_ids)
    return [_value(row) for row in rows]


async def find_value(
    tx: Transaction, environment_id: EnvironmentId, feature_id: FeatureId
) -> FeatureValue | None:
    """Return one value."""
    found = await find_values(tx, [environment_id], [feature_id])
    return found[0] if found else None


def setting_of_row(row: Row) -> Setting:
    """Return what a version of a value says, the newest or an earlier one."""
    return Setting(
        value=row["default_value"],
        locked=row["locked"],
        retired=row["retired"],
        strategies=decode_strategies(row["rollout_strategies"]),
        attached=decode_attached(row["attached_strategies"]),
    )


def _value(row: Row) -> FeatureValue:
    names = _NAMES.decode(row["attached_strategies"])
    return FeatureValue(
        id=row["id"],
        environment_id=row["environment_id"],
        feature_id=row["feature_id"],
        key=row["key"],
        value_type=FeatureType(row["value_type"]),
        setting=setting_of_row(row),
        version=row["version"],
        when_updated=row["when_updated"],
        author=Author(
            row["author_id"],
            # Whoever stands for a service account is archived with it.
            row["author_name"] and shown_name(row["author_name"]),
            row["author_email"],
        ),
        attached_names={named.strategy_id: named.name for named in names},
    )
