"""Groups, who is in them, and what they were given."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fh.db.errors import UniqueViolation
from fh.db.port import Row, Transaction
from fh.model.ids import (
    ApplicationId,
    EnvironmentId,
    GroupId,
    OrganisationId,
    PersonId,
    PortfolioId,
)
from fh.model.roles import ApplicationRole, Role
from fh.mr.access import PersonType
from fh.mr.archiving import archived_name
from fh.mr.errors import AlreadyExists
from fh.mr.repositories.access import known_roles
from fh.mr.repositories.authors import Author, creator_of, with_creators

SUPERUSERS_GROUP_NAME = "org_admin"

_FIND = with_creators("SELECT * FROM person_group WHERE id = $1 AND when_archived IS NULL")

_SOME = with_creators(
    "SELECT * FROM person_group WHERE id = ANY($1::uuid[]) AND when_archived IS NULL"
)

_LOCK = with_creators("""
SELECT * FROM person_group WHERE id = $1 AND when_archived IS NULL FOR NO KEY UPDATE
""")

_OF_PORTFOLIOS = with_creators("""
SELECT * FROM person_group
WHERE portfolio_id = ANY($1::uuid[]) AND when_archived IS NULL
  AND ($2::text IS NULL OR strpos(lower(name), lower($2)) > 0)
ORDER BY lower(name), id
""")

_OF_PEOPLE = with_creators("""
SELECT group_member.person_id, person_group.*
FROM group_member JOIN person_group ON person_group.id = group_id
WHERE group_member.person_id = ANY($1::uuid[]) AND when_archived IS NULL
ORDER BY lower(name), person_group.id
""")

_SUPERUSERS_GROUP = with_creators("""
SELECT * FROM person_group WHERE admin AND portfolio_id IS NULL AND when_archived IS NULL
""")

_CREATE = with_creators("""
INSERT INTO person_group (organisation_id, portfolio_id, name, admin, who_created)
VALUES ($1, $2, $3, $4, $5) RETURNING *
""")

_RENAME = """
UPDATE person_group SET name = $2, when_updated = now(), version = version + 1 WHERE id = $1
"""

_ARCHIVE = """
UPDATE person_group
SET name = $2, when_archived = $3, when_updated = $3, version = version + 1
WHERE id = $1
"""

_JOIN = """
INSERT INTO group_member (group_id, person_id) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""

_SUPERUSERS = """
SELECT group_member.person_id
FROM group_member JOIN person_group ON person_group.id = group_id
JOIN person ON person.id = group_member.person_id
WHERE admin AND portfolio_id IS NULL AND person_group.when_archived IS NULL
  AND ($1 OR person.when_archived IS NULL)
ORDER BY group_member.person_id
"""

# A machine's token may be lost, and an invitation never be taken.
_HAS_SUPERUSER = """
SELECT EXISTS (
    SELECT FROM group_member JOIN person_group ON person_group.id = group_id
    JOIN person ON person.id = group_member.person_id
    WHERE admin AND portfolio_id IS NULL AND person_group.when_archived IS NULL
      AND person.when_archived IS NULL AND person_type = 'person'
      AND registration_token_hash IS NULL
)
"""

_MEMBERS = """
SELECT person.id, email, person.name, person_type, person.version, password_requires_reset,
       when_last_authenticated
FROM group_member JOIN person ON person.id = group_member.person_id
WHERE group_member.group_id = $1 AND person.when_archived IS NULL
ORDER BY lower(person.name), email
"""

_ENTRIES = """
SELECT acl.group_id, acl.application_id, acl.environment_id, acl.roles
FROM acl
LEFT JOIN environment ON environment.id = acl.environment_id
JOIN application ON application.id = coalesce(acl.application_id, environment.application_id)
WHERE acl.group_id = ANY($1::uuid[]) AND environment.when_archived IS NULL
  AND application.when_archived IS NULL AND ($2::uuid IS NULL OR application.id = $2)
ORDER BY acl.application_id, acl.environment_id
"""


@dataclass(frozen=True, slots=True)
class Group:
    """A group that is not archived; the superusers' belongs to no portfolio."""

    id: GroupId
    organisation_id: OrganisationId
    portfolio_id: PortfolioId | None
    name: str
    admin: bool
    version: int
    created_at: datetime
    updated_at: datetime
    creator: Author | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a group."""

    id: PersonId
    email: str
    name: str | None
    type: PersonType
    version: int
    password_requires_reset: bool
    last_authenticated_at: datetime | None


@dataclass(frozen=True, slots=True)
class ApplicationEntry:
    """What a group may do in an application."""

    group_id: GroupId
    application_id: ApplicationId
    roles: frozenset[ApplicationRole]


@dataclass(frozen=True, slots=True)
class EnvironmentEntry:
    """What a group may do in an environment."""

    group_id: GroupId
    environment_id: EnvironmentId
    roles: frozenset[Role]


async def find_group(tx: Transaction, group_id: GroupId) -> Group | None:
    """Return a group by its id."""
    row = await tx.fetchrow(_FIND, group_id)
    return _group(row) if row else None


async def find_superusers_group(tx: Transaction) -> Group | None:
    """Return the group of the superusers; None until somebody is one."""
    row = await tx.fetchrow(_SUPERUSERS_GROUP)
    return _group(row) if row else None


async def load_groups_of_portfolios(
    tx: Transaction, portfolio_ids: Iterable[PortfolioId], name_part: str | None = None
) -> Sequence[Group]:
    """Return the groups of several portfolios by name."""
    rows = await tx.fetch(_OF_PORTFOLIOS, list(portfolio_ids), name_part)
    return [_group(row) for row in rows]


async def load_groups_of_person(tx: Transaction, person_id: PersonId) -> Sequence[Group]:
    """Return the groups that a person is in, by name."""
    return [_group(row) for row in await tx.fetch(_OF_PEOPLE, [person_id])]


async def load_groups_of_people(
    tx: Transaction, people: Iterable[PersonId]
) -> Mapping[PersonId, Sequence[Group]]:
    """Return the groups that several people are in, by name; who is in none is left out."""
    found: dict[PersonId, list[Group]] = {}
    for row in await tx.fetch(_OF_PEOPLE, list(people)):
        found.setdefault(row["person_id"], []).append(_group(row))
    return found


async def load_groups(tx: Transaction, group_ids: Iterable[GroupId]) -> Sequence[Group]:
    """Return those of the groups that there are."""
    return [_group(row) for row in await tx.fetch(_SOME, list(group_ids))]


async def lock_group(tx: Transaction, group_id: GroupId) -> Group | None:
    """Return a group; until the transaction ends nobody else changes it or its members."""
    row = await tx.fetchrow(_LOCK, group_id)
    return _group(row) if row else None


async def create_group(
    tx: Transaction,
    organisation_id: OrganisationId,
    portfolio_id: PortfolioId | None,
    name: str,
    created_by: PersonId,
    *,
    admin: bool,
) -> Group:
    """Create a group without members.

    Raises:
        AlreadyExists: the portfolio has a group of this name, or already an admin group.
    """
    try:
        row = await tx.fetchrow(_CREATE, organisation_id, portfolio_id, name, admin, created_by)
    except UniqueViolation as violation:
        raise AlreadyExists("group", "name") from violation
    assert row is not None
    return _group(row)


async def rename_group(tx: Transaction, group_id: GroupId, name: str) -> None:
    """Write a group's next version, under another name.

    Raises:
        AlreadyExists: the portfolio has another group of that name.
    """
    try:
        await tx.execute(_RENAME, group_id, name)
    except UniqueViolation as taken:
        raise AlreadyExists("group", "name") from taken


async def archive_group(tx: Transaction, group: Group, at: datetime) -> None:
    """Hide a group and free its name."""
    await tx.execute(_ARCHIVE, group.id, archived_name(group.name, at), at)


async def join_group(tx: Transaction, group_id: GroupId, people: Iterable[PersonId]) -> None:
    """Make people members; whoever is one already stays one."""
    await tx.executemany(_JOIN, [(group_id, person_id) for person_id in people])


async def load_superusers(tx: Transaction, *, archived: bool = False) -> Sequence[PersonId]:
    """Return all superusers of the organisation; who is `archived` is one again once revived."""
    return [PersonId(row["person_id"]) for row in await tx.fetch(_SUPERUSERS, archived)]


async def has_superuser(tx: Transaction) -> bool:
    """Return whether some person is a superuser who has registered."""
    return bool(await tx.fetchval(_HAS_SUPERUSER))


async def load_members(tx: Transaction, group_id: GroupId) -> Sequence[Member]:
    """Return the members of a group by name, without archived people."""
    return [
        Member(
            id=PersonId(row["id"]),
            email=row["email"],
            name=row["name"],
            type=PersonType(row["person_type"]),
            version=row["version"],
            password_requires_reset=row["password_requires_reset"],
            last_authenticated_at=row["when_last_authenticated"],
        )
        for row in await tx.fetch(_MEMBERS, group_id)
    ]


async def load_entries(
    tx: Transaction,
    group_ids: Iterable[GroupId],
    application_id: ApplicationId | None = None,
) -> Sequence[ApplicationEntry | EnvironmentEntry]:
    """Return what groups may do in live applications and environments, or in one application."""
    rows = await tx.fetch(_ENTRIES, list(group_ids), application_id)
    return [_entry(row) for row in rows]


def _entry(row: Row) -> ApplicationEntry | EnvironmentEntry:
    group_id = GroupId(row["group_id"])
    if row["environment_id"] is None:
        roles = known_roles(ApplicationRole, row["roles"])
        return ApplicationEntry(group_id, ApplicationId(row["application_id"]), roles)
    return EnvironmentEntry(
        group_id, EnvironmentId(row["environment_id"]), known_roles(Role, row["roles"])
    )


def _group(row: Row) -> Group:
    portfolio = row["portfolio_id"]
    return Group(
        id=GroupId(row["id"]),
        organisation_id=OrganisationId(row["organisation_id"]),
        portfolio_id=None if portfolio is None else PortfolioId(portfolio),
        name=row["name"],
        admin=row["admin"],
        version=row["version"],
        created_at=row["when_created"],
        updated_at=row["when_updated"],
        creator=creator_of(row),
    )
