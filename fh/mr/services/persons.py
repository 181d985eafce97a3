"""People as other people see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from fh.db.port import Transaction
from fh.model.ids import PersonId
from fh.mr.access import Caller, is_any_admin, may_read_person
from fh.mr.errors import Forbidden, NotFound
from fh.mr.repositories.groups import (
    ApplicationEntry,
    EnvironmentEntry,
    Group,
    load_entries,
    load_groups_of_person,
)
from fh.mr.repositories.persons import Person, find_person, find_person_by_email

SELF: Final = "self"

Entry: TypeAlias = ApplicationEntry | EnvironmentEntry


@dataclass(frozen=True, slots=True)
class PersonWithGroups:
    """A person, and as much of their groups as was asked for."""

    person: Person
    groups: Sequence[Group] = ()
    entries: Sequence[Entry] = ()


async def load_person(
    tx: Transaction, caller: Caller, who: str | UUID, *, groups: bool, entries: bool
) -> PersonWithGroups:
    """Return a person by id, by email, or the caller as `self`.

    Raises:
        Forbidden: only admins may see others.
        NotFound: there is no such person, or they are archived.
    """
    if not _may_look_up(caller, who):
        raise Forbidden
    if isinstance(who, UUID):
        person = await find_person(tx, PersonId(who))
    elif who == SELF:
        person = await find_person(tx, caller.person_id)
    else:
        person = await find_person_by_email(tx, who)
    # Without being an admin only the own address is found: no telling which others exist.
    if person is not None and not may_read_person(caller, person.id):
        raise Forbidden
    if person is None:
        raise NotFound("person") if is_any_admin(caller) else Forbidden
    return await with_groups(tx, person, groups=groups, entries=entries)


async def with_groups(
    tx: Transaction, person: Person, *, groups: bool, entries: bool
) -> PersonWithGroups:
    """Return `person` with their groups, and with what those were given."""
    if not groups and not entries:
        return PersonWithGroups(person)
    found = await load_groups_of_person(tx, person.id)
    given = await load_entries(tx, [group.id for group in found]) if entries else ()
    return PersonWithGroups(person, found, given)


def _may_look_up(caller: Caller, who: str | UUID) -> bool:
    # Addresses are compared by the database, so they are decided about once they are found.
    return isinstance(who, str) or may_read_person(caller, PersonId(who))
