"""Joining and leaving groups."""

from collections.abc import Sequence

from fh.db.port import Database, Transaction
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import GroupId, PersonId
from fh.mr.access import Caller
from fh.mr.http.groups import TAG
from fh.mr.http.schemas.groups import AddPersonsQuery, MembersQuery
from fh.mr.http.schemas.people import Group, group_body
from fh.mr.services.groups import GroupDetails, load_group
from fh.mr.services.memberships import add_people, remove_person
from fh.mr.settings import MrSettings


def routes(database: Database, _settings: MrSettings) -> Sequence[AnyRoute]:
    """Return the routes about single memberships."""

    async def add_several(request: Request[Caller, AddPersonsQuery, None]) -> Group:
        query, group_id = request.query, GroupId(request.uuid("gid"))
        shown = MembersQuery(include_members_v2=query.include_members_v2)

        async def work(tx: Transaction) -> GroupDetails:
            await add_people(tx, request.caller, group_id, query.person_id, query.email)
            return await load_group(tx, request.caller, group_id, shown.parts)

        return _body(await database.transaction(work), shown)

    async def add(request: Request[Caller, MembersQuery, None]) -> Group:
        group_id, person_id = GroupId(request.uuid("gid")), PersonId(request.uuid("pid"))

        async def work(tx: Transaction) -> GroupDetails:
            await add_people(tx, request.caller, group_id, [person_id])
            return await load_group(tx, request.caller, group_id, request.query.parts)

        return _body(await database.transaction(work), request.query)

    async def remove(request: Request[Caller, MembersQuery, None]) -> Group:
        group_id, person_id = GroupId(request.uuid("gid")), PersonId(request.uuid("pid"))

        async def work(tx: Transaction) -> GroupDetails:
            await remove_person(tx, request.caller, group_id, person_id)
            return await load_group(tx, request.caller, group_id, request.query.parts)

        return _body(await database.transaction(work), request.query)

    people_path = "/mr-api/group/{gid:uuid}/person"
    person_path = f"{people_path}/{{pid:uuid}}"
    return [
        Route(
            "POST",
            people_path,
            "addPersonsToGroup",
            add_several,
            tag=TAG,
            query=AddPersonsQuery,
            response=Group,
        ),
        Route(
            "POST",
            person_path,
            "addPersonToGroup",
            add,
            tag=TAG,
            query=MembersQuery,
            response=Group,
        ),
        Route(
            "DELETE",
            person_path,
            "deletePersonFromGroup",
            remove,
            tag=TAG,
            query=MembersQuery,
            response=Group,
        ),
    ]


def _body(details: GroupDetails, query: MembersQuery) -> Group:
    return group_body(
        details,
        full_members=query.include_members,
        simple_members=query.include_members_v2,
    )
