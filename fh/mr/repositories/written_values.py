"""Writing rows of feature_value, and the versions of them that stay readable for ever.

However many values are written at once, each step of it is one statement. Rows are locked and
inserted in the order of environment and feature, as wherever several are written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from fh.db.errors import UniqueViolation
from fh.db.port import Transaction
from fh.model.ids import EnvironmentId, FeatureId, FeatureValueId, PersonId
from fh.mr.attachment import encode_attached
from fh.mr.errors import VersionConflict
from fh.mr.feature_merge import Setting
from fh.mr.repositories.feature_values import FeatureValue, find_values, setting_of_row
from fh.mr.rollout_strategy import encode_strategies

Place: TypeAlias = tuple[EnvironmentId, FeatureId]
"""Where a value is, whether it has a row or not."""


@dataclass(frozen=True, slots=True)
class NextVersion:
    """What a locked value is to say; `version_from` is the version its author looked at."""

    id: FeatureValueId
    setting: Setting
    version_from: int


_LARGEST_VERSION: Final = 2**63 - 1  # the column's; clients may name any

_LOCK = """
SELECT v.id
FROM feature_value v
JOIN unnest($1::uuid[], $2::uuid[]) AS p (environment_id, feature_id)
  USING (environment_id, feature_id)
ORDER BY v.environment_id, v.feature_id
FOR UPDATE OF v
"""

_VERSIONS = """
SELECT feature_value_id, version, default_value, locked, retired, rollout_strategies::text,
       attached_strategies::text
FROM feature_value_version
JOIN unnest($1::uuid[], $2::bigint[]) AS p (feature_value_id, version)
  USING (feature_value_id, version)
"""

_INSERT = """
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bool[], $5::bool[], $6::text[],
                         $7::text[])
             AS t (environment_id, feature_id, default_value, locked, retired, strategies,
                   attached)
), saved AS (
    INSERT INTO feature_value (environment_id, feature_id, default_value, locked, retired,
                               rollout_strategies, who_updated)
    SELECT environment_id, feature_id, default_value, locked, retired, strategies::jsonb, $8
    FROM given
    ORDER BY environment_id, feature_id
    RETURNING id, environment_id, feature_id, version, default_value, locked, retired,
              rollout_strategies, who_updated, when_created
), recorded AS (
    INSERT INTO feature_value_version (feature_value_id, feature_id, version, default_value,
                                       locked, retired, rollout_strategies, who_updated,
                                       when_created, attached_strategies)
    SELECT s.id, s.feature_id, s.version, s.default_value, s.locked, s.retired,
           s.rollout_strategies, s.who_updated, s.when_created, g.attached::jsonb
    FROM saved s JOIN given g USING (environment_id, feature_id)
)
INSERT INTO attached_strategy (feature_value_id, position, strategy_id, value, strategy_version,
                               disabled)
SELECT s.id, t.position, (t.one ->> 'strategyId')::uuid, t.one ->> 'value',
       (t.one ->> 'version')::bigint, coalesce((t.one ->> 'disabled')::boolean, false)
FROM saved s JOIN given g USING (environment_id, feature_id),
     jsonb_array_elements(g.attached::jsonb) WITH ORDINALITY AS t (one, position)
"""

# A statement of its own: the next one could not attach again what it detaches itself.
_DETACH = "DELETE FROM attached_strategy WHERE feature_value_id = ANY ($1)"

# When the statement began: the transaction may have waited for the writer of the version before.
_SAVE = """
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bool[], $4::bool[], $5::text[], $6::text[],
                         $7::bigint[])
             AS t (id, default_value, locked, retired, strategies, attached, version_from)
), saved AS (
    UPDATE feature_value v
    SET default_value = g.default_value, locked = g.locked, retired = g.retired,
        rollout_strategies = g.strategies::jsonb, who_updated = $8,
        when_updated = statement_timestamp(), version = v.version + 1
    FROM given g
    WHERE v.id = g.id
    RETURNING v.id, v.feature_id, v.version, v.default_value, v.locked, v.retired,
              v.rollout_strategies, v.who_updated, v.when_updated, g.version_from, g.attached
), recorded AS (
    INSERT INTO feature_value_version (feature_value_id, feature_id, version, default_value,
                                       locked, retired, rollout_strategies, who_updated,
                                       when_created, version_from, attached_strategies)
    SELECT id, feature_id, version, default_value, locked, retired, rollout_strategies,
           who_updated, when_updated, version_from, attached::jsonb
    FROM saved
)
INSERT INTO attached_strategy (feature_value_id, position, strategy_id, value, strategy_version,
                               disabled)
SELECT s.id, t.position, (t.one ->> 'strategyId')::uuid, t.one ->> 'value',
       (t.one ->> 'version')::bigint, coalesce((t.one ->> 'disabled')::boolean, false)
FROM saved s, jsonb_array_elements(s.attached::jsonb) WITH ORDINALITY AS t (one, position)
"""


async def lock_values_at(tx: Transaction, places: Iterable[Place]) -> Mapping[Place, FeatureValue]:
    """Return the values that there are; until the transaction ends nobody else writes them."""
    wanted = set(places)
    environments = [environment_id for environment_id, _ in wanted]
    features = [feature_id for _, feature_id in wanted]
    await tx.fetch(_LOCK, environments, features)
    found = {
        (value.environment_id, value.feature_id): value
        for value in await find_values(tx, environments, features)
    }
    return {place: value for place, value in found.items() if place in wanted}


async def find_settings(
    tx: Transaction, versions: Sequence[tuple[FeatureValueId, int]]
) -> Mapping[FeatureValueId, Setting]:
    """Return what versions said, one of each value; those that never were are missing."""
    possible = [one for one in versions if 0 < one[1] <= _LARGEST_VERSION]
    rows = await tx.fetch(
        _VERSIONS, [value_id for value_id, _ in possible], [version for _, version in possible]
    )
    return {row["feature_value_id"]: setting_of_row(row) for row in rows}


async def insert_values(tx: Transaction, first: Mapping[Place, Setting], author: PersonId) -> None:
    """Write the first versions of values.

    Raises:
        VersionConflict: somebody else was first.
    """
    if not first:
        return
    try:
        await tx.execute(
            _INSERT,
            [environment_id for environment_id, _ in first],
            [feature_id for _, feature_id in first],
            *_columns(first.values()),
            author,
        )
    except UniqueViolation as taken:
        raise VersionConflict("feature value") from taken


async def save_versions(
    tx: Transaction, following: Sequence[NextVersion], author: PersonId
) -> None:
    """Write the next versions of locked values."""
    if not following:
        return
    ids = [one.id for one in following]
    await tx.execute(_DETACH, ids)
    await tx.execute(
        _SAVE,
        ids,
        *_columns(one.setting for one in following),
        [one.version_from for one in following],
        author,
    )


def _columns(settings: Iterable[Setting]) -> Sequence[list[object]]:
    """Return value, lock, retirement, strategies and what is attached, a list of each."""
    rows = [
        (
            one.value,
            one.locked,
            one.retired,
            encode_strategies(one.strategies),
            encode_attached(one.attached),
        )
        for one in settings
    ]
    return [list(column) for column in zip(*rows, strict=True)]
