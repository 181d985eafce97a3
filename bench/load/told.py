"""What the bytes of a stream tell, cut out of a chunked answer, and worked out once for many.

Streams of one environment are sent the same bytes, so what a piece tells is remembered by the
piece itself: for all but the first stream that is one look into a dictionary.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bench.client.events import EventDecoder, Feature, Unreadable

_MOST_REMEMBERED: Final = 4_096
_LONGEST_REMEMBERED_BYTES: Final = 4_096
_MOST_REST_BYTES: Final = 8 << 20
_SENT: Final = re.compile(rb"fhsent:(\d{19});")


class Kind(Enum):
    """What an event means for who holds features."""

    LIST = "all features that there are"
    CHANGE = "one feature has changed"
    DELETION = "one feature is gone"
    BYE = "the stream ends in order"
    FAILURE = "the key is not known"
    OTHER = "nothing: a heartbeat, a setting"


_KINDS: Final = {
    "features": Kind.LIST,
    "feature": Kind.CHANGE,
    "delete_feature": Kind.DELETION,
    "bye": Kind.BYE,
    "failure": Kind.FAILURE,
}


@dataclass(frozen=True, slots=True)
class News:
    """One event: `versions` are slots of features with their versions.

    `sent_ns` is the instant at which a change was asked for, in monotonic nanoseconds, 0 where the
    value does not tell; `event_id` is empty if the event has none.
    """

    kind: Kind
    versions: tuple[tuple[int, int], ...] = ()
    event_id: bytes = b""
    sent_ns: int = 0


def sent_value(sent_ns: int, value_bytes: int) -> str:
    """Return a value of `value_bytes`, or as short as it can be, that tells when it was sent."""
    return f"fhsent:{sent_ns:019d};".ljust(value_bytes, "x")


class Telling:
    """Reads what streams are told about the features that have a slot; others are not looked at."""

    def __init__(self, slots: Mapping[str, int]) -> None:
        self._slots = slots
        self._remembered: dict[bytes, tuple[tuple[News, ...], bytes]] = {}

    def read(self, data: bytes) -> tuple[tuple[News, ...], bytes]:
        """Return what `data` tells, and the end of it that has to be put before what comes next.

        `data` starts where a chunk does.

        Raises:
            Unreadable: it is no chunked stream of events.
        """
        found = self._remembered.get(data)
        if found is not None:
            return found
        found = self._read(data)
        if len(data) <= _LONGEST_REMEMBERED_BYTES:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[data] = found
        return found

    def _read(self, data: bytes) -> tuple[tuple[News, ...], bytes]:
        text, taken = _events_of_whole_chunks(data)
        news = tuple(self._news(text))
        if len(data) - taken > _MOST_REST_BYTES:
            raise Unreadable(f"an event of more than {_MOST_REST_BYTES:,} bytes")
        return news, data[taken:]

    def _news(self, text: bytes) -> list[News]:
        news = []
        for event in EventDecoder().feed(text):
            kind = _KINDS.get(event.name, Kind.OTHER)
            versions = tuple(
                (self._slots[feature.key], feature.version)
                for feature in event.features
                if feature.key in self._slots
            )
            sent_ns = _sent_ns(event.features[0]) if kind is Kind.CHANGE else 0
            news.append(News(kind, versions, event.event_id.encode(), sent_ns))
        return news


def _sent_ns(feature: Feature) -> int:
    found = _SENT.search(bytes(feature.value))
    return int(found[1]) if found else 0


def _events_of_whole_chunks(data: bytes) -> tuple[bytes, int]:
    """Return the events that end with a chunk, and how many bytes of `data` they took.

    Servers may spread an event over chunks; the rest then begins with the first of those.
    """
    payloads: list[bytes] = []
    position = taken = complete = 0
    while (end := data.find(b"\r\n", position)) >= 0:
        try:
            size = int(data[position:end].split(b";")[0], 16)
        except ValueError:
            raise Unreadable(f"no chunk: {data[position : position + 100]!r}") from None
        start, position = end + 2, end + 2 + size + 2
        if position > len(data):
            break
        payloads.append(data[start : start + size])
        if not size or payloads[-1].endswith((b"\n\n", b"\r\r", b"\n\r\n")):
            taken, complete = position, len(payloads)
    return b"".join(payloads[:complete]), taken
