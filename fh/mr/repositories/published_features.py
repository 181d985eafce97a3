"""Features as the data plane sees them: with their filters, their value and all its strategies.

A value's strategies are evaluated in the order in which they are published: its own, the
application's that are attached to it, and those of the feature groups it is a member of. However
many features there are, they are one statement.

Source: sections 6.1 and 10.2 of the admin contract.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from fh.contracts.published import (
    ABSENT,
    CacheEnvironmentFeature,
    CacheFeature,
    CacheFeatureValue,
    CacheRolloutStrategy,
)
from fh.db.port import Row, Transaction
from fh.model.feature_type import FeatureType
from fh.model.ids import EnvironmentId, FeatureId
from fh.mr.group_publishing import PUBLISHES_GROUPS
from fh.mr.rollout_strategy import RolloutStrategy, decode_strategies, published_strategy
from fh.mr.values import json_value

_FEATURES = f"""
SELECT e.id AS environment_id, f.id, f.key, f.value_type, f.version, v.id AS value_id,
       v.default_value, v.locked, v.retired, v.version AS value_version, v.who_updated,
       v.rollout_strategies::text,
       ARRAY(SELECT l.filter_id FROM feature_filter_feature l
             WHERE l.feature_id = f.id ORDER BY l.filter_id) AS filters,
       (SELECT jsonb_agg(jsonb_build_object('id', s.code, 'value', t.value,
                                            'strategy', s.strategy) ORDER BY t.position)::text
        FROM attached_strategy t JOIN application_strategy s ON s.id = t.strategy_id
        WHERE t.feature_value_id = v.id AND NOT t.disabled AND s.when_archived IS NULL) AS attached,
       (SELECT jsonb_agg(jsonb_build_object('value', m.value, 'strategy', g.strategies -> 0)
                         ORDER BY g.position, g.id)::text
        FROM feature_group_member m JOIN feature_group g ON g.id = m.feature_group_id
        WHERE {PUBLISHES_GROUPS}
          AND m.feature_id = f.id AND g.environment_id = e.id AND v.id IS NOT NULL
          AND g.when_archived IS NULL AND jsonb_array_length(g.strategies) > 0) AS grouped
FROM environment e
JOIN feature f ON f.application_id = e.application_id
LEFT JOIN feature_value v ON v.environment_id = e.id AND v.feature_id = f.id
WHERE e.id = ANY ($1) AND ($2::uuid[] IS NULL OR f.id = ANY ($2))
  AND e.when_archived IS NULL AND e.when_unpublished IS NULL AND f.when_archived IS NULL
ORDER BY e.id, f.key
"""  # noqa: S608 -- only constants


class _Shared(Struct, frozen=True):
    """A strategy that is not the value's own, and the value that it has here."""

    strategy: RolloutStrategy
    value: str | None = None
    id: str | None = None


_SHARED = msgspec.json.Decoder(tuple[_Shared, ...])


async def load_cache_features(
    tx: Transaction,
    environment_ids: Sequence[EnvironmentId],
    feature_ids: Sequence[FeatureId] | None = None,
) -> Mapping[EnvironmentId, list[CacheEnvironmentFeature]]:
    """Return the live features of published environments, by key; all unless some are named."""
    found: dict[EnvironmentId, list[CacheEnvironmentFeature]] = defaultdict(list)
    for row in await tx.fetch(_FEATURES, environment_ids, feature_ids):
        found[row["environment_id"]].append(_feature(row))
    return found


def _feature(row: Row) -> CacheEnvironmentFeature:
    value_type = FeatureType(row["value_type"])
    feature = CacheFeature(row["id"], row["key"], value_type, row["version"], tuple(row["filters"]))
    if row["value_id"] is None:
        return CacheEnvironmentFeature(feature)
    value = CacheFeatureValue(
        id=row["value_id"],
        key=row["key"],
        locked=row["locked"],
        version=row["value_version"],
        value=json_value(value_type, row["default_value"]),
        retired=row["retired"],
        person_id=row["who_updated"],
        rollout_strategies=(
            *map(published_strategy, decode_strategies(row["rollout_strategies"])),
            *_attached(value_type, row["attached"]),
            *_grouped(value_type, row["grouped"]),
        ),
    )
    return CacheEnvironmentFeature(feature, value)


def _attached(value_type: FeatureType, text: str | None) -> Iterator[CacheRolloutStrategy]:
    for shared in _SHARED.decode(text) if text else ():
        if not shared.strategy.disabled:
            yield _published(value_type, replace(shared.strategy, id=shared.id), shared.value)


def _grouped(value_type: FeatureType, text: str | None) -> Iterator[CacheRolloutStrategy]:
    for shared in _SHARED.decode(text) if text else ():
        yield _published(value_type, shared.strategy, shared.value)


def _published(
    value_type: FeatureType, strategy: RolloutStrategy, value: str | None
) -> CacheRolloutStrategy:
    plain = published_strategy(replace(strategy, value=ABSENT))
    return replace(plain, value=json_value(value_type, value))
