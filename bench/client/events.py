"""What a stream says, and how it is cut out of its bytes.

Source: the HTML Living Standard, section 9.2.6; sections 1.3 and 2.2 of the data plane's contract.
"""

from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Raw

MOST_EVENT_BYTES: Final = 64 << 20
"""What a client keeps of an event that does not end."""

_LISTS: Final = "features"
_SINGLES: Final = frozenset({"feature", "delete_feature"})


class Feature(msgspec.Struct, frozen=True):
    """One feature as a server tells of it; `value` is JSON text, empty where there is none."""

    key: str
    version: int = 0
    id: str = ""
    type: str = ""
    locked: bool = msgspec.field(name="l", default=False)
    value: Raw = Raw(b"")


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `features` are those that it tells of, and `event_id` is empty if it has none."""

    name: str
    data: str = ""
    event_id: str = ""
    features: tuple[Feature, ...] = ()


class Unreadable(Exception):
    """What a server sent is not what the protocol says; the text shows it."""


_features = msgspec.json.Decoder(tuple[Feature, ...])
_feature = msgspec.json.Decoder(Feature)


def decode_features(data: bytes | str) -> tuple[Feature, ...]:
    """Return the features of a `features` event, or of an environment in a poll's answer.

    Raises:
        Unreadable: it is no JSON array of features.
    """
    try:
        return _features.decode(data)
    except msgspec.MsgspecError as error:
        raise Unreadable(f"{error}: {data[:200]!r}") from error


def decode_event(lines: list[str]) -> Event:
    """Return the event of these lines.

    Raises:
        Unreadable: it tells of features, but not in JSON.
    """
    fields: dict[str, list[str]] = {}
    for line in lines:
        name, _, text = line.partition(":")
        fields.setdefault(name, []).append(text.removeprefix(" "))
    name = fields.get("event", ["message"])[-1]
    data = "\n".join(fields.get("data", []))
    features: tuple[Feature, ...] = ()
    if name == _LISTS:
        features = decode_features(data)
    elif name in _SINGLES:
        try:
            features = (_feature.decode(data),)
        except msgspec.MsgspecError as error:
            raise Unreadable(f"{error}: {data[:200]!r}") from error
    return Event(name, data, fields.get("id", [""])[-1], features)


class EventDecoder:
    """Bytes in whatever pieces they arrive become events.

    Attributes:
        retry_seconds: The pause that the server asked for before a client comes back, if it did.
    """

    def __init__(self) -> None:
        self.retry_seconds: float | None = None
        self._bytes = b""
        self._lines: list[str] = []
        self._kept_bytes = 0

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that end in `data`.

        Raises:
            Unreadable: an event is no event of the protocol, or it never ends.
        """
        events = []
        *lines, self._bytes = _lines(self._bytes + data)
        for line in lines:
            if line:
                self._keep(line)
            elif self._lines:
                events.append(decode_event(self._lines))
                self._lines, self._kept_bytes = [], 0
        if self._kept_bytes + len(self._bytes) > MOST_EVENT_BYTES:
            raise Unreadable(f"an event of more than {MOST_EVENT_BYTES:,} bytes")
        return events

    def _keep(self, line: bytes) -> None:
        text = line.decode(errors="replace")
        if text.startswith("retry:"):
            milliseconds = text.removeprefix("retry:").strip()
            if milliseconds.isdecimal():
                self.retry_seconds = int(milliseconds) / 1000
        elif not text.startswith(":"):
            self._lines.append(text)
            self._kept_bytes += len(line)


def _lines(data: bytes) -> list[bytes]:
    """Return `data` in lines; the last is what has not ended yet, perhaps by half of a CRLF."""
    ends_in_half = data.endswith(b"\r")
    whole = data[:-1] if ends_in_half else data
    lines = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if ends_in_half:
        lines[-1] += b"\r"
    return lines
