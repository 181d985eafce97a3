"""What crosses a broker, as CloudEvents.

A reader goes by the pair of type and subject; both have to match. The catalogue is whole, for
others on the bus speak of things that no role here handles yet: those are known, and left alone.
How the rest of it is written is in `notices`.

Source: section 6.1 of the data plane's contract.
"""

import re
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from fh.contracts.detached import detached
from fh.contracts.enrichment import EnrichedFeatures, EnricherPing, WebhookEnvironmentResult
from fh.contracts.event_log import UNNUMBERED
from fh.contracts.messaging import FeatureMessagingUpdate, SlackTest, TrackedEventResult
from fh.contracts.published import (
    PublishAction,
    Published,
    PublishEnvironment,
    PublishFeatureValues,
    PublishServiceAccount,
    encode_published,
)
from fh.contracts.updates import StreamedFeatureUpdate
from fh.contracts.usage import EdgeStatsBundle
from fh.wire.cloudevents import COMPRESSED_JSON, CloudEvent, MalformedEvent, compress, read_json

Notice: TypeAlias = (
    EdgeStatsBundle
    | EnricherPing
    | EnrichedFeatures
    | WebhookEnvironmentResult
    | TrackedEventResult
    | FeatureMessagingUpdate
    | SlackTest
)
"""What nobody here handles yet."""

BusEvent: TypeAlias = Published | StreamedFeatureUpdate | Notice

Pair: TypeAlias = tuple[str, str]
"""The type and the subject of an event."""

_ENVIRONMENT: Final = ("publish-environment-v1", "io.featurehub.events.environment")
_SERVICE_ACCOUNT: Final = ("publish-serviceaccount-v1", "io.featurehub.events.service-account")
_FEATURE_VALUES: Final = ("publish-feature-v1", "io.featurehub.events.feature-values")
_UPDATE: Final = ("feature-update-v1", "io.featurehub.edge.feature-update")
USAGE: Final = ("edge-stat-bundle-v1", "io.featurehub.events.edge-stat")
PING: Final = ("enricher-ping-v1", "io.featurehub.events.enricher")
ENRICHED: Final = ("enriched-feature-v1", "io.featurehub.events.enricher")
WEBHOOK_RESULT: Final = ("webhook-environment-result-v1", "io.featurehub.webhooks")
TRACKED_RESULT: Final = ("tracked-event-result-v1", "io.featurehub.trackedevents")
MESSAGING: Final = ("messaging-feature-v1", "io.featurehub.events.messaging")
SLACK: Final = ("integration/slack-v1", "io.featurehub.events.messaging")
SLACK_TEST: Final = ("testing-slack-v1", "io.featurehub.events.testing.slack")

_TYPES: Final[dict[Pair, Any]] = {  # any event: what `BusEvent` is the union of
    _ENVIRONMENT: PublishEnvironment,
    _SERVICE_ACCOUNT: PublishServiceAccount,
    _FEATURE_VALUES: PublishFeatureValues,
    _UPDATE: StreamedFeatureUpdate,
    USAGE: EdgeStatsBundle,
    PING: EnricherPing,
    ENRICHED: EnrichedFeatures,
    WEBHOOK_RESULT: WebhookEnvironmentResult,
    TRACKED_RESULT: TrackedEventResult,
    MESSAGING: FeatureMessagingUpdate,
    SLACK: FeatureMessagingUpdate,
    SLACK_TEST: SlackTest,
}

ANNOUNCEMENTS: Final[frozenset[Pair]] = frozenset({_ENVIRONMENT, _SERVICE_ACCOUNT, _FEATURE_VALUES})
"""What a cache reads."""

UPDATES: Final[frozenset[Pair]] = frozenset({_UPDATE})
"""What a worker of MR reads."""

SEQUENCE: Final = "fhsequence"
"""The extension that holds MR's number for an announcement."""

_NUMBER: Final = re.compile("[0-9]{1,19}")

_NOBODY = "null"  # what producers write for the id of something that is not there
_CACHE_NAME = "default"


def pair_of(event: CloudEvent) -> Pair | None:
    """Return the kind of `event`, None if the catalogue does not have it."""
    pair = event.type, event.subject
    return pair if pair in _TYPES else None


def published_event(
    event: Published, json: bytes, at: datetime, sequence: int = UNNUMBERED
) -> CloudEvent:
    """Return the CloudEvent for an announcement whose text is `json`, compressed."""
    pair, event_id, action = _envelope(event)
    return CloudEvent(
        *pair,
        source=f"http://management-service/{action}",
        id=event_id,
        time=at,
        content_type=COMPRESSED_JSON,
        data=compress(json),
        extensions={} if sequence == UNNUMBERED else {SEQUENCE: str(sequence)},
    )


def sequence_of(event: CloudEvent) -> int:
    """Return MR's number for an announcement, or that it has none."""
    text = event.extensions.get(SEQUENCE, "")
    return int(text) if _NUMBER.fullmatch(text) else UNNUMBERED


def update_event(json: bytes, at: datetime, event_id: UUID) -> CloudEvent:
    """Return the CloudEvent for an update whose text is `json`, compressed."""
    return CloudEvent(
        *_UPDATE,
        source="http://edge",
        id=str(event_id),
        time=at,
        content_type=COMPRESSED_JSON,
        data=compress(json),
        extensions={"cachename": _CACHE_NAME},
    )


def encode_json(event: BusEvent) -> bytes:
    """Return the JSON text of `event`."""
    if isinstance(event, Published):
        return encode_published(event)
    return msgspec.json.encode(event)


def decode_event(event: CloudEvent, most_bytes: int) -> BusEvent | None:
    """Return what `event` carries, or None if the catalogue does not have its kind.

    Raises:
        MalformedEvent: its data can't be read, or has more than `most_bytes`.
    """
    known = _TYPES.get((event.type, event.subject))
    if known is None:
        return None
    json = read_json(event, most_bytes)
    try:
        decoded: BusEvent = msgspec.json.decode(json, type=known)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedEvent(f"the data can't be decoded: {error}") from error
    return detached(decoded)


def _envelope(event: Published) -> tuple[Pair, str, PublishAction]:
    match event:
        case PublishEnvironment(environment, action=action):
            return _ENVIRONMENT, str(environment.id), action
        case PublishServiceAccount(action, account):
            return _SERVICE_ACCOUNT, _NOBODY if account is None else str(account.id), action
        case PublishFeatureValues(features):
            if not features:
                return _FEATURE_VALUES, _NOBODY, PublishAction.EMPTY
            first = features[0]
            event_id = f"{first.environment_id}/{first.feature.feature.key}"
            return _FEATURE_VALUES, event_id, first.action
