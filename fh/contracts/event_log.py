"""Announced changes by number, for caches that missed some.

MR numbers what it announces, without gaps and in the order of the commits. Whoever has followed up
to a number knows by the next one whether anything was lost on the way, and asks for just that.
"""

from typing import Any, Final, Protocol

import msgspec
from msgspec import Raw, Struct

from fh.contracts.detached import detached
from fh.contracts.published import (
    Published,
    PublishEnvironment,
    PublishFeatureValues,
    PublishServiceAccount,
    encode_published,
)
from fh.errors import FeatureHubError, Unavailable

UNNUMBERED: Final = 0
"""The number of an event from somebody who does not number."""

ENVIRONMENT: Final = "environment"
SERVICE_ACCOUNT: Final = "service-account"
FEATURE_VALUES: Final = "feature-values"

_TYPES: Final[dict[str, Any]] = {  # any event: what `Published` is the union of
    ENVIRONMENT: PublishEnvironment,
    SERVICE_ACCOUNT: PublishServiceAccount,
    FEATURE_VALUES: PublishFeatureValues,
}


class Undecodable(FeatureHubError):
    """The text is no event of its kind; the reason tells nothing of its content."""


class NoEventLog(Unavailable):
    """Whoever is asked keeps no events: an MR of another make."""


class NumberedEvent(Struct, frozen=True):
    """An event with its number, its kind and its JSON text."""

    sequence: int
    kind: str
    body: Raw

    def decoded(self) -> Published:
        """Return the event.

        Raises:
            Undecodable: there is no such kind, or the text is none of it.
        """
        return decode_event(self.kind, bytes(self.body))


class Events(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The events after the number asked for, in order.

    `up_to` is the number that whoever has taken them is at: the last one's, or a newer one when the
    numbers in between belong to events that nobody could publish. `newest` is where MR is.
    `lost`: they are not kept any more, or the number asked for is ahead of the log and belongs to
    another database, or to this one before it was restored. Whoever asked has to load everything
    anew, and is then at `up_to`.
    """

    up_to: int
    newest: int
    events: tuple[NumberedEvent, ...] = ()
    lost: bool = False


class EventLog(Protocol):
    """The port to the log."""

    async def events_after(self, sequence: int) -> Events:
        """Return some or all of the events after `sequence`.

        Raises:
            NoEventLog: there is none.
            Unavailable: the log can't be read for now.
        """


def kind_of(event: Published) -> str:
    """Return the kind of an event."""
    match event:
        case PublishEnvironment():
            return ENVIRONMENT
        case PublishServiceAccount():
            return SERVICE_ACCOUNT
        case PublishFeatureValues():
            return FEATURE_VALUES


def numbered(sequence: int, event: Published) -> NumberedEvent:
    """Return `event` with its number."""
    return NumberedEvent(sequence, kind_of(event), Raw(encode_published(event)))


def decode_event(kind: str, body: bytes) -> Published:
    """Return the event in the JSON text `body`.

    Raises:
        Undecodable: there is no such kind, or the text is none of it.
    """
    try:
        event: Published = msgspec.json.decode(body, type=_TYPES[kind])
    except (msgspec.MsgspecError, UnicodeError, RecursionError, KeyError) as fault:
        raise Undecodable(f"it can't be decoded: {fault}") from fault
    return detached(event)
