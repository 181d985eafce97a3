"""People and groups on the wire."""

from datetime import datetime
from operator import attrgetter
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct, field

from fh.grouping import grouped
from fh.model.ids import (
    ApplicationId,
    EnvironmentId,
    GroupId,
    OrganisationId,
    PersonId,
    PortfolioId,
)
from fh.model.roles import ApplicationRole, Role
from fh.mr.access import PersonType, with_implied_read
from fh.mr.repositories import authors, persons
from fh.mr.repositories import groups as rows
from fh.mr.services.groups import GroupDetails
from fh.mr.services.persons import PersonWithGroups

_NO_NAME = "No name"
_NO_MEMBER_NAME = "none"

Password: TypeAlias = Annotated[str, Meta(max_length=1000)]
Email: TypeAlias = Annotated[str, Meta(max_length=100)]


def _none() -> tuple[()]:
    # A factory, not a default: omit_defaults would leave an empty array out.
    return ()


class PersonIdentifier(Struct, frozen=True):
    """The only identifier that is wrapped (`PersonId` in the contract)."""

    id: PersonId


class AnemicPerson(Struct, frozen=True, omit_defaults=True):
    """Who somebody is, and no more."""

    id: PersonId
    name: str
    type: PersonType
    email: str | None = None


class ApplicationGroupRole(Struct, frozen=True, rename="camel"):
    """What a group may do in an application."""

    application_id: ApplicationId
    group_id: GroupId
    roles: tuple[ApplicationRole, ...]


class EnvironmentGroupRole(Struct, frozen=True, rename="camel"):
    """What a group may do in an environment."""

    environment_id: EnvironmentId
    group_id: GroupId
    roles: tuple[Role, ...]


class PersonInfo(Struct, frozen=True):
    """Something more about a person."""

    key: str
    value: str


class Author(Struct, frozen=True, omit_defaults=True):
    """Who created something or wrote its newest version: a `Person`, little more than a name."""

    id: PersonIdentifier
    name: str | None = None
    email: str | None = None
    groups: tuple["Group", ...] = field(default_factory=_none)
    additional: tuple[PersonInfo, ...] = field(default_factory=_none)


class Group(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A group; the arrays are empty where they were not asked for."""

    id: GroupId
    name: str
    version: int
    admin: bool
    organization_id: OrganisationId | None = None
    portfolio_id: PortfolioId | None = None
    created_by: Author | None = None
    when_created: datetime | None = None
    when_updated: datetime | None = None
    super_members: tuple[PersonId, ...] = field(default_factory=_none)
    simple_members: tuple[AnemicPerson, ...] = field(default_factory=_none)
    members: tuple["Person", ...] = field(default_factory=_none)
    application_roles: tuple[ApplicationGroupRole, ...] = field(default_factory=_none)
    environment_roles: tuple[EnvironmentGroupRole, ...] = field(default_factory=_none)


class Person(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A person; groups are empty where they were not asked for."""

    id: PersonIdentifier
    name: str
    email: str
    person_type: PersonType
    version: int
    password_requires_reset: bool
    when_archived: datetime | None = None
    when_last_authenticated: datetime | None = None
    when_last_seen: datetime | None = None
    groups: tuple[Group, ...] = field(default_factory=_none)
    additional: tuple[PersonInfo, ...] = field(default_factory=_none)


class UserCredentials(Struct, frozen=True):
    """What people log in with."""

    email: Email
    password: Password

    def __repr__(self) -> str:
        return f"UserCredentials({self.email!r})"


class TokenizedPerson(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Somebody who just logged in."""

    access_token: str
    person: Person
    capability_info: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"TokenizedPerson({self.person.id})"


def person_body(found: PersonWithGroups) -> Person:
    """Return a person with the groups that were loaded."""
    person = found.person
    entries = grouped(found.entries, attrgetter("group_id"))
    groups = tuple(
        group_body(GroupDetails(group, entries=entries.get(group.id, ()))) for group in found.groups
    )
    account = person.service_account_id
    return Person(
        id=PersonIdentifier(person.id),
        name=person.name or _NO_NAME,
        email=person.email,
        person_type=person.type,
        version=person.version,
        password_requires_reset=person.password_requires_reset,
        when_archived=person.archived_at,
        when_last_authenticated=person.last_authenticated_at,
        when_last_seen=person.last_seen_at,
        groups=groups,
        additional=() if account is None else (PersonInfo("serviceAccountId", str(account)),),
    )


def group_body(
    details: GroupDetails, *, full_members: bool = False, simple_members: bool = False
) -> Group:
    """Return a group; there are two ways to show its members."""
    group = details.group
    return Group(
        id=group.id,
        name=group.name,
        version=group.version,
        admin=group.admin,
        organization_id=group.organisation_id,
        portfolio_id=group.portfolio_id,
        created_by=None if group.creator is None else author_body(group.creator),
        when_created=group.created_at,
        when_updated=group.updated_at,
        super_members=tuple(details.superusers),
        simple_members=tuple(map(anemic_person, details.members)) if simple_members else (),
        members=tuple(map(_full_member, details.members)) if full_members else (),
        application_roles=tuple(
            ApplicationGroupRole(entry.application_id, entry.group_id, tuple(sorted(entry.roles)))
            for entry in details.entries
            if isinstance(entry, rows.ApplicationEntry)
        ),
        environment_roles=tuple(
            EnvironmentGroupRole(
                entry.environment_id,
                entry.group_id,
                tuple(role for role in Role if role in with_implied_read(entry.roles)),
            )
            for entry in details.entries
            if isinstance(entry, rows.EnvironmentEntry)
        ),
    )


def author_body(author: authors.Author) -> Author:
    """Return who created something or wrote its newest version."""
    return Author(PersonIdentifier(author.id), author.name or _NO_NAME, author.email)


def anemic_person(person: rows.Member | persons.Person) -> AnemicPerson:
    """Return who somebody is."""
    return AnemicPerson(
        id=person.id, name=person.name or _NO_MEMBER_NAME, type=person.type, email=person.email
    )


def _full_member(member: rows.Member) -> Person:
    return Person(
        id=PersonIdentifier(member.id),
        name=member.name or _NO_NAME,
        email=member.email,
        person_type=member.type,
        version=member.version,
        password_requires_reset=member.password_requires_reset,
        when_last_authenticated=member.last_authenticated_at,
    )
