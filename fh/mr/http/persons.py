"""`/mr-api/person`."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from fh.db.port import Database, Transaction
from fh.errors import FeatureHubError
from fh.http.routing import AnyRoute, Request, Route
from fh.http.table import parse_uuid
from fh.model.ids import PersonId
from fh.mr.access import Caller, PersonType
from fh.mr.errors import VersionMissing
from fh.mr.http.schemas.credentials import RegistrationUrl, registration_url
from fh.mr.http.schemas.people import Person, person_body
from fh.mr.http.schemas.person_changes import (
    AdminServiceResetTokenResponse,
    ChangedPerson,
    CreatePersonDetails,
    UpdatePerson,
    new_person,
    partial_change,
    whole_change,
)
from fh.mr.http.schemas.person_search import (
    FindPeopleQuery,
    SearchPersonResult,
    result_body,
    search_of,
)
from fh.mr.services.person_changes import (
    create_person,
    delete_person,
    reset_machine_token,
    update_person,
)
from fh.mr.services.person_search import find_people
from fh.mr.services.persons import PersonWithGroups, load_person
from fh.mr.settings import MrSettings

_TAG = "PersonService"

_UPDATING: Final[Mapping[type[FeatureHubError], int]] = {VersionMissing: 404}


class GetPersonQuery(Struct, frozen=True, rename="camel"):
    """Which parts of a person to fill."""

    include_groups: bool = False
    include_acls: bool = False


class DeletePersonQuery(Struct, frozen=True, rename="camel"):
    """Whether memberships end, too."""

    include_groups: bool = False


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:
    """Return the routes about people."""

    async def find(request: Request[Caller, FindPeopleQuery, None]) -> SearchPersonResult:
        query = request.query
        wanted = search_of(query)
        page = await database.transaction(
            lambda tx: find_people(
                tx,
                request.caller,
                wanted,
                groups=query.include_groups and not query.count_groups,
            ),
            read_only=True,
        )
        return result_body(page, query)

    async def create(request: Request[Caller, None, CreatePersonDetails]) -> RegistrationUrl:
        wanted = new_person(request.body)
        created = await database.transaction(lambda tx: create_person(tx, request.caller, wanted))
        invites = wanted.type is PersonType.PERSON
        url = registration_url(settings.register_url, created.token) if invites else None
        return RegistrationUrl(created.person_id, created.token, url)

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

    async def update(request: Request[Caller, GetPersonQuery, ChangedPerson]) -> Person:
        person_id, query = PersonId(request.uuid("id")), request.query
        change = whole_change(person_id, request.body)

        async def work(tx: Transaction) -> PersonWithGroups:
            await update_person(tx, request.caller, change)
            return await load_person(
                tx,
                request.caller,
                person_id,
                groups=query.include_groups,
                entries=query.include_acls,
            )

        return person_body(await database.transaction(work))

    async def update_v2(request: Request[Caller, None, UpdatePerson]) -> None:
        change = partial_change(PersonId(request.uuid("id")), request.body)
        await database.transaction(lambda tx: update_person(tx, request.caller, change))

    async def delete(request: Request[Caller, DeletePersonQuery, None]) -> bool:
        person_id = PersonId(request.uuid("id"))
        return await database.transaction(
            lambda tx: delete_person(
                tx, request.caller, person_id, with_memberships=request.query.include_groups
            )
        )

    async def reset_token(
        request: Request[Caller, None, None],
    ) -> AdminServiceResetTokenResponse:
        person_id = PersonId(request.uuid("id"))
        token = await database.transaction(
            lambda tx: reset_machine_token(tx, request.caller, person_id)
        )
        return AdminServiceResetTokenResponse(token)

    path, person_path = "/mr-api/person", "/mr-api/person/{id:uuid}"
    return [
        Route(
            "GET",
            path,
            "findPeople",
            find,
            tag=_TAG,
            query=FindPeopleQuery,
            response=SearchPersonResult,
        ),
        Route(
            "POST",
            path,
            "createPerson",
            create,
            tag=_TAG,
            body=CreatePersonDetails,
            response=RegistrationUrl,
        ),
        Route(
            "GET",
            "/mr-api/person/{id}",
            "getPerson",
            get_person,
            tag=_TAG,
            query=GetPersonQuery,
            response=Person,
        ),
        Route(
            "PUT",
            person_path,
            "updatePerson",
            update,
            tag=_TAG,
            query=GetPersonQuery,
            body=ChangedPerson,
            carries_much=True,
            response=Person,
            refusals=_UPDATING,
        ),
        Route(
            "PUT",
            f"{person_path}/v2",
            "updatePersonV2",
            update_v2,
            tag=_TAG,
            body=UpdatePerson,
            status=204,
        ),
        Route(
            "DELETE",
            person_path,
            "deletePerson",
            delete,
            tag=_TAG,
            query=DeletePersonQuery,
            response=bool,
        ),
        Route(
            "POST",
            f"{person_path}/token-reset",
            "resetSecurityToken",
            reset_token,
            tag=_TAG,
            response=AdminServiceResetTokenResponse,
        ),
    ]
