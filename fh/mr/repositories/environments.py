"""The rows of environment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.ids import ApplicationId, EnvironmentId, GroupId, PortfolioId
from fh.model.roles import Role
from fh.mr.archiving import archived_name, archived_names
from fh.mr.errors import AlreadyExists
from fh.mr.repositories.access import known_roles


@dataclass(frozen=True, slots=True)
class Environment:
    """A live environment."""

    id: EnvironmentId
    application_id: ApplicationId
    portfolio_id: PortfolioId
    name: str
    description: str | None
    production: bool
    prior_id: EnvironmentId | None
    information: Mapping[str, str]
    webhook_information: Mapping[str, str]
    version: int
    when_created: datetime
    when_updated: datetime


@dataclass(frozen=True, slots=True)
class NewEnvironment:
    """What an environment starts with."""

    name: str
    description: str
    production: bool = False
    prior_id: EnvironmentId | None = None
    information: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class GroupRole:
    """What a group may do in an environment."""

    environment_id: EnvironmentId
    group_id: GroupId
    roles: frozenset[Role]


# The columns are read as text, so that nobody's settings for json columns matter here.
_BY_IDS = """
SELECT e.id, e.application_id, a.portfolio_id, e.name, e.description, e.production,
       e.prior_environment_id, e.environment_info::text, e.webhook_info::text, e.version,
       e.when_created, e.when_updated
FROM environment e JOIN application a ON a.id = e.application_id
WHERE e.id = ANY ($1) AND e.when_archived IS NULL AND a.when_archived IS NULL
"""

_OF_APPLICATIONS = """
SELECT e.id, e.application_id, a.portfolio_id, e.name, e.description, e.production,
       e.prior_environment_id, e.environment_info::text, e.webhook_info::text, e.version,
       e.when_created, e.when_updated
FROM environment e JOIN application a ON a.id = e.application_id
WHERE e.application_id = ANY ($1) AND e.when_archived IS NULL AND a.when_archived IS NULL
ORDER BY e.when_created, e.id
"""

_INSERT = """
INSERT INTO environment (application_id, name, description, production, prior_environment_id,
                         environment_info)
VALUES ($1, $2, $3, $4, $5, $6::text::jsonb)
RETURNING id
"""

# Nobody's key changes here, and whoever refers to an environment takes KEY SHARE of its row: a
# plain FOR UPDATE would wait for them, and they for it.
_LOCK_EACH = """
SELECT id FROM environment WHERE id = ANY ($1) AND when_archived IS NULL
ORDER BY id FOR NO KEY UPDATE
"""

# A statement of its own: the one that locks saw the rows as they were before it waited. To change
# one from there, while somebody refers to it, it would queue behind those that wait for it.
_BUMP = """
UPDATE environment SET version = version + 1, when_updated = now() WHERE id = ANY ($1)
"""

_LOCK = "SELECT id FROM environment WHERE id = $1 AND when_archived IS NULL FOR NO KEY UPDATE"

# With those behind it, which its archiving changes, too: in the order of all.
_LOCK_WITH_FOLLOWERS = """
SELECT id FROM environment WHERE id = $1 OR prior_environment_id = $1
ORDER BY id FOR NO KEY UPDATE
"""

_RELINK = """
UPDATE environment AS follower
SET prior_environment_id = gone.prior_environment_id, version = follower.version + 1,
    when_updated = now()
FROM environment gone
WHERE gone.id = $1 AND follower.prior_environment_id = gone.id
"""

_ARCHIVE = """
WITH its_groups AS (
    UPDATE feature_group
    SET when_archived = $3, when_updated = $3, version = version + 1
    WHERE environment_id = $1 AND when_archived IS NULL
)
UPDATE environment
SET name = $2, when_archived = $3, when_updated = $3, version = version + 1
WHERE id = $1
"""

_UPDATE = """
UPDATE environment
SET name = $2, description = $3, production = $4, prior_environment_id = $5,
    environment_info = $6::text::jsonb, webhook_info = $7::text::jsonb,
    version = version + 1, when_updated = now()
WHERE id = $1
"""

_PRIORS = """
UPDATE environment e
SET prior_environment_id = placed.prior_id, version = e.version + 1, when_updated = now()
FROM unnest($1::uuid[], $2::uuid[]) AS placed (id, prior_id)
WHERE e.id = placed.id
"""

_LOCK_ALL = """
SELECT id, name FROM environment WHERE application_id = $1 AND when_archived IS NULL
ORDER BY id FOR NO KEY UPDATE
"""

_ARCHIVE_ALL = """
WITH their_groups AS (
    UPDATE feature_group
    SET when_archived = $3, when_updated = $3, version = version + 1
    WHERE environment_id = ANY ($1) AND when_archived IS NULL
)
UPDATE environment e
SET name = gone.name, when_archived = $3, when_updated = $3, version = e.version + 1
FROM unnest($1::uuid[], $2::text[]) AS gone (id, name)
WHERE e.id = gone.id
"""

_GROUP_ROLES = """
SELECT acl.environment_id, acl.group_id, acl.roles
FROM acl JOIN person_group g ON g.id = acl.group_id
WHERE acl.environment_id = ANY ($1) AND g.when_archived IS NULL
ORDER BY acl.environment_id, g.name, g.id
"""


async def find_environment(tx: Transaction, environment_id: EnvironmentId) -> Environment | None:
    """Return a live environment of a live application."""
    row = await tx.fetchrow(_BY_IDS, [environment_id])
    return None if row is None else _environment(row)


async def find_environments(
    tx: Transaction, application_ids: Iterable[ApplicationId]
) -> Sequence[Environment]:
    """Return the live environments of applications, the oldest first."""
    return [_environment(row) for row in await tx.fetch(_OF_APPLICATIONS, list(application_ids))]


async def insert_environment(
    tx: Transaction, application_id: ApplicationId, new: NewEnvironment
) -> EnvironmentId:
    """Write a new environment.

    Raises:
        AlreadyExists: the application has an environment of that name.
    """
    information = None if new.information is None else _encoded(new.information)
    try:
        created: EnvironmentId = await tx.fetchval(
            _INSERT,
            application_id,
            new.name,
            new.description,
            new.production,
            new.prior_id,
            information,
        )
    except UniqueViolation as taken:
        raise AlreadyExists("environment", "name") from taken
    return created


async def bump_environments(tx: Transaction, application_id: ApplicationId) -> None:
    """Give all live environments of an application their next version."""
    await _bump(tx, await tx.fetch(_LOCK_ALL, application_id))


async def bump_each_environment(tx: Transaction, environment_ids: Iterable[EnvironmentId]) -> None:
    """Give those of these environments that are live their next version."""
    await _bump(tx, await tx.fetch(_LOCK_EACH, list(environment_ids)))


async def _bump(tx: Transaction, locked: Sequence[Row]) -> None:
    await tx.execute(_BUMP, [row["id"] for row in locked])


async def lock_environment(tx: Transaction, environment_id: EnvironmentId) -> Environment | None:
    """Return a live environment; until the transaction ends nobody else changes it."""
    await tx.fetchrow(_LOCK, environment_id)
    return await find_environment(tx, environment_id)


async def lock_environments(
    tx: Transaction, application_id: ApplicationId
) -> Sequence[Environment]:
    """Return an application's live environments; nobody else changes them meanwhile."""
    await tx.fetch(_LOCK_ALL, application_id)
    return await find_environments(tx, [application_id])


async def save_environment(tx: Transaction, environment: Environment) -> None:
    """Write what can be changed of an environment as its next version.

    Raises:
        AlreadyExists: the application has another environment of that name.
    """
    try:
        await tx.execute(
            _UPDATE,
            environment.id,
            environment.name,
            environment.description,
            environment.production,
            environment.prior_id,
            _encoded(environment.information),
            _encoded(environment.webhook_information),
        )
    except UniqueViolation as taken:
        raise AlreadyExists("environment", "name") from taken


async def save_priors(
    tx: Transaction, priors: Mapping[EnvironmentId, EnvironmentId | None]
) -> None:
    """Put each environment behind another one, as its next version."""
    if priors:
        await tx.execute(_PRIORS, list(priors), list(priors.values()))


async def archive_environment(tx: Transaction, environment_id: EnvironmentId, at: datetime) -> bool:
    """Hide an environment and its groups, close the gap it leaves; return whether it was there."""
    await tx.fetch(_LOCK_WITH_FOLLOWERS, environment_id)
    environment = await find_environment(tx, environment_id)
    if environment is None:
        return False
    await tx.execute(_RELINK, environment_id)
    await tx.execute(_ARCHIVE, environment_id, archived_name(environment.name, at), at)
    return True


async def archive_environments_of(
    tx: Transaction, application_id: ApplicationId, at: datetime
) -> Sequence[EnvironmentId]:
    """Hide all environments of an application; return which. Their order goes with them."""
    rows = await tx.fetch(_LOCK_ALL, application_id)
    ids: list[EnvironmentId] = [row["id"] for row in rows]
    await tx.execute(_ARCHIVE_ALL, ids, archived_names((row["name"] for row in rows), at), at)
    return ids


async def find_group_roles(
    tx: Transaction, environment_ids: Iterable[EnvironmentId]
) -> Sequence[GroupRole]:
    """Return what live groups may do in environments."""
    return [
        GroupRole(row["environment_id"], row["group_id"], known_roles(Role, row["roles"]))
        for row in await tx.fetch(_GROUP_ROLES, list(environment_ids))
    ]


def _environment(row: Row) -> Environment:
    return Environment(
        id=row["id"],
        application_id=row["application_id"],
        portfolio_id=row["portfolio_id"],
        name=row["name"],
        description=row["description"],
        production=row["production"],
        prior_id=row["prior_environment_id"],
        information=decode_information(row["environment_info"]),
        webhook_information=decode_information(row["webhook_info"]),
        version=row["version"],
        when_created=row["when_created"],
        when_updated=row["when_updated"],
    )


def decode_information(text: str | None) -> dict[str, str]:
    """Return the map in a json column; nothing is an empty one."""
    return {} if text is None else msgspec.json.decode(text, type=dict[str, str])


def _encoded(information: Mapping[str, str]) -> str:
    return msgspec.json.encode(dict(information)).decode()
