"""The rows of feature_group, and their members.

Who writes them has locked the application, so environments and features don't go meanwhile.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.feature_type import FeatureType
from fh.model.ids import ApplicationId, EnvironmentId, FeatureGroupId, FeatureId, PersonId
from fh.mr.errors import AlreadyExists
from fh.mr.rollout_strategy import Strategies, decode_strategies, encode_strategies


@dataclass(frozen=True, slots=True)
class GroupFeature:
    """A live feature as a group sees it; `value` is the member's, None also for no member."""

    id: FeatureId
    key: str
    name: str
    value_type: FeatureType
    locked: bool
    value: str | None = None


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """A live group with its members by key; `strategies` holds one or none."""

    id: FeatureGroupId
    environment_id: EnvironmentId
    environment_name: str
    environment_is_archived: bool
    name: str
    description: str
    position: int
    strategies: Strategies
    version: int
    members: Sequence[GroupFeature]


@dataclass(frozen=True, slots=True)
class GroupPage:
    """Which groups to list: of these environments, `size` of them from `offset` on."""

    environment_ids: Sequence[EnvironmentId]
    name_part: str | None
    descending: bool
    size: int
    offset: int


_FOUND = """
SELECT g.id, g.environment_id, e.name AS environment_name,
       e.when_archived IS NOT NULL AS environment_is_archived, g.name, g.description, g.position,
       coalesce(g.strategies, '[]')::text AS strategies, g.version
FROM feature_group g JOIN environment e ON e.id = g.environment_id
"""

_BY_ID = f"{_FOUND} WHERE g.id = $2 AND e.application_id = $1 AND g.when_archived IS NULL"

_MATCHING = """
g.environment_id = ANY ($1) AND g.when_archived IS NULL
AND ($2::text IS NULL OR strpos(lower(g.name), lower($2)) > 0)
"""

_COUNT = f"SELECT count(*) FROM feature_group g WHERE {_MATCHING}"  # noqa: S608 -- only constants

_PAGE = f"""
{_FOUND} WHERE {_MATCHING}
ORDER BY CASE WHEN $3 THEN g.position END DESC, g.position, g.environment_id, g.id
LIMIT $4 OFFSET $5
"""

_MEMBERS = """
SELECT m.feature_group_id, f.id, f.key, f.name, f.value_type, coalesce(v.locked, false) AS locked,
       m.value
FROM feature_group_member m
JOIN feature_group g ON g.id = m.feature_group_id
JOIN feature f ON f.id = m.feature_id
LEFT JOIN feature_value v ON v.environment_id = g.environment_id AND v.feature_id = f.id
WHERE m.feature_group_id = ANY ($1) AND f.when_archived IS NULL
ORDER BY m.feature_group_id, f.key
"""

_FEATURES = """
SELECT f.id, f.key, f.name, f.value_type, coalesce(v.locked, false) AS locked, NULL AS value
FROM feature f
LEFT JOIN feature_value v ON v.environment_id = $2 AND v.feature_id = f.id
WHERE f.application_id = $1 AND f.when_archived IS NULL
ORDER BY f.key
"""

_LAST_POSITION = "SELECT max(position) FROM feature_group WHERE environment_id = $1"

# Where somebody put a group to the end of all numbers: the first gap behind those that are live,
# or the last gap of all where a live one stands at the end itself.
_GAP = """
WITH known AS (
    SELECT position, when_archived FROM feature_group WHERE environment_id = $1
), last AS (
    SELECT coalesce(max(position), 0) AS position FROM known WHERE when_archived IS NULL
), candidate AS (
    SELECT position + 1 AS position FROM known
    UNION SELECT position - 1 FROM known
    UNION SELECT position + 1 FROM last
), gap AS (
    SELECT position FROM candidate
    WHERE position <= $2 AND position NOT IN (SELECT position FROM known)
)
SELECT coalesce(min(gap.position) FILTER (WHERE gap.position > last.position), max(gap.position))
FROM gap CROSS JOIN last
"""

_POSITION_TAKEN = """
SELECT EXISTS (SELECT FROM feature_group
               WHERE environment_id = $1 AND position = $2 AND id <> $3)
"""

_INSERT = """
INSERT INTO feature_group (environment_id, name, description, position, strategies, who_created,
                           who_updated)
VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $6)
RETURNING id
"""

_SAVE = """
UPDATE feature_group
SET name = $2, description = $3, position = $4, strategies = $5::text::jsonb, who_updated = $6,
    when_updated = now(), version = version + 1
WHERE id = $1
"""

_ARCHIVE = """
UPDATE feature_group
SET when_archived = now(), when_updated = now(), who_updated = $2, version = version + 1
WHERE id = $1
"""

_CLEAR = "DELETE FROM feature_group_member WHERE feature_group_id = $1"

_FILL = """
INSERT INTO feature_group_member (feature_group_id, feature_id, value)
SELECT $1, feature_id, value FROM unnest($2::uuid[], $3::text[]) AS t (feature_id, value)
"""

_GROUP = "feature group"

POSITION_STEP = 10
LAST_POSITION = 2**31 - 1


async def find_group(
    tx: Transaction, application_id: ApplicationId, group_id: FeatureGroupId
) -> FeatureGroup | None:
    """Return a live group of an application."""
    row = await tx.fetchrow(_BY_ID, application_id, group_id)
    return None if row is None else _group(row, await _members(tx, [group_id]))


async def find_groups(tx: Transaction, page: GroupPage) -> tuple[int, Sequence[FeatureGroup]]:
    """Return how many match, and the wanted ones by their position."""
    matching = (page.environment_ids, page.name_part)
    total: int = await tx.fetchval(_COUNT, *matching)
    rows = await tx.fetch(_PAGE, *matching, page.descending, page.size, page.offset)
    members = await _members(tx, [row["id"] for row in rows])
    return total, [_group(row, members) for row in rows]


async def find_group_features(
    tx: Transaction, application_id: ApplicationId, environment_id: EnvironmentId
) -> Sequence[GroupFeature]:
    """Return the live features of an application, locked as they are in an environment."""
    return [_feature(row) for row in await tx.fetch(_FEATURES, application_id, environment_id)]


async def next_position(tx: Transaction, environment_id: EnvironmentId) -> int:
    """Return a position that no group of an environment ever had, behind them all if possible."""
    last: int | None = await tx.fetchval(_LAST_POSITION, environment_id)
    position = (last or 0) + POSITION_STEP
    if position > LAST_POSITION:
        position = await tx.fetchval(_GAP, environment_id, LAST_POSITION)
    return position


async def position_is_taken(tx: Transaction, group: FeatureGroup, position: int) -> bool:
    """Return whether another group of the environment, be it archived, has the position."""
    return bool(await tx.fetchval(_POSITION_TAKEN, group.environment_id, position, group.id))


@dataclass(frozen=True, slots=True)
class GroupContent:
    """What a group says; `members` are the stored values."""

    name: str
    description: str
    position: int
    strategies: Strategies
    members: Mapping[FeatureId, str | None]


async def insert_group(
    tx: Transaction, environment_id: EnvironmentId, content: GroupContent, author: PersonId
) -> FeatureGroupId:
    """Write a new group with its members.

    Raises:
        AlreadyExists: the environment has a group of that name, whatever its case.
    """
    try:
        created: FeatureGroupId = await tx.fetchval(
            _INSERT, environment_id, *_columns(content), author
        )
    except UniqueViolation as taken:
        raise AlreadyExists(_GROUP, "name") from taken
    await _fill(tx, created, content)
    return created


async def save_group(
    tx: Transaction, group_id: FeatureGroupId, content: GroupContent, author: PersonId
) -> None:
    """Write a group's next version with its members.

    Raises:
        AlreadyExists: another one of the environment has that name, whatever its case.
    """
    try:
        await tx.execute(_SAVE, group_id, *_columns(content), author)
    except UniqueViolation as taken:
        raise AlreadyExists(_GROUP, "name") from taken
    await tx.execute(_CLEAR, group_id)
    await _fill(tx, group_id, content)


async def archive_group(tx: Transaction, group_id: FeatureGroupId, author: PersonId) -> None:
    """Hide a group; its members stay with it."""
    await tx.execute(_ARCHIVE, group_id, author)


async def _fill(tx: Transaction, group_id: FeatureGroupId, content: GroupContent) -> None:
    members = content.members
    await tx.execute(_FILL, group_id, list(members), list(members.values()))


def _columns(content: GroupContent) -> tuple[str, str, int, str]:
    return (
        content.name,
        content.description,
        content.position,
        encode_strategies(content.strategies),
    )


async def _members(
    tx: Transaction, group_ids: Sequence[FeatureGroupId]
) -> Mapping[FeatureGroupId, list[GroupFeature]]:
    found: dict[FeatureGroupId, list[GroupFeature]] = defaultdict(list)
    for row in await tx.fetch(_MEMBERS, group_ids):
        found[row["feature_group_id"]].append(_feature(row))
    return found


def _feature(row: Row) -> GroupFeature:
    return GroupFeature(
        row["id"],
        row["key"],
        row["name"],
        FeatureType(row["value_type"]),
        row["locked"],
        row["value"],
    )


def _group(row: Row, members: Mapping[FeatureGroupId, Sequence[GroupFeature]]) -> FeatureGroup:
    return FeatureGroup(
        id=row["id"],
        environment_id=row["environment_id"],
        environment_name=row["environment_name"],
        environment_is_archived=row["environment_is_archived"],
        name=row["name"],
        description=row["description"],
        position=row["position"],
        strategies=decode_strategies(row["strategies"]),
        version=row["version"],
        members=members.get(row["id"], ()),
    )
