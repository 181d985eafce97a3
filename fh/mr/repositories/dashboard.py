"""One page of an application's features, however many it has, and their values everywhere.

A page may hold thousands of values, so as little as possible is done for each: no joins, and the
text of the strategies goes from the database to the client without being looked into.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from fh.db.port import Transaction
from fh.model.feature_type import FeatureType
from fh.model.ids import (
    ApplicationId,
    ApplicationStrategyId,
    EnvironmentId,
    FeatureFilterId,
    FeatureGroupId,
    FeatureId,
    FeatureValueId,
)
from fh.mr.repositories.features import Feature, feature_of_row


@dataclass(frozen=True, slots=True)
class FeaturePage:
    """Which features: a part of their name or key, their types, and which page of them.

    Without `types` all types; with `filters` those that carry one of them.
    """

    text: str
    types: Sequence[FeatureType]
    filters: Sequence[FeatureFilterId]
    descending: bool
    limit: int
    offset: int


class PageValue(Struct, frozen=True):
    """The newest version of a value; `strategies` is their JSON text."""

    id: FeatureValueId
    environment_id: EnvironmentId
    feature_id: FeatureId
    text: str | None
    locked: bool
    retired: bool
    strategies: str
    version: int


class PageAttachment(Struct, frozen=True):
    """An application's strategy that is attached to a value."""

    value_id: FeatureValueId
    strategy_id: ApplicationStrategyId
    name: str
    text: str | None
    disabled: bool


class PageGroup(Struct, frozen=True):
    """The strategy of a feature group, and what it makes of one of its features."""

    environment_id: EnvironmentId
    feature_id: FeatureId
    group_id: FeatureGroupId
    name: str
    text: str | None


_CHOSEN = """
FROM feature
WHERE application_id = $1 AND when_archived IS NULL
  AND ($2 = '' OR strpos(lower(name), lower($2)) > 0 OR strpos(lower(key), lower($2)) > 0)
  AND (cardinality($3::text[]) = 0 OR value_type = ANY ($3))
  AND (cardinality($4::uuid[]) = 0
       OR EXISTS (SELECT FROM feature_filter_feature carried
                  WHERE carried.feature_id = feature.id AND carried.filter_id = ANY ($4)))
"""

_COLUMNS = """
SELECT id, application_id, key, name, alias, link, description, NULL AS meta_data, secret,
       value_type, version
"""

_ASCENDING = f"{_COLUMNS} {_CHOSEN} ORDER BY key LIMIT $5 OFFSET $6"
_DESCENDING = f"{_COLUMNS} {_CHOSEN} ORDER BY key DESC LIMIT $5 OFFSET $6"
_COUNT = f"SELECT count(*) {_CHOSEN}"

_VALUES = """
SELECT id, environment_id, feature_id, default_value, locked, retired, rollout_strategies::text,
       version
FROM feature_value
WHERE environment_id = ANY ($1) AND feature_id = ANY ($2)
"""

_ATTACHED = """
SELECT t.feature_value_id, t.strategy_id, s.name, t.value, t.disabled
FROM feature_value v
JOIN attached_strategy t ON t.feature_value_id = v.id
JOIN application_strategy s ON s.id = t.strategy_id
WHERE v.environment_id = ANY ($1) AND v.feature_id = ANY ($2)
ORDER BY t.feature_value_id, t.position
"""

_GROUPED = """
SELECT g.environment_id, m.feature_id, g.id, coalesce(g.strategies -> 0 ->> 'name', g.name),
       m.value
FROM feature_group g JOIN feature_group_member m ON m.feature_group_id = g.id
WHERE g.environment_id = ANY ($1) AND m.feature_id = ANY ($2) AND g.when_archived IS NULL
  AND jsonb_array_length(g.strategies) > 0
ORDER BY g.position, g.id
"""


async def find_page(
    tx: Transaction, application_id: ApplicationId, page: FeaturePage
) -> tuple[Sequence[Feature], int]:
    """Return a page of features without their metadata, and how many there are in all."""
    chosen = (application_id, page.text, [str(one) for one in page.types], page.filters)
    total: int = await tx.fetchval(_COUNT, *chosen)
    statement = _DESCENDING if page.descending else _ASCENDING
    rows = await tx.fetch(statement, *chosen, page.limit, page.offset)
    return [feature_of_row(row) for row in rows], total


async def find_page_values(
    tx: Transaction, environment_ids: Sequence[EnvironmentId], feature_ids: Sequence[FeatureId]
) -> Sequence[PageValue]:
    """Return the values of features in environments, in no order."""
    return [PageValue(*row) for row in await tx.fetch(_VALUES, environment_ids, feature_ids)]


async def find_page_attachments(
    tx: Transaction, environment_ids: Sequence[EnvironmentId], feature_ids: Sequence[FeatureId]
) -> Sequence[PageAttachment]:
    """Return what is attached to the values of features in environments, in its order."""
    return [PageAttachment(*row) for row in await tx.fetch(_ATTACHED, environment_ids, feature_ids)]


async def find_page_groups(
    tx: Transaction, environment_ids: Sequence[EnvironmentId], feature_ids: Sequence[FeatureId]
) -> Sequence[PageGroup]:
    """Return the strategies of feature groups that apply to features, in their order."""
    return [PageGroup(*row) for row in await tx.fetch(_GROUPED, environment_ids, feature_ids)]
