"""Found people on the wire."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from fh.model.ids import PersonId
from fh.mr.access import PersonType
from fh.mr.http.schemas.people import Person, person_body
from fh.mr.http.schemas.sorting import SortOrder
from fh.mr.repositories.person_search import FoundPerson, PersonOrder, PersonSearch
from fh.mr.services.person_search import PeoplePage
from fh.mr.services.persons import PersonWithGroups

_MOST_PEOPLE: Final = 100
_LARGEST_OFFSET: Final = 2**31 - 1
_NO_NAME: Final = "No name"


class SearchPersonSortBy(StrEnum):
    """What people are sorted by."""

    NAME = "name"
    ACTIVATION_STATUS = "activationStatus"


class FindPeopleQuery(Struct, frozen=True, rename="camel"):
    """Whom to look for, and what to tell of them."""

    filter: str | None = None
    order: SortOrder | None = None
    sort_by: SearchPersonSortBy = SearchPersonSortBy.NAME
    start_at: int = 0
    page_size: int = 20
    person_types: tuple[PersonType, ...] = (PersonType.PERSON,)
    include_groups: bool = False
    count_groups: bool = False
    include_last_logged_in: bool = False
    include_deactivated: bool = False


class OutstandingRegistration(Struct, frozen=True):
    """Somebody who still has to register.

    Only the hash of an invitation is kept, so `token` is empty: who lost theirs is given another.
    """

    id: PersonId
    expired: bool
    token: str = ""


class SearchPerson(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A person in an overview."""

    id: PersonId
    name: str
    email: str
    version: int
    person_type: PersonType
    group_count: int
    when_last_authenticated: datetime | None = None
    when_last_seen: datetime | None = None
    when_deactivated: datetime | None = None


class SearchPersonResult(Struct, frozen=True, rename="camel"):
    """One page of people; in `people`, or in `summarised_people` when groups were counted."""

    max: int
    people: tuple[Person, ...] = field(default=())
    summarised_people: tuple[SearchPerson, ...] = field(default=())
    outstanding_registrations: tuple[OutstandingRegistration, ...] = field(default=())


def search_of(query: FindPeopleQuery) -> PersonSearch:
    """Return what to look for; the shadows of SDKs are never."""
    return PersonSearch(
        types=frozenset(query.person_types) - {PersonType.SDK_SERVICE_ACCOUNT},
        limit=min(max(query.page_size, 1), _MOST_PEOPLE),
        offset=min(max(query.start_at, 0), _LARGEST_OFFSET),
        text=query.filter,
        order=_order(query),
        archived=query.include_deactivated,
    )


def result_body(page: PeoplePage, query: FindPeopleQuery) -> SearchPersonResult:
    """Return a page with as much of each person as was asked for."""
    shown = [_shown(found, logins=query.include_last_logged_in) for found in page.people]
    people: tuple[Person, ...] = ()
    summaries: tuple[SearchPerson, ...] = ()
    if query.count_groups:
        summaries = tuple(map(_summary, shown))
    else:
        people = tuple(
            person_body(PersonWithGroups(found.person, page.groups.get(found.person.id, ())))
            for found in shown
        )
    return SearchPersonResult(
        max=page.count,
        people=people,
        summarised_people=summaries,
        outstanding_registrations=tuple(
            OutstandingRegistration(found.person.id, found.invitation_expired)
            for found in page.people
            if found.invited
        ),
    )


def _order(query: FindPeopleQuery) -> PersonOrder:
    match query.order, query.sort_by:
        case None, _:
            return PersonOrder.AGE
        case SortOrder.ASC, SearchPersonSortBy.NAME:
            return PersonOrder.NAME
        case SortOrder.DESC, SearchPersonSortBy.NAME:
            return PersonOrder.NAME_DOWN
        case SortOrder.ASC, _:
            return PersonOrder.STATUS
        case _:
            return PersonOrder.STATUS_DOWN


def _shown(found: FoundPerson, *, logins: bool) -> FoundPerson:
    if logins:
        return found
    person = replace(found.person, last_authenticated_at=None, last_seen_at=None)
    return replace(found, person=person)


def _summary(found: FoundPerson) -> SearchPerson:
    person = found.person
    return SearchPerson(
        id=person.id,
        name=person.name or _NO_NAME,
        email=person.email,
        version=person.version,
        person_type=person.type,
        group_count=found.group_count,
        when_last_authenticated=person.last_authenticated_at,
        when_last_seen=person.last_seen_at,
        when_deactivated=person.archived_at,
    )
