"""What crosses a broker, as CloudEvents: announcements, and updates from SDKs.

A reader goes by the pair of type and subject; both have to match.

Source: section 6.1 of the data plane's contract.
"""

import re
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from fh.contracts.event_log import UNNUMBERED
from fh.contracts.published import (
    PublishAction,
    Published,
    PublishEnvironment,
    PublishFeatureValues,
    PublishServiceAccount,
    encode_published,
)
from fh.contracts.updates import StreamedFeatureUpdate
from fh.wire.cloudevents import COMPRESSED_JSON, CloudEvent, MalformedEvent, compress, read_json

BusEvent: TypeAlias = Published | StreamedFeatureUpdate

_Pair: TypeAlias = tuple[str, str]

_ENVIRONMENT: Final = ("publish-environment-v1", "io.featurehub.events.environment")
_SERVICE_ACCOUNT: Final = ("publish-serviceaccount-v1", "io.featurehub.events.service-account")
_FEATURE_VALUES: Final = ("publish-feature-v1", "io.featurehub.events.feature-values")
_UPDATE: Final = ("feature-update-v1", "io.featurehub.edge.feature-update")

_TYPES: Final[dict[_Pair, Any]] = {  # any event: what `BusEvent` is the union of
    _ENVIRONMENT: PublishEnvironment,
    _SERVICE_ACCOUNT: PublishServiceAccount,
    _FEATURE_VALUES: PublishFeatureValues,
    _UPDATE: StreamedFeatureUpdate,
}

SEQUENCE: Final = "fhsequence"
"""The extension that holds MR's number for an announcement."""

_NUMBER: Final = re.compile("[0-9]{1,19}")

_NOBODY = "null"  # what producers write for the id of something that is not there
_CACHE_NAME = "default"


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
    if isinstance(event, StreamedFeatureUpdate):
        return msgspec.json.encode(event)
    return encode_published(event)


def decode_event(event: CloudEvent, most_bytes: int) -> BusEvent | None:
    """Return what `event` carries, or None if it is of a kind that is not read here.

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
    return decoded


def _envelope(event: Published) -> tuple[_Pair, str, PublishAction]:
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
