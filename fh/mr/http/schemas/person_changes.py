"""What clients create and change people with."""

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from fh.model.ids import GroupId, PersonId
from fh.mr.access import PersonType
from fh.mr.http.schemas.people import Email
from fh.mr.services.person_changes import NewPerson, PersonChange

ChangedName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=150)]


class CreatePersonDetails(Struct, frozen=True, rename="camel"):
    """Somebody to be: a person with an address, or a machine with a name."""

    person_type: PersonType
    email: Email | None = None
    name: Annotated[str, Meta(max_length=100)] | None = None
    group_ids: tuple[GroupId, ...] | None = None


class GroupReference(Struct, frozen=True):
    """A group, of which only the identifier counts."""

    id: GroupId


class ChangedPerson(Struct, frozen=True):
    """A person as clients send them back (`Person`); without a list of groups there are none."""

    name: ChangedName | None = None
    email: Email | None = None
    version: int | None = None
    groups: tuple[GroupReference, ...] | None = None


class UpdatePerson(Struct, frozen=True):
    """What to change; a member that is not there stays as it is."""

    version: int
    name: ChangedName | None = None
    email: Email | None = None
    groups: tuple[GroupId, ...] | None = None
    unarchive: bool | None = None


class AdminServiceResetTokenResponse(Struct, frozen=True):
    """The only token of an admin service account, told once."""

    token: str

    def __repr__(self) -> str:
        return "AdminServiceResetTokenResponse(…)"


def new_person(sent: CreatePersonDetails) -> NewPerson:
    """Return whom to create."""
    return NewPerson(sent.email, sent.name, sent.person_type, sent.group_ids or ())


def whole_change(person_id: PersonId, sent: ChangedPerson) -> PersonChange:
    """Return what a whole person means: all of their groups."""
    return PersonChange(
        person_id,
        sent.version,
        email=sent.email,
        name=sent.name,
        groups=[group.id for group in sent.groups or ()],
    )


def partial_change(person_id: PersonId, sent: UpdatePerson) -> PersonChange:
    """Return what the members mean that were sent."""
    return PersonChange(
        person_id,
        sent.version,
        email=sent.email,
        name=sent.name,
        groups=sent.groups,
        revive=bool(sent.unarchive),
        reaches_archived=True,
    )
