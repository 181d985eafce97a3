"""How the events are written that no role here handles yet: of usage, webhooks and chats.

Source: sections 6.1, 6.9 and 6.10 of the data plane's contract; section 10.1 of the admin contract.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from fh.bus.events import (
    ENRICHED,
    MESSAGING,
    PING,
    SLACK,
    SLACK_TEST,
    TRACKED_RESULT,
    USAGE,
    WEBHOOK_RESULT,
    Pair,
)
from fh.model.ids import EnvironmentId, OrganisationId
from fh.wire.cloudevents import COMPRESSED_JSON, JSON, CloudEvent, compress

_PLAIN: Final[Mapping[str, str]] = MappingProxyType({})


def usage_event(json: bytes, at: datetime, event_id: UUID, source: str) -> CloudEvent:
    """Return the CloudEvent for the use of some keys."""
    return _compressed(USAGE, json, at, event_id=str(event_id), source=source)


def ping_event(json: bytes, at: datetime, event_id: UUID) -> CloudEvent:
    """Return the CloudEvent for the test of a webhook, the one kind that is not compressed."""
    return CloudEvent(
        *PING, source="/webhook/check", id=str(event_id), time=at, content_type=JSON, data=json
    )


def enriched_event(json: bytes, at: datetime, environment_id: EnvironmentId) -> CloudEvent:
    """Return the CloudEvent for an environment with what changed in it `at` that time."""
    milliseconds = round(at.timestamp() * 1000)
    event_id = f"{environment_id}/{milliseconds}"
    return _compressed(ENRICHED, json, at, event_id=event_id, source="http://enricher")


def webhook_result_event(json: bytes, at: datetime, enriched_id: str) -> CloudEvent:
    """Return the CloudEvent for what became of the webhook that told of event `enriched_id`."""
    return _compressed(WEBHOOK_RESULT, json, at, event_id=enriched_id, source="/webhook-features")


def tracked_result_event(json: bytes, at: datetime, event_id: UUID, source: str) -> CloudEvent:
    """Return the CloudEvent for how the delivery of an event went."""
    return _compressed(TRACKED_RESULT, json, at, event_id=str(event_id), source=source)


def messaging_event(
    json: bytes, at: datetime, event_id: UUID, organisation_id: OrganisationId
) -> CloudEvent:
    """Return the CloudEvent for an edit that a chat in Slack is to be told."""
    extensions = {"originaltype": MESSAGING[0], "trackedevent": str(organisation_id)}
    return _compressed(
        SLACK, json, at, event_id=str(event_id), source="http://mr", extensions=extensions
    )


def slack_test_event(
    json: bytes, at: datetime, event_id: UUID, organisation_id: OrganisationId, source: str
) -> CloudEvent:
    """Return the CloudEvent for a test message to Slack."""
    extensions = {"trackedevent": str(organisation_id)}
    return _compressed(
        SLACK_TEST, json, at, event_id=str(event_id), source=source, extensions=extensions
    )


def _compressed(
    pair: Pair,
    json: bytes,
    at: datetime,
    *,
    event_id: str,
    source: str,
    extensions: Mapping[str, str] = _PLAIN,
) -> CloudEvent:
    return CloudEvent(
        *pair,
        source=source,
        id=event_id,
        time=at,
        content_type=COMPRESSED_JSON,
        data=compress(json),
        extensions=extensions,
    )
