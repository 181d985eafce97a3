"""`/mr-api/webhooks` and `/mr-api/track-events`."""

from collections.abc import Sequence

from msgspec import Struct

from fh.db.port import Database
from fh.http.routing import AnyRoute, Request, Route
from fh.model.ids import EnvironmentId
from fh.mr.access import Caller
from fh.mr.errors import NotFound
from fh.mr.http.schemas.webhooks import (
    TrackEventsSummary,
    WebhookCheck,
    WebhookDetail,
    WebhookSummary,
    WebhookTypeDetails,
    detail_body,
    summary_body,
    tracked_body,
    types_body,
)
from fh.mr.services.webhooks import (
    ENVIRONMENT_SOURCE,
    ask_for_test,
    load_result,
    load_results,
    load_tracked,
    webhook_types,
)
from fh.mr.settings import MrSettings

_TAG = "WebhookService"
_FEWEST_RESULTS = 20
_MOST_RESULTS = 100
_MOST_EVENTS = 25
_LAST_START = 2**31


class WebhookSummaryQuery(Struct, frozen=True, rename="camel"):
    """Which deliveries; `filter` is an integration's type."""

    max: int = _FEWEST_RESULTS
    start_at: int = 0
    filter: str | None = None


class TrackEventsQuery(Struct, frozen=True, rename="camel"):
    """Which messages, about what, and whether all answers to them are wanted."""

    source: str
    page: int = 0
    page_size: int = _MOST_EVENTS
    cloud_event_type: str | None = None
    first_only: bool = True


def routes(database: Database, settings: MrSettings) -> Sequence[AnyRoute]:
    """Return the routes about webhooks."""

    async def types(_: Request[None, None, None]) -> WebhookTypeDetails:
        return types_body(webhook_types(settings))

    async def test(request: Request[Caller, None, WebhookCheck]) -> None:
        wanted = request.body
        await database.transaction(
            lambda tx: ask_for_test(
                tx, request.caller, wanted.env_id, wanted.message_type, settings
            )
        )

    async def summary(request: Request[Caller, WebhookSummaryQuery, None]) -> WebhookSummary:
        query, environment_id = request.query, EnvironmentId(request.uuid("env_id"))
        limit = min(max(query.max, _FEWEST_RESULTS), _MOST_RESULTS)
        offset = min(max(query.start_at, 0), _LAST_START)
        found, total = await database.transaction(
            lambda tx: load_results(
                tx, request.caller, environment_id, query.filter or None, limit, offset
            ),
            read_only=True,
        )
        return summary_body(found, total)

    async def detail(request: Request[Caller, None, None]) -> WebhookDetail:
        environment_id, result_id = EnvironmentId(request.uuid("env_id")), request.uuid("id")
        found = await database.transaction(
            lambda tx: load_result(tx, request.caller, environment_id, result_id), read_only=True
        )
        return detail_body(found)

    async def tracked(request: Request[Caller, TrackEventsQuery, None]) -> TrackEventsSummary:
        query, environment_id = request.query, EnvironmentId(request.uuid("id"))
        if query.source != ENVIRONMENT_SOURCE:
            raise NotFound("source of tracked events")
        limit = min(max(query.page_size, 1), _MOST_EVENTS)
        offset = min(max(query.page, 0) * limit, _LAST_START)
        found, total = await database.transaction(
            lambda tx: load_tracked(
                tx, request.caller, environment_id, query.cloud_event_type or None, limit, offset
            ),
            read_only=True,
        )
        return tracked_body(found, total, first_only=query.first_only)

    return [
        Route(
            "GET",
            "/mr-api/webhooks",
            "getWebhookTypes",
            types,
            tag=_TAG,
            response=WebhookTypeDetails,
            authenticated=False,
        ),
        Route(
            "POST",
            "/mr-api/webhooks",
            "testWebhook",
            test,
            tag=_TAG,
            body=WebhookCheck,
            status=204,
        ),
        Route(
            "GET",
            "/mr-api/webhooks/{env_id:uuid}",
            "listWebhooks",
            summary,
            tag=_TAG,
            query=WebhookSummaryQuery,
            response=WebhookSummary,
        ),
        Route(
            "GET",
            "/mr-api/webhooks/{env_id:uuid}/{id:uuid}",
            "getWebhookDetails",
            detail,
            tag=_TAG,
            response=WebhookDetail,
        ),
        Route(
            "GET",
            "/mr-api/track-events/{id:uuid}",
            "getTrackedEvents",
            tracked,
            tag="TrackEventsService",
            query=TrackEventsQuery,
            response=TrackEventsSummary,
        ),
    ]
