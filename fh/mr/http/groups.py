"""Groups, under their portfolio and by themselves."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import ApplicationId, GroupId, PortfolioId
from fh.mr.access import Caller
from fh.mr.http.schemas.people import Group, group_body
from fh.mr.http.schemas.sorting import SortOrder, sorted_by_name
from fh.mr.services.groups import GroupDetails, GroupParts, find_groups, load_group
from fh.mr.settings import MrSettings

TAG = "GroupService"


class FindGroupsQuery(Struct, frozen=True, rename="camel"):
    """Which groups, in which order; `includePeople` never had an effect."""

    order: SortOrder | None = None
    filter: str | None = None


class GetGroupQuery(Struct, frozen=True, rename="camel"):
    """Which parts of a group to fill."""

    include_members: bool = False
    include_members_v2: bool = False
    include_group_roles: bool = False
    by_application_id: UUID | None = None


def routes(database: Database, _settings: MrSettings) -> Sequence[AnyRoute]:
    """Return the routes about groups."""

    async def find(request: Request[Caller, FindGroupsQuery, None]) -> list[Group]:
        query = request.query
        portfolio_id = PortfolioId(request.uuid("id"))
        found = await database.transaction(
            lambda tx: find_groups(tx, request.caller, portfolio_id, query.filter), read_only=True
        )
        bodies = [group_body(GroupDetails(group)) for group in found]
        return sorted_by_name(bodies, query.order)

    async def get(request: Request[Caller, GetGroupQuery, None]) -> Group:
        query = request.query
        application = query.by_application_id
        parts = GroupParts(
            members=query.include_members or query.include_members_v2,
            superusers=query.include_members_v2,
            entries=query.include_group_roles,
            application_id=None if application is None else ApplicationId(application),
        )
        group_id = GroupId(request.uuid("gid"))
        found = await database.transaction(
            lambda tx: load_group(tx, request.caller, group_id, parts), read_only=True
        )
        return group_body(
            found,
            full_members=query.include_members,
            simple_members=query.include_members_v2,
        )

    return [
        Route(
            "GET",
            "/mr-api/portfolio/{id:uuid}/group",
            "findGroups",
            find,
            tag=TAG,
            query=FindGroupsQuery,
            response=list[Group],
        ),
        Route(
            "GET",
            "/mr-api/group/{gid:uuid}",
            "getGroup",
            get,
            tag=TAG,
            query=GetGroupQuery,
            response=Group,
        ),
    ]
