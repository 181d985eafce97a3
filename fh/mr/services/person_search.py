"""Looking for people, as admins do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fh.db.port import Transaction
from fh.model.ids import PersonId
from fh.mr.access import Caller, is_any_admin
from fh.mr.errors import Forbidden
from fh.mr.repositories.groups import Group, load_groups_of_people
from fh.mr.repositories.person_search import FoundPerson, PersonSearch, search_people


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some of `count` people, with their groups where those were asked for."""

    count: int
    people: Sequence[FoundPerson]
    groups: Mapping[PersonId, Sequence[Group]] = field(default_factory=dict)


async def find_people(
    tx: Transaction, caller: Caller, search: PersonSearch, *, groups: bool
) -> PeoplePage:
    """Return one page.

    Raises:
        Forbidden: the caller is no admin.
    """
    if not is_any_admin(caller):
        raise Forbidden
    count, people = await search_people(tx, search)
    ids = [found.person.id for found in people]
    return PeoplePage(count, people, await load_groups_of_people(tx, ids) if groups else {})
