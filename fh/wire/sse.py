"""Server-sent events, and the chunk of HTTP/1.1 that carries one.

Source: the HTML Living Standard, section 9.2.6; RFC 9112, section 7.1.
"""

import re
from dataclasses import dataclass

from fh.errors import FeatureHubError

LAST_CHUNK = b"0\r\n\r\n"

_EVENT_END = b"\n\n"
_CHUNK_END = b"\r\n"

_UNSAFE = re.compile("[\r\n\0]")
_LINE_END = re.compile("\r\n|\r|\n")


class UnsafeField(FeatureHubError):
    """The name or the id of an event could start a field of its own."""


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One event; `event_id` is what a client sends back as `Last-Event-ID`."""

    name: str
    data: str
    event_id: str = ""


def encode(event: SseEvent) -> bytes:
    """Return `event` as bytes that can be written to any number of subscribers.

    Raises:
        UnsafeField: the name or the id holds CR, LF or NUL.
    """
    for text in (event.name, event.event_id):
        if _UNSAFE.search(text):
            raise UnsafeField(text)
    lines = [f"event: {event.name}"]
    if event.event_id:
        lines.append(f"id: {event.event_id}")
    lines += [f"data: {line}" for line in _LINE_END.split(event.data)]
    return ("\n".join(lines) + "\n\n").encode()


def encode_json(name: str, data: bytes, event_id: str = "") -> bytes:
    """Return an event whose data is JSON text on one line, already encoded.

    Raises:
        UnsafeField: the name or the id holds CR, LF or NUL.
        ValueError: `data` holds a line end, which JSON on one line never does.
    """
    if b"\n" in data or b"\r" in data:
        raise ValueError("the JSON text has more than one line")
    return _before_data(name, event_id) + data + _EVENT_END


@dataclass(frozen=True, slots=True)
class SharedEvent:
    """An event with data of any size that other events have, too; only `before` is its own."""

    before: bytes
    data: bytes

    def __bytes__(self) -> bytes:
        return self.before + self.data + _EVENT_END

    def parts(self) -> tuple[bytes, bytes, bytes]:
        """Return the parts of this event; the second is `data` itself."""
        return self.before, self.data, _EVENT_END

    def chunk_parts(self) -> tuple[bytes, bytes, bytes]:
        """Return the parts of the chunk with this event; the second is `data` itself."""
        size = len(self.before) + len(self.data) + len(_EVENT_END)
        return b"%x\r\n%b" % (size, self.before), self.data, _EVENT_END + _CHUNK_END


def share_json(name: str, data: bytes, event_id: str) -> SharedEvent:
    """Return an event whose data is JSON text on one line; it is not looked at, nor copied.

    Raises:
        UnsafeField: the name or the id holds CR, LF or NUL.
    """
    return SharedEvent(_before_data(name, event_id), data)


def with_id(event: bytes, event_id: str) -> bytes:
    """Return an encoded event that has no id yet with `event_id`, which is plain ASCII.

    Raises:
        UnsafeField: the id holds CR, LF or NUL.
    """
    if _UNSAFE.search(event_id):
        raise UnsafeField(event_id)
    return b"id: %b\n%b" % (event_id.encode("ascii"), event)


def chunk(data: bytes) -> bytes:
    """Return `data`, which must not be empty, as one chunk of a chunked body."""
    if not data:
        raise ValueError("an empty chunk would end the body")
    return b"%x\r\n%b\r\n" % (len(data), data)


def _before_data(name: str, event_id: str) -> bytes:
    for text in (name, event_id):
        if _UNSAFE.search(text):
            raise UnsafeField(text)
    id_line = f"id: {event_id}\n" if event_id else ""
    return f"event: {name}\n{id_line}data: ".encode()
