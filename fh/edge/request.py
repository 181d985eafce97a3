"""What a request head asks for, decided without I/O.

Source: sections 1.1, 1.2, 1.5, 1.7 and 2.1 of the data plane's contract.
"""

from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import parse_qsl

from fh.model.sdk_key import SdkKey
from fh.wire.context_header import NO_CONTEXT, ClientContext, parse_context
from fh.wire.http_head import RequestHead
from fh.wire.sdk_key import MalformedKey, parse_key, parse_parts

_FEATURES = "features"
_MOST_KEYS = 100
_SOCKETS = "ws"  # stands where the old form has the name of a cache
_WRITE_SEGMENTS = (2, 3, 4)  # the key packed, in two segments, or with a cache's name
_STREAM_SEGMENTS = (3, 4)  # features/{environment}/{key}, or with a cache's name between


@dataclass(frozen=True, slots=True)
class OpenStream:
    """An SDK wants to be told of every change; None is a key that can't exist."""

    key: SdkKey | None
    context: ClientContext
    last_event_id: str | None


@dataclass(frozen=True, slots=True)
class Poll:
    """An SDK wants to know the features of its keys, in the order of its request."""

    keys: tuple[SdkKey, ...]
    context: ClientContext
    if_none_match: str | None


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """What OpenStream asks, over a WebSocket."""

    stream: OpenStream


@dataclass(frozen=True, slots=True)
class Write:
    """An SDK wants to change a feature; what to, is in the body."""

    key: SdkKey
    feature_key: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """A browser asks whether it may."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that can be answered from its head alone."""

    status: int
    detail: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Not Edge's: the admin API, health, metrics, or nobody's."""


Question: TypeAlias = Poll | Write
"""What has one answer."""

Asked: TypeAlias = OpenStream | OpenSocket | Question | Preflight | Refused | Elsewhere


def decide(head: RequestHead, *, needs_context_sha: bool = False) -> Asked:
    """Return what `head` asks of Edge.

    Where `needs_context_sha`, a cache in front of Edge has to tell contexts apart by the query.
    """
    segments = head.segments
    if segments[0] != _FEATURES:
        return Elsewhere()
    if head.method == "OPTIONS" and head.header("origin") is not None:
        return Preflight()
    if head.method == "PUT":
        return _write(segments[1:])
    if head.method != "GET":
        return Refused(405, "features are read with GET and changed with PUT")
    if head.has_body:
        return Refused(400, "a GET has no body")
    if segments in {(_FEATURES,), (_FEATURES, "")}:
        return _poll(head, needs_context_sha=needs_context_sha)
    if len(segments) in _STREAM_SEGMENTS:
        return _stream(head, segments[1:])
    return Refused(404, "no such path")


def _poll(head: RequestHead, *, needs_context_sha: bool) -> Asked:
    query = parse_qsl(head.query, keep_blank_values=True, max_num_fields=None)
    if needs_context_sha and not any(name == "contextSha" for name, _ in query):
        return Refused(400, "this SDK is too old for the cache in front: it sends no contextSha")
    texts = [value for name, value in query if name == "sdkUrl"] or [
        value for name, value in query if name == "apiKey"
    ]
    if not texts:
        return Refused(400, "no apiKey in the query")
    keys: dict[SdkKey, None] = {}
    for text in texts:
        try:
            keys[parse_key(text)] = None
        except MalformedKey:
            continue
    if not keys:
        return Refused(404, "no valid key in the query")
    if len(keys) > _MOST_KEYS:
        return Refused(400, f"more than {_MOST_KEYS} keys in one request")
    return Poll(tuple(keys), _context(head, query), head.header("if-none-match"))


def _stream(head: RequestHead, segments: tuple[str, ...]) -> Asked:
    query = parse_qsl(head.query, keep_blank_values=True, max_num_fields=None)
    context = _context(head, query)
    last_event_id = head.header("last-event-id")
    try:
        key = parse_parts(segments)
    except MalformedKey as malformed:
        if malformed.in_environment:
            return Refused(404, "the environment is not a UUID")
        key = None
    if head.version == "1.0":
        return Refused(505, "a stream needs HTTP/1.1")
    stream = OpenStream(key, context, last_event_id)
    if segments[0] == _SOCKETS and (head.header("upgrade") or "").lower() == "websocket":
        return OpenSocket(stream)
    return stream


def _write(segments: tuple[str, ...]) -> Asked:
    if len(segments) not in _WRITE_SEGMENTS:
        return Refused(404, "no such path")
    *parts, feature_key = segments
    if len(parts) == 1:
        # Both halves of the key in one segment.
        parts = parts[0].replace("+", "/").split("/")
        if len(parts) != len(("environment", "secret")):
            return Refused(400, "expected {environmentId}/{key} or {environmentId}+{key}")
    try:
        return Write(parse_parts(parts), feature_key)
    except MalformedKey as malformed:
        return Refused(404, str(malformed))


def _context(head: RequestHead, query: list[tuple[str, str]]) -> ClientContext:
    # Streams of browsers can't set headers: the query takes the header's place.
    lines = [value for name, value in query if name == "xfeaturehub"]
    lines = lines or list(head.header_lines("x-featurehub"))
    return parse_context(lines) if lines else NO_CONTEXT
