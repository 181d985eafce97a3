"""`/mr-api/application/{appId}/feature-groups`."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from fh.db.port import Database
from fh.errors import FeatureHubError
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import ApplicationId, EnvironmentId, FeatureGroupId
from fh.mr.access import Caller
from fh.mr.errors import Archived, OrderTaken, VersionConflict
from fh.mr.feature_group import GroupFilter
from fh.mr.http.schemas.feature_groups import (
    FeatureGroup,
    FeatureGroupCreate,
    FeatureGroupFeature,
    FeatureGroupList,
    FeatureGroupListGroup,
    FeatureGroupUpdate,
    group_body,
    group_change,
    group_feature_body,
    listed_group_body,
    new_group,
)
from fh.mr.http.schemas.sorting import SortOrder, page_offset, page_size
from fh.mr.http.schemas.strategies import RolloutStrategyValidationResponse
from fh.mr.http.strategy_refusals import explained
from fh.mr.services.feature_groups import (
    create_group,
    delete_group,
    list_groups,
    load_group,
    load_group_features,
    update_group,
)
from fh.mr.settings import MrSettings

_TAG = "FeatureGroupService"

_UPDATING: Final[Mapping[type[FeatureHubError], int]] = {
    VersionConflict: 412,
    OrderTaken: 413,
    Archived: 414,
}


class ListQuery(Struct, frozen=True, rename="camel"):
    """Which groups."""

    filter: str | None = None
    max: int | None = None
    page: int = 0
    sort_order: SortOrder = SortOrder.ASC
    environment_id: EnvironmentId | None = None


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:
    """Return the routes about feature groups."""

    async def find(request: Request[Caller, ListQuery, None]) -> FeatureGroupList:
        query, application_id = request.query, ApplicationId(request.uuid("app_id"))
        size = page_size(settings.feature_group_page if query.max is None else query.max)
        wanted = GroupFilter(
            environment_id=query.environment_id,
            name_part=query.filter,
            descending=query.sort_order is SortOrder.DESC,
            size=size,
            offset=page_offset(query.page, size),
        )
        total, groups = await database.transaction(
            lambda tx: list_groups(tx, request.caller, application_id, wanted), read_only=True
        )
        return FeatureGroupList(total, tuple(map(listed_group_body, groups)))

    async def create(request: Request[Caller, None, FeatureGroupCreate]) -> FeatureGroupListGroup:
        new, application_id = new_group(request.body), ApplicationId(request.uuid("app_id"))
        created = await database.transaction(
            lambda tx: create_group(tx, request.caller, application_id, new)
        )
        return listed_group_body(created)

    async def update(request: Request[Caller, None, FeatureGroupUpdate]) -> FeatureGroup:
        change, application_id = group_change(request.body), ApplicationId(request.uuid("app_id"))
        saved = await database.transaction(
            lambda tx: update_group(tx, request.caller, application_id, change)
        )
        return group_body(saved)

    async def get(request: Request[Caller, None, None]) -> FeatureGroup:
        application_id, group_id = _ids(request)
        found = await database.transaction(
            lambda tx: load_group(tx, request.caller, application_id, group_id), read_only=True
        )
        return group_body(found)

    async def delete(request: Request[Caller, None, None]) -> None:
        application_id, group_id = _ids(request)
        await database.transaction(
            lambda tx: delete_group(tx, request.caller, application_id, group_id)
        )

    async def features(request: Request[Caller, None, None]) -> list[FeatureGroupFeature]:
        application_id = ApplicationId(request.uuid("app_id"))
        environment_id = EnvironmentId(request.uuid("env_id"))
        found = await database.transaction(
            lambda tx: load_group_features(tx, request.caller, application_id, environment_id),
            read_only=True,
        )
        return [group_feature_body(feature) for feature in found]

    path = "/mr-api/application/{app_id:uuid}/feature-groups"
    one_path = f"{path}/{{fg_id:uuid}}"
    return [
        Route(
            "GET",
            path,
            "listFeatureGroups",
            find,
            tag=_TAG,
            query=ListQuery,
            response=FeatureGroupList,
        ),
        Route(
            "POST",
            path,
            "createFeatureGroup",
            explained(create),
            tag=_TAG,
            body=FeatureGroupCreate,
            carries_much=True,
            answers={422: RolloutStrategyValidationResponse},
            response=FeatureGroupListGroup,
            status=201,
        ),
        Route(
            "PUT",
            path,
            "updateFeatureGroup",
            explained(update),
            tag=_TAG,
            body=FeatureGroupUpdate,
            carries_much=True,
            answers={422: RolloutStrategyValidationResponse},
            response=FeatureGroup,
            refusals=_UPDATING,
        ),
        Route("GET", one_path, "getFeatureGroup", get, tag=_TAG, response=FeatureGroup),
        Route("DELETE", one_path, "deleteFeatureGroup", delete, tag=_TAG, status=204),
        Route(
            "GET",
            f"{path}/environment/{{env_id:uuid}}",
            "getFeatureGroupFeatures",
            features,
            tag=_TAG,
            response=list[FeatureGroupFeature],
        ),
    ]


def _ids(request: Request[Caller, None, None]) -> tuple[ApplicationId, FeatureGroupId]:
    return ApplicationId(request.uuid("app_id")), FeatureGroupId(request.uuid("fg_id"))
