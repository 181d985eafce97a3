"""One page of an application's features, however many it has, and their values everywhere.

A page may hold thousands of values, so as little as possible is done for each: no joins, and the
text of the strategies goes from the database to the client without being looked into.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from fh.db.port import Transaction
from fh.model.feature_type import FeatureType
from fh.model.ids import ApplicationId, EnvironmentId, FeatureId, FeatureValueId
from fh.mr.repositories.features import Feature, feature_of_row


@dataclass(frozen=True, slots=True)
class FeaturePage:
    """Which features: a part of their name or key, their types, and which page of them.

    Without `types` all types.
    """

    text: str
    types: Sequence[FeatureType]
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


_CHOSEN = """
FROM feature
WHERE application_id = $1 AND when_archived IS NULL
  AND ($2 = '' OR strpos(lower(name), lower($2)) > 0 OR strpos(lower(key), lower($2)) > 0)
  AND (cardinality($3::text[]) = 0 OR value_type = ANY ($3))
"""

_COLUMNS = """
SELECT id, application_id, key, name, alias, link, description, NULL AS meta_data, secret,
       value_type, version
"""

_ASCENDING = f"{_COLUMNS} {_CHOSEN} ORDER BY key LIMIT $4 OFFSET $5"
_DESCENDING = f"{_COLUMNS} {_CHOSEN} ORDER BY key DESC LIMIT $4 OFFSET $5"
_COUNT = f"SELECT count(*) {_CHOSEN}"

_VALUES = """
SELECT id, environment_id, feature_id, default_value, locked, retired, rollout_strategies::text,
       version
FROM feature_value
WHERE environment_id = ANY ($1) AND feature_id = ANY ($2)
"""


async def find_page(
    tx: Transaction, application_id: ApplicationId, page: FeaturePage
) -> tuple[Sequence[Feature], int]:
    """Return a page of features without their metadata, and how many there are in all."""
    chosen = (application_id, page.text, [str(one) for one in page.types])
    total: int = await tx.fetchval(_COUNT, *chosen)
    statement = _DESCENDING if page.descending else _ASCENDING
    rows = await tx.fetch(statement, *chosen, page.limit, page.offset)
    return [feature_of_row(row) for row in rows], total


async def find_page_values(
    tx: Transaction, environment_ids: Sequence[EnvironmentId], feature_ids: Sequence[FeatureId]
) -> Sequence[PageValue]:
    """Return the values of features in environments, in no order."""
    return [PageValue(*row) for row in await tx.fetch(_VALUES, environment_ids, feature_ids)]
