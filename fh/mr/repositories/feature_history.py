"""Every version that feature values ever had, as people look it up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from fh.db.port import Row, Transaction
from fh.model.feature_type import FeatureType
from fh.model.ids import (
    ApplicationId,
    ApplicationStrategyId,
    EnvironmentId,
    FeatureId,
    FeatureValueId,
    PersonId,
)
from fh.mr.access import PersonType
from fh.mr.archiving import shown_name
from fh.mr.attachment import decode_attached
from fh.mr.feature_merge import Setting
from fh.mr.rollout_strategy import decode_strategies


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Which versions: of which features in which environments, and which part of them.

    Without features those that are live; `versions` of None are all.
    """

    environments: Sequence[EnvironmentId]
    features: Sequence[FeatureId]
    keys: Sequence[str]
    versions: Sequence[int] | None
    descending: bool
    limit: int
    offset: int


class HistoryAuthor(Struct, frozen=True):
    """Who wrote a version."""

    id: PersonId
    name: str | None
    email: str
    type: PersonType


class HistoryVersion(Struct, frozen=True):
    """One version of a value; `version_from` is the one that its author looked at."""

    value_id: FeatureValueId
    environment_id: EnvironmentId
    feature_id: FeatureId
    value_type: FeatureType
    setting: Setting
    version: int
    version_from: int | None
    when_created: datetime
    author: HistoryAuthor


_CHOSEN = """
FROM feature_value_version h
JOIN feature_value v ON v.id = h.feature_value_id
JOIN feature f ON f.id = v.feature_id
WHERE f.application_id = $1 AND v.environment_id = ANY ($2)
  AND CASE WHEN cardinality($3::uuid[]) > 0 THEN f.id = ANY ($3)
           WHEN cardinality($4::text[]) > 0 THEN f.key = ANY ($4)
           ELSE f.when_archived IS NULL END
  AND ($5::bigint[] IS NULL OR h.version = ANY ($5))
"""

_COUNT = f"SELECT count(*) {_CHOSEN}"

# People are looked up for one page only.
_PAGE = """
SELECT h.value_id, h.environment_id, h.feature_id, h.value_type, h.default_value, h.locked,
       h.retired, h.rollout_strategies::text, h.attached_strategies::text, h.version,
       h.version_from, h.when_created, p.id AS person_id, p.name, p.email, p.person_type
FROM (
    SELECT v.id AS value_id, v.environment_id, v.feature_id, f.value_type, h.default_value,
           h.locked, h.retired, h.rollout_strategies, h.attached_strategies, h.version,
           h.version_from, h.when_created, h.who_updated
    {chosen}
    ORDER BY h.version {direction}, h.when_created {direction}, v.id
    LIMIT $6 OFFSET $7
) h
JOIN person p ON p.id = h.who_updated
ORDER BY h.version {direction}, h.when_created {direction}, h.value_id
"""
_ASCENDING = _PAGE.format(chosen=_CHOSEN, direction="ASC")
_DESCENDING = _PAGE.format(chosen=_CHOSEN, direction="DESC")


class AttachedName(Struct, frozen=True):
    """What an application's strategy is called now, and what SDKs know it by."""

    code: str
    name: str


_NAMES = "SELECT id, code, name FROM application_strategy WHERE id = ANY ($1)"


async def find_attached_names(
    tx: Transaction, versions: Iterable[HistoryVersion]
) -> Mapping[ApplicationStrategyId, AttachedName]:
    """Return the names of all strategies that were ever attached, archived ones included."""
    ids = {one.strategy_id for version in versions for one in version.setting.attached}
    rows = await tx.fetch(_NAMES, list(ids))
    return {row["id"]: AttachedName(row["code"], shown_name(row["name"])) for row in rows}


async def find_history(
    tx: Transaction, application_id: ApplicationId, page: HistoryPage
) -> tuple[Sequence[HistoryVersion], int]:
    """Return a page of versions, ordered by their number, and how many there are in all."""
    chosen = (application_id, page.environments, page.features, page.keys, page.versions)
    total: int = await tx.fetchval(_COUNT, *chosen)
    statement = _DESCENDING if page.descending else _ASCENDING
    rows = await tx.fetch(statement, *chosen, page.limit, page.offset)
    return [_version(row) for row in rows], total


def _version(row: Row) -> HistoryVersion:
    return HistoryVersion(
        value_id=row["value_id"],
        environment_id=row["environment_id"],
        feature_id=row["feature_id"],
        value_type=FeatureType(row["value_type"]),
        setting=Setting(
            value=row["default_value"],
            locked=row["locked"],
            retired=row["retired"],
            strategies=decode_strategies(row["rollout_strategies"]),
            attached=decode_attached(row["attached_strategies"]),
        ),
        version=row["version"],
        version_from=row["version_from"],
        when_created=row["when_created"],
        author=HistoryAuthor(
            row["person_id"],
            row["name"] and shown_name(row["name"]),  # of an account, perhaps, that is gone
            row["email"],
            PersonType(row["person_type"]),
        ),
    )
