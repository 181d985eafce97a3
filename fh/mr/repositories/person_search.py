"""Looking for people: one page at a time, with what an overview shows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from fh.db.port import Row, Transaction
from fh.model.ids import PersonId
from fh.mr.access import PersonType
from fh.mr.repositories.persons import Person


class PersonOrder(Enum):
    """How found people are sorted."""

    AGE = auto()
    NAME = auto()
    NAME_DOWN = auto()
    STATUS = auto()
    STATUS_DOWN = auto()


@dataclass(frozen=True, slots=True)
class PersonSearch:
    """Whom to look for, and which of those found: `limit` people after `offset` others.

    Attributes:
        text: Part of the name or the address, whatever its case.
    """

    types: Collection[PersonType]
    limit: int
    offset: int = 0
    text: str | None = None
    order: PersonOrder = PersonOrder.AGE
    archived: bool = False


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """Somebody, with what an overview shows.

    Attributes:
        group_count: Of groups that are not archived.
        invited: Whether they still have to register.
        invitation_expired: Whether they can't any more without a new invitation.
    """

    person: Person
    group_count: int
    invited: bool
    invitation_expired: bool


# Whoever brought the data of an old installation along; nobody to be shown.
_MIGRATOR: Final = "00000000-0000-0000-0000-000000000000"

_MATCHING = f"""
FROM person
WHERE person_type = ANY($1::text[]) AND ($2 OR when_archived IS NULL) AND id <> '{_MIGRATOR}'
  AND ($3::text IS NULL OR strpos(lower(person.name), lower($3)) > 0
       OR strpos(email, lower($3)) > 0)
"""

_COUNT = f"SELECT count(*) {_MATCHING}"

# Counted is for those on the page alone, not for those before it.
_PAGE = f"""
SELECT id, email, name, person_type, version, password_requires_reset, when_last_authenticated,
       when_archived, registration_token_hash IS NOT NULL AS invited,
       coalesce(registration_expires_at <= now(), true) AS expired,
       (SELECT max(last_seen) FROM login_session WHERE person_id = person.id) AS last_seen,
       (SELECT count(*) FROM group_member JOIN person_group ON person_group.id = group_id
        WHERE group_member.person_id = person.id
          AND person_group.when_archived IS NULL) AS groups
FROM (SELECT person.* {_MATCHING} ORDER BY {{order}} LIMIT $4 OFFSET $5) person
ORDER BY {{order}}
"""  # noqa: S608 -- put together of constants

_SHOWN_NAME = "upper(coalesce(name, ''))"

_ORDERS: Mapping[PersonOrder, str] = {
    PersonOrder.AGE: "when_created, id",
    PersonOrder.NAME: f"{_SHOWN_NAME}, id",
    PersonOrder.NAME_DOWN: f"{_SHOWN_NAME} DESC, id DESC",
    PersonOrder.STATUS: f"when_archived IS NOT NULL, {_SHOWN_NAME}, id",
    PersonOrder.STATUS_DOWN: f"when_archived IS NOT NULL DESC, {_SHOWN_NAME} DESC, id DESC",
}

_PAGES = {order: _PAGE.format(order=sql) for order, sql in _ORDERS.items()}


async def search_people(tx: Transaction, search: PersonSearch) -> tuple[int, Sequence[FoundPerson]]:
    """Return how many there are, and a page of them."""
    whom = ([kind.value for kind in search.types], search.archived, search.text)
    count: int = await tx.fetchval(_COUNT, *whom)
    rows = await tx.fetch(_PAGES[search.order], *whom, search.limit, search.offset)
    return count, [_found(row) for row in rows]


def _found(row: Row) -> FoundPerson:
    person = Person(
        id=PersonId(row["id"]),
        email=row["email"],
        name=row["name"],
        type=PersonType(row["person_type"]),
        version=row["version"],
        password_requires_reset=row["password_requires_reset"],
        last_authenticated_at=row["when_last_authenticated"],
        service_account_id=None,  # nobody looks for the shadows of SDKs
        last_seen_at=row["last_seen"],
        archived_at=row["when_archived"],
    )
    return FoundPerson(person, row["groups"], row["invited"], row["expired"])
