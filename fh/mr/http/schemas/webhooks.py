"""Webhooks and tracked events on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from fh.model.ids import EnvironmentId
from fh.mr.repositories.tracked_events import TrackedEvent, TrackedResponse
from fh.mr.repositories.webhooks import ResultOutline, WebhookResult
from fh.mr.services import webhooks as services


class WebhookTypeDetail(Struct, frozen=True, rename="camel"):
    """An integration that environments can have."""

    message_type: str
    description: str
    env_prefix: str


class WebhookTypeDetails(Struct, frozen=True):
    """All integrations."""

    types: tuple[WebhookTypeDetail, ...]


class WebhookCheck(Struct, frozen=True, rename="camel"):
    """Which webhook to try; it is tried as it is stored, so `config` does not count."""

    message_type: Annotated[str, Meta(max_length=200)]
    env_id: EnvironmentId
    config: dict[str, str] | None = None


class WebhookSummaryItem(Struct, frozen=True, rename="camel"):
    """One delivery."""

    id: UUID
    type: str
    method: str
    status: int
    when_sent: datetime


class WebhookSummary(Struct, frozen=True):
    """Deliveries, and how many there are in all."""

    max: int
    results: tuple[WebhookSummaryItem, ...]


class WebhookDetail(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """All about one delivery."""

    when_sent: datetime
    status: int
    method: str
    source_system: str
    delivered_data_cloud_event_type: str
    cloud_event_type: str
    content: str
    result: str
    url: str | None = None
    outbound_headers: dict[str, str] | None = None
    incoming_headers: dict[str, str] | None = None


class TrackEventResponse(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What was answered to a message."""

    status: int
    when_received: datetime
    message: str | None = None
    headers: dict[str, str] | None = None


class TrackEventsSummaryItem(Struct, frozen=True, rename="camel"):
    """One message, and what was answered, the newest first."""

    id: UUID
    when_sent: datetime
    event_responses: tuple[TrackEventResponse, ...]


class TrackEventsSummary(Struct, frozen=True):
    """Messages, and how many there are in all."""

    count: int
    items: tuple[TrackEventsSummaryItem, ...]


def types_body(types: Sequence[services.WebhookType]) -> WebhookTypeDetails:
    """Return all integrations."""
    return WebhookTypeDetails(
        tuple(WebhookTypeDetail(one.message_type, one.description, one.prefix) for one in types)
    )


def summary_body(results: Sequence[ResultOutline], total: int) -> WebhookSummary:
    """Return a page of deliveries."""
    return WebhookSummary(
        total,
        tuple(
            WebhookSummaryItem(one.id, one.webhook_type, one.method, one.status, one.when_sent)
            for one in results
        ),
    )


def detail_body(result: WebhookResult) -> WebhookDetail:
    """Return all about one delivery."""
    outbound, incoming = result.outbound_headers, result.incoming_headers
    return WebhookDetail(
        when_sent=result.when_sent,
        status=result.status,
        method=result.method,
        source_system=result.source_system,
        delivered_data_cloud_event_type=result.delivered_type,
        cloud_event_type=result.webhook_type,
        content=result.content,
        result=result.result,
        url=result.url,
        outbound_headers=None if outbound is None else dict(outbound),
        incoming_headers=None if incoming is None else dict(incoming),
    )


def tracked_body(
    events: Sequence[TrackedEvent], total: int, *, first_only: bool
) -> TrackEventsSummary:
    """Return a page of messages, each with all answers or with the newest one only."""
    return TrackEventsSummary(
        total,
        tuple(
            TrackEventsSummaryItem(
                event.id,
                event.when_sent,
                tuple(map(_response, event.responses[:1] if first_only else event.responses)),
            )
            for event in events
        ),
    )


def _response(response: TrackedResponse) -> TrackEventResponse:
    headers = response.headers
    return TrackEventResponse(
        status=response.status,
        when_received=response.when,
        message=response.content,
        headers=None if headers is None else dict(headers),
    )
