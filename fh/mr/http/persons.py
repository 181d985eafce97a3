"""`/mr-api/person`."""

from collections.abc import Sequence

from msgspec import Struct

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.http.table import parse_uuid
from fh.mr.access import Caller
from fh.mr.http.schemas.people import Person, person_body
from fh.mr.services.persons import load_person
from fh.mr.settings import MrSettings

_TAG = "PersonService"


class GetPersonQuery(Struct, frozen=True, rename="camel"):
    """Which parts of a person to fill."""

    include_groups: bool = False
    include_acls: bool = False


def routes(database: Database, _settings: MrSettings) -> Sequence[AnyRoute]:
    """Return the routes about people."""

    async def get_person(request: Request[Caller, GetPersonQuery, None]) -> Person:
        query = request.query
        who = request.text("id")
        found = await database.transaction(
            lambda tx: load_person(
                tx,
                request.caller,
                parse_uuid(who) or who,
                groups=query.include_groups,
                entries=query.include_acls,
            ),
            read_only=True,
        )
        return person_body(found)

    return [
        Route(
            "GET",
            "/mr-api/person/{id}",
            "getPerson",
            get_person,
            tag=_TAG,
            query=GetPersonQuery,
            response=Person,
        ),
    ]
