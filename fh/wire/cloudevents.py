"""CloudEvents in the binary mode of NATS: attributes as headers, the data as the body.

Data is JSON, plain or compressed; which of the two, its content type says, and there is no third.

The value is ours and not the one of the `cloudevents` library: that one is a mutable dictionary
without a binding for NATS, and its header codec escapes what has to be left as it is here (`/` and
`:`), so nothing of it but the name would be used.

Source: sections 6.1 and 6.4 of the data plane's contract; CloudEvents 1.0.2.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import unquote_to_bytes

from fh.errors import FeatureHubError

JSON: Final = "application/json"
COMPRESSED_JSON: Final = "application/json+gzip"

CONTENT_TYPE_HEADER: Final = "content-type"
ATTRIBUTE_PREFIX: Final = "ce-"

_SPEC_VERSION = "1.0"
_NAME = re.compile(r"[a-z0-9]+", re.ASCII)
_ESCAPED = re.compile(r"[^!#$&-~]")
_CORE = frozenset({"specversion", "type", "subject", "source", "id", "time"})
_LEVEL = 6
_GZIP = 31  # zlib's number for the format of gzip; its header carries no time


class MalformedEvent(FeatureHubError):
    """It is no CloudEvent, or its data is not what its content type says."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event; `data` is the body as it crosses the wire, so compressed where it is.

    `time` has an offset. Names of extensions are lower-case letters and digits.
    """

    type: str
    subject: str
    source: str
    id: str
    time: datetime | None
    content_type: str
    data: bytes = field(repr=False)
    extensions: Mapping[str, str] = field(default_factory=dict)


def encode_headers(event: CloudEvent) -> dict[str, str]:
    """Return the headers of the message whose body is the event's data.

    Raises:
        ValueError: the time has no offset, an extension has an impossible name, or a text holds
            half of a character.
    """
    attributes = {
        "specversion": _SPEC_VERSION,
        "type": event.type,
        "subject": event.subject,
        "source": event.source,
        "id": event.id,
        "time": "" if event.time is None else _timestamp(event.time),
    }
    for name, value in event.extensions.items():
        if name in _CORE or not _NAME.fullmatch(name):
            raise ValueError(f"an extension can't be called {name!r}")
        attributes[name] = value
    headers = {
        ATTRIBUTE_PREFIX + name: escape(value) for name, value in attributes.items() if value
    }
    headers[CONTENT_TYPE_HEADER] = event.content_type
    return headers


def decode(headers: Mapping[str, str], data: bytes) -> CloudEvent:
    """Return the event of a message; its data is looked at by `read_json` only.

    Names of headers are compared as they are, upper-case ones are none of ours.

    Raises:
        MalformedEvent: an attribute is missing or can't be read.
    """
    attributes = {
        name.removeprefix(ATTRIBUTE_PREFIX): _unescaped(name, value)
        for name, value in headers.items()
        if name.startswith(ATTRIBUTE_PREFIX)
    }
    if attributes.get("specversion") != _SPEC_VERSION:
        raise MalformedEvent(f"it is no CloudEvent of version {_SPEC_VERSION}")
    for name in ("type", "source", "id"):
        if not attributes.get(name):
            raise MalformedEvent(f"the attribute {name} is missing")
    return CloudEvent(
        type=attributes["type"],
        subject=attributes.get("subject", ""),
        source=attributes["source"],
        id=attributes["id"],
        time=_time(attributes.get("time", "")),
        content_type=headers.get(CONTENT_TYPE_HEADER, ""),
        data=data,
        extensions={
            name: value
            for name, value in attributes.items()
            if name not in _CORE and _NAME.fullmatch(name)
        },
    )


def compress(json: bytes) -> bytes:
    """Return `json` as the data of an event of type `COMPRESSED_JSON`; equal for equal input."""
    return zlib.compress(json, level=_LEVEL, wbits=_GZIP)


def read_json(event: CloudEvent, most_bytes: int) -> bytes:
    """Return the JSON text in the event's data.

    What is called compressed and is not, is taken for plain; never the other way round.

    Raises:
        MalformedEvent: the content type is neither of the two, or the text is longer than
            `most_bytes`.
    """
    if event.content_type == COMPRESSED_JSON:
        json = _gunzipped(event.data, most_bytes)
    elif event.content_type == JSON:
        json = event.data
    else:
        raise MalformedEvent(f"the content type {event.content_type[:100]!r} is not known")
    if len(json) > most_bytes:
        raise MalformedEvent(f"the data has more than {most_bytes} bytes")
    return json


def escape(value: str) -> str:
    """Return `value` as it may stand in a header.

    Raises:
        ValueError: it holds half of a character (a lone surrogate).
    """
    return _ESCAPED.sub(_percent, value)


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())


def _unescaped(name: str, value: str) -> str:
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError as error:
        raise MalformedEvent(f"the header {name[:100]!r} is not UTF-8") from error


def _timestamp(time: datetime) -> str:
    if time.tzinfo is None:
        raise ValueError("the time of an event needs an offset")
    return time.isoformat().replace("+00:00", "Z")


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedEvent("the time can't be read") from error
    if time.tzinfo is None:
        raise MalformedEvent("the time has no offset")
    return time


def _gunzipped(data: bytes, most_bytes: int) -> bytes:
    """Return what `data` holds, at most one byte too many; `data` itself if it is no gzip."""
    member = zlib.decompressobj(wbits=_GZIP)
    try:
        json = member.decompress(data, most_bytes + 1)
    except zlib.error:
        return data
    # Publishers write one member. What is cut off, or has something behind it, is none.
    whole = member.eof and not member.unused_data
    return json if whole or len(json) > most_bytes else data
