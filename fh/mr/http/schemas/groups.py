"""What clients create and change groups with, and how they ask to see them."""

from collections.abc import Iterable
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from fh.model.ids import ApplicationId, EnvironmentId, GroupId, PersonId
from fh.model.roles import ApplicationRole, Role
from fh.mr.http.schemas.people import PersonIdentifier
from fh.mr.services.group_changes import GroupChange, NewGroup
from fh.mr.services.groups import GroupParts

IgnoredId: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
"""Whatever it is, it does not count."""


class SentApplicationRole(Struct, frozen=True, rename="camel"):
    """What a group may do in an application; which group is known already."""

    application_id: ApplicationId
    roles: tuple[ApplicationRole, ...] | None = None
    group_id: IgnoredId | None = None


class SentEnvironmentRole(Struct, frozen=True, rename="camel"):
    """What a group may do in an environment; which group is known already."""

    environment_id: EnvironmentId
    roles: tuple[Role, ...] | None = None
    group_id: IgnoredId | None = None


class SentMember(Struct, frozen=True):
    """A member, of whom only the identifier counts."""

    id: PersonIdentifier | None = None


class CreateGroup(Struct, frozen=True, rename="camel"):
    """A group to be."""

    name: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    admin: bool | None = None
    application_roles: tuple[SentApplicationRole, ...] | None = None


class ChangedGroup(Struct, frozen=True, rename="camel"):
    """A group as clients send them back (`Group`)."""

    id: GroupId
    name: Annotated[str, Meta(min_length=1, max_length=255)]
    version: int | None = None
    members: tuple[SentMember, ...] | None = None
    application_roles: tuple[SentApplicationRole, ...] | None = None
    environment_roles: tuple[SentEnvironmentRole, ...] | None = None


class UpdateGroup(Struct, frozen=True, rename="camel"):
    """What to change of a group; a blank name stays as it is."""

    id: GroupId
    name: Annotated[str, Meta(max_length=255)] | None = None
    version: int | None = None
    application_roles: tuple[SentApplicationRole, ...] | None = None
    environment_roles: tuple[SentEnvironmentRole, ...] | None = None


class UpdateGroupQuery(Struct, frozen=True, rename="camel"):
    """Which parts of a group to change, and which to fill in the answer."""

    include_members: bool = False
    include_members_v2: bool = False
    include_group_roles: bool = False
    update_members: bool = False
    update_application_group_roles: bool = False
    update_environment_group_roles: bool = False
    application_id: ApplicationId | None = None

    @property
    def parts(self) -> GroupParts:
        """The parts to fill."""
        return GroupParts(
            members=self.include_members or self.include_members_v2,
            superusers=self.include_members_v2,
            entries=self.include_group_roles,
        )


class MembersQuery(Struct, frozen=True, rename="camel"):
    """How members are shown in the answer."""

    include_members: bool = False
    include_members_v2: bool = False

    @property
    def parts(self) -> GroupParts:
        """The parts to fill."""
        return GroupParts(
            members=self.include_members or self.include_members_v2,
            superusers=self.include_members_v2,
        )


class AddPersonsQuery(Struct, frozen=True, rename="camel"):
    """Who becomes a member, and whether the answer shows them all."""

    person_id: tuple[PersonId, ...] = ()
    email: tuple[str, ...] = ()
    include_members_v2: bool = False


def new_group(sent: CreateGroup) -> NewGroup:
    """Return which group to create."""
    return NewGroup(
        sent.name or "",
        admin=bool(sent.admin),
        application_roles=_application_roles(sent.application_roles or ()),
    )


def group_change(sent: ChangedGroup | UpdateGroup, query: UpdateGroupQuery) -> GroupChange:
    """Return what to change; members only in the first version."""
    members = None
    if isinstance(sent, ChangedGroup) and query.update_members:
        members = [None if member.id is None else member.id.id for member in sent.members or ()]
    applications, environments = None, None
    if query.update_application_group_roles:
        applications = _application_roles(sent.application_roles or ())
    if query.update_environment_group_roles:
        environments = {
            one.environment_id: frozenset(one.roles or ()) for one in sent.environment_roles or ()
        }
    return GroupChange(
        sent.id,
        sent.version,
        name=sent.name,
        members=members,
        application_roles=applications,
        application_id=query.application_id,
        environment_roles=environments,
    )


def _application_roles(
    sent: Iterable[SentApplicationRole],
) -> dict[ApplicationId, frozenset[ApplicationRole]]:
    return {one.application_id: frozenset(one.roles or ()) for one in sent}
