"""`/mr-api/application/{appId}/strategy`, `/rollout-strategy` and their validation."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import ApplicationId, ApplicationStrategyId
from fh.mr.access import Caller
from fh.mr.http.schemas.application_strategies import (
    ApplicationRolloutStrategy,
    ApplicationRolloutStrategyList,
    CreateApplicationRolloutStrategy,
    UpdateApplicationRolloutStrategy,
    list_body,
    new_strategy,
    strategy_body,
    strategy_change,
)
from fh.mr.http.schemas.sorting import SortOrder, page_offset, page_size
from fh.mr.http.schemas.strategies import (
    RolloutStrategyValidationRequest,
    RolloutStrategyValidationResponse,
    verdict_body,
)
from fh.mr.http.strategy_refusals import explained
from fh.mr.repositories.application_strategies import StrategyPage
from fh.mr.services.application_strategies import (
    create_strategy,
    delete_strategy,
    list_strategies,
    load_strategy,
    update_strategy,
    validate,
)
from fh.mr.settings import MrSettings

_TAG = "ApplicationRolloutStrategyService"
_VALIDATION_TAG = "RolloutStrategyService"

USUAL_PAGE: Final = 20


class ListQuery(Struct, frozen=True, rename="camel"):
    """Which strategies; who changed them and where they are attached is always told."""

    filter: str | None = None
    include_archived: bool = False
    sort_order: SortOrder = SortOrder.ASC
    max: int = USUAL_PAGE
    page: int = 0
    include_who_changed: bool = False
    include_usage: bool = False


class CreateQuery(Struct, frozen=True, rename="camel"):
    """Accepted, and without effect."""

    include_who_changed: bool = False


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:  # noqa: ARG001 -- all tables are made alike
    """Return the routes about application strategies."""

    async def find(request: Request[Caller, ListQuery, None]) -> ApplicationRolloutStrategyList:
        query, application_id = request.query, ApplicationId(request.uuid("app_id"))
        size = page_size(query.max)
        page = StrategyPage(
            name_part=query.filter,
            archived=query.include_archived,
            descending=query.sort_order is SortOrder.DESC,
            size=size,
            offset=page_offset(query.page, size),
        )
        found = await database.transaction(
            lambda tx: list_strategies(tx, request.caller, application_id, page), read_only=True
        )
        return list_body(found, max(query.page, 0))

    async def create(
        request: Request[Caller, CreateQuery, CreateApplicationRolloutStrategy],
    ) -> ApplicationRolloutStrategy:
        application_id, wanted = ApplicationId(request.uuid("app_id")), new_strategy(request.body)
        created = await database.transaction(
            lambda tx: create_strategy(tx, request.caller, application_id, wanted)
        )
        return strategy_body(created)

    async def get(request: Request[Caller, None, None]) -> ApplicationRolloutStrategy:
        application_id, strategy_id = _ids(request)
        found = await database.transaction(
            lambda tx: load_strategy(tx, request.caller, application_id, strategy_id),
            read_only=True,
        )
        return strategy_body(found)

    async def update(
        request: Request[Caller, None, UpdateApplicationRolloutStrategy],
    ) -> ApplicationRolloutStrategy:
        application_id, strategy_id = _ids(request)
        change = strategy_change(request.body)
        saved = await database.transaction(
            lambda tx: update_strategy(tx, request.caller, application_id, strategy_id, change)
        )
        return strategy_body(saved)

    async def delete(request: Request[Caller, None, None]) -> None:
        application_id, strategy_id = _ids(request)
        await database.transaction(
            lambda tx: delete_strategy(tx, request.caller, application_id, strategy_id)
        )

    async def check(
        request: Request[Caller, None, RolloutStrategyValidationRequest],
    ) -> RolloutStrategyValidationResponse:
        return verdict_body(validate(request.body.custom_strategies or ()))

    list_path = "/mr-api/application/{app_id:uuid}/strategy"
    one_path = "/mr-api/application/{app_id:uuid}/rollout-strategy/{app_strategy_id:uuid}"
    return [
        Route(
            "GET",
            list_path,
            "listApplicationStrategies",
            find,
            tag=_TAG,
            query=ListQuery,
            response=ApplicationRolloutStrategyList,
        ),
        Route(
            "POST",
            list_path,
            "createApplicationStrategy",
            explained(create),
            tag=_TAG,
            query=CreateQuery,
            body=CreateApplicationRolloutStrategy,
            carries_much=True,
            answers={422: RolloutStrategyValidationResponse},
            response=ApplicationRolloutStrategy,
            status=201,
        ),
        Route(
            "GET",
            one_path,
            "getApplicationStrategy",
            get,
            tag=_TAG,
            response=ApplicationRolloutStrategy,
        ),
        Route(
            "PUT",
            one_path,
            "updateApplicationStrategy",
            explained(update),
            tag=_TAG,
            body=UpdateApplicationRolloutStrategy,
            carries_much=True,
            answers={422: RolloutStrategyValidationResponse},
            response=ApplicationRolloutStrategy,
        ),
        Route("DELETE", one_path, "deleteApplicationStrategy", delete, tag=_TAG, status=204),
        Route(
            "POST",
            "/mr-api/application/{app_id:uuid}/rollout-strategy-validation",
            "validate",
            check,
            tag=_VALIDATION_TAG,
            body=RolloutStrategyValidationRequest,
            carries_much=True,
            response=RolloutStrategyValidationResponse,
        ),
    ]


def _ids(
    request: Request[Caller, None, None] | Request[Caller, None, UpdateApplicationRolloutStrategy],
) -> tuple[ApplicationId, ApplicationStrategyId]:
    strategy_id = ApplicationStrategyId(request.uuid("app_strategy_id"))
    return ApplicationId(request.uuid("app_id")), strategy_id
