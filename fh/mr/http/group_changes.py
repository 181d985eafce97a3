"""Creating, changing and archiving groups."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from fh.db.port import Database, Transaction
from fh.errors import FeatureHubError
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import GroupId, PortfolioId
from fh.mr.access import Caller
from fh.mr.errors import DuplicateItems
from fh.mr.http.groups import TAG
from fh.mr.http.schemas.groups import (
    ChangedGroup,
    CreateGroup,
    UpdateGroup,
    UpdateGroupQuery,
    group_change,
    new_group,
)
from fh.mr.http.schemas.people import Group, group_body
from fh.mr.services.group_changes import GroupChange, create_group, delete_group, update_group
from fh.mr.services.groups import GroupDetails, load_group
from fh.mr.settings import MrSettings

BodyT = TypeVar("BodyT")

_UPDATING: Final[Mapping[type[FeatureHubError], int]] = {DuplicateItems: 409}


def routes(database: Database, _settings: MrSettings) -> Sequence[AnyRoute]:
    """Return the routes that change groups, but not single memberships."""

    async def create(request: Request[Caller, None, CreateGroup]) -> Group:
        portfolio_id, wanted = PortfolioId(request.uuid("id")), new_group(request.body)
        created = await database.transaction(
            lambda tx: create_group(tx, request.caller, portfolio_id, wanted)
        )
        return group_body(GroupDetails(created))

    async def update_v1(request: Request[Caller, UpdateGroupQuery, ChangedGroup]) -> Group:
        return await update(request, group_change(request.body, request.query))

    async def update_v2(request: Request[Caller, UpdateGroupQuery, UpdateGroup]) -> Group:
        return await update(request, group_change(request.body, request.query))

    async def update(
        request: Request[Caller, UpdateGroupQuery, BodyT], change: GroupChange
    ) -> Group:
        query, portfolio_id = request.query, PortfolioId(request.uuid("id"))

        async def work(tx: Transaction) -> GroupDetails:
            await update_group(tx, request.caller, portfolio_id, change)
            return await load_group(tx, request.caller, change.group_id, query.parts)

        return group_body(
            await database.transaction(work),
            full_members=query.include_members,
            simple_members=query.include_members_v2,
        )

    async def delete(request: Request[Caller, None, None]) -> bool:
        group_id = GroupId(request.uuid("gid"))
        await database.transaction(lambda tx: delete_group(tx, request.caller, group_id))
        return True

    return [
        Route(
            "POST",
            "/mr-api/portfolio/{id:uuid}/group",
            "createGroup",
            create,
            tag=TAG,
            body=CreateGroup,
            carries_much=True,
            response=Group,
        ),
        Route(
            "PUT",
            "/mr-api/portfolio/{id:uuid}/group",
            "updateGroupOnPortfolio",
            update_v1,
            tag=TAG,
            query=UpdateGroupQuery,
            body=ChangedGroup,
            carries_much=True,
            response=Group,
            refusals=_UPDATING,
            deprecated=True,
        ),
        Route(
            "PUT",
            "/mr-api/portfolio/{id:uuid}/v2/group",
            "updateGroupOnPortfolioV2",
            update_v2,
            tag=TAG,
            query=UpdateGroupQuery,
            body=UpdateGroup,
            carries_much=True,
            response=Group,
            refusals=_UPDATING,
        ),
        Route("DELETE", "/mr-api/group/{gid:uuid}", "deleteGroup", delete, tag=TAG, response=bool),
    ]
