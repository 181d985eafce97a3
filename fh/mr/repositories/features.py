"""The rows of feature: what all environments of an application share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.feature_type import FeatureType
from fh.model.ids import ApplicationId, EnvironmentId, FeatureId
from fh.mr.archiving import archived_name, archived_names
from fh.mr.errors import AlreadyExists, VersionConflict


@dataclass(frozen=True, slots=True)
class FeatureText:
    """What people write about a feature; `link`, `description` and `meta_data` may be unset."""

    key: str
    name: str
    alias: str | None = None
    link: str | None = None
    description: str | None = None
    meta_data: str | None = None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Feature:
    """A live feature."""

    id: FeatureId
    application_id: ApplicationId
    text: FeatureText
    value_type: FeatureType
    version: int


_OF_APPLICATION = """
SELECT id, application_id, key, name, alias, link, description, meta_data, secret, value_type,
       version
FROM feature
WHERE application_id = ANY ($1) AND when_archived IS NULL
ORDER BY key
"""

_BY_KEY = """
SELECT id, application_id, key, name, alias, link, description, meta_data, secret, value_type,
       version
FROM feature
WHERE application_id = $1 AND when_archived IS NULL AND (key = $2 OR id = $3)
ORDER BY key = $2 DESC
LIMIT 1
"""

# One statement: whoever waits for the lock sees the row as it is afterwards, or no longer.
_HOLD_BY_KEY = """
SELECT id, application_id, key, name, alias, link, description, meta_data, secret, value_type,
       version
FROM feature
WHERE application_id = $1 AND key = $2 AND when_archived IS NULL
FOR SHARE
"""

# Stronger than what writers of its values hold, so that one of the two waits for the other.
_LOCK = "SELECT id FROM feature WHERE id = $1 FOR NO KEY UPDATE"

_TAKEN_KEYS = """
SELECT key FROM feature WHERE application_id = $1 AND key = ANY ($2) ORDER BY key
"""

_INSERT = """
INSERT INTO feature (application_id, key, name, alias, link, description, meta_data, secret,
                     value_type)
SELECT $1, new.*
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[],
            $9::text[]) AS new
RETURNING id, application_id, key, name, alias, link, description, meta_data, secret, value_type,
          version
"""

_UPDATE = """
UPDATE feature
SET key = $2, name = $3, alias = $4, link = $5, description = $6, meta_data = $7, secret = $8,
    value_type = $9, version = version + 1, when_updated = now()
WHERE id = $1
"""

_HAS_VALUES = """
SELECT EXISTS (
    SELECT FROM feature_value v JOIN environment e ON e.id = v.environment_id
    WHERE v.feature_id = $1 AND e.when_archived IS NULL
)
"""

_ARCHIVE = """
WITH its_groups AS (DELETE FROM feature_group_member WHERE feature_id = $1)
UPDATE feature
SET key = $2, when_archived = $3, when_updated = $3, version = version + 1
WHERE id = $1
"""

_LOCK_ALL = """
SELECT id, key FROM feature WHERE application_id = $1 AND when_archived IS NULL
ORDER BY id FOR UPDATE
"""

_ARCHIVE_ALL = """
WITH their_groups AS (DELETE FROM feature_group_member WHERE feature_id = ANY ($1))
UPDATE feature f
SET key = gone.key, when_archived = $3, when_updated = $3, version = f.version + 1
FROM unnest($1::uuid[], $2::text[]) AS gone (id, key)
WHERE f.id = gone.id
"""

# Every switch has a value everywhere from the start, locked and off, with its first version.
_SWITCHES = """
WITH created AS (
    INSERT INTO feature_value (environment_id, feature_id, default_value, locked, who_updated)
    SELECT e.id, f.id, 'false', true, $3
    FROM feature f JOIN environment e ON e.application_id = f.application_id
    WHERE f.value_type = 'BOOLEAN' AND f.when_archived IS NULL AND e.when_archived IS NULL
      AND f.id = ANY ($1) AND e.id = ANY ($2)
    RETURNING id, feature_id, version, default_value, locked, retired, rollout_strategies,
              who_updated, when_created
)
INSERT INTO feature_value_version (feature_value_id, feature_id, version, default_value, locked,
                                   retired, rollout_strategies, who_updated, when_created)
SELECT id, feature_id, version, default_value, locked, retired, rollout_strategies, who_updated,
       when_created
FROM created
"""


async def find_features(
    tx: Transaction, application_ids: Sequence[ApplicationId]
) -> Sequence[Feature]:
    """Return the live features of applications by key."""
    return [feature_of_row(row) for row in await tx.fetch(_OF_APPLICATION, application_ids)]


async def find_feature(
    tx: Transaction, application_id: ApplicationId, key: str, identifier: UUID | None = None
) -> Feature | None:
    """Return a live feature by key, or else by its identifier."""
    row = await tx.fetchrow(_BY_KEY, application_id, key, identifier)
    return None if row is None else feature_of_row(row)


async def hold_feature_by_key(
    tx: Transaction, application_id: ApplicationId, key: str
) -> Feature | None:
    """Return a live feature; it stays as it is until the transaction ends."""
    row = await tx.fetchrow(_HOLD_BY_KEY, application_id, key)
    return None if row is None else feature_of_row(row)


async def lock_feature(tx: Transaction, feature_id: FeatureId) -> None:
    """Wait for those who write values of a feature; until the transaction ends nobody does."""
    await tx.execute(_LOCK, feature_id)


async def find_taken_keys(
    tx: Transaction, application_id: ApplicationId, keys: Sequence[str]
) -> Sequence[str]:
    """Return those of the keys that features of an application have, live or archived."""
    return [row["key"] for row in await tx.fetch(_TAKEN_KEYS, application_id, keys)]


async def insert_features(
    tx: Transaction,
    application_id: ApplicationId,
    texts: Sequence[FeatureText],
    value_types: Sequence[FeatureType],
) -> Sequence[Feature]:
    """Write new features, whose keys are free, and return them in the same order."""
    rows = await tx.fetch(
        _INSERT,
        application_id,
        [text.key for text in texts],
        [text.name for text in texts],
        [text.alias for text in texts],
        [text.link for text in texts],
        [text.description for text in texts],
        [text.meta_data for text in texts],
        [text.secret for text in texts],
        value_types,
    )
    created = {row["key"]: feature_of_row(row) for row in rows}
    return [created[text.key] for text in texts]


async def save_feature(
    tx: Transaction, feature_id: FeatureId, text: FeatureText, value_type: FeatureType
) -> None:
    """Write a feature's next version.

    Raises:
        AlreadyExists: another feature of the application has that key.
    """
    try:
        await tx.execute(
            _UPDATE,
            feature_id,
            text.key,
            text.name,
            text.alias,
            text.link,
            text.description,
            text.meta_data,
            text.secret,
            value_type,
        )
    except UniqueViolation as taken:
        raise AlreadyExists(f"feature: {text.key}", "key") from taken


async def feature_has_values(tx: Transaction, feature_id: FeatureId) -> bool:
    """Return whether a feature has a value in any live environment."""
    return bool(await tx.fetchval(_HAS_VALUES, feature_id))


async def archive_feature(tx: Transaction, feature: Feature, at: datetime) -> None:
    """Hide a feature, take it from its groups and free its key."""
    await tx.execute(_ARCHIVE, feature.id, archived_name(feature.text.key, at), at)


async def archive_features_of(tx: Transaction, application_id: ApplicationId, at: datetime) -> None:
    """Hide all features of an application."""
    rows = await tx.fetch(_LOCK_ALL, application_id)
    keys = archived_names((row["key"] for row in rows), at)
    await tx.execute(_ARCHIVE_ALL, [row["id"] for row in rows], keys, at)


async def insert_switches(
    tx: Transaction,
    feature_ids: Sequence[FeatureId],
    environment_ids: Sequence[EnvironmentId],
    author: UUID,
) -> None:
    """Give the switches among these features a locked, false value in these environments.

    Raises:
        VersionConflict: somebody else was first.
    """
    try:
        await tx.execute(_SWITCHES, feature_ids, environment_ids, author)
    except UniqueViolation as taken:
        raise VersionConflict("feature value") from taken


def feature_of_row(row: Row) -> Feature:
    """Return the feature that a row holds."""
    return Feature(
        id=row["id"],
        application_id=row["application_id"],
        text=FeatureText(
            key=row["key"],
            name=row["name"],
            alias=row["alias"],
            link=row["link"],
            description=row["description"],
            meta_data=row["meta_data"],
            secret=row["secret"],
        ),
        value_type=FeatureType(row["value_type"]),
        version=row["version"],
    )
