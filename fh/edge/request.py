"""What a request head asks for, decided without I/O.

Source: sections 1.1, 1.2, 1.5, 1.7 and 2.1 of the data plane's contract; RFC 6455, section 4.2.1,
for the handshake of a WebSocket; OpenFeature's remote evaluation protocol (OFREP).
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias
from urllib.parse import parse_qsl

from fh.edge.sdks import OTHER, Sdk, sdk_of
from fh.model.sdk_key import SdkKey
from fh.wire.context_header import NO_CONTEXT, ClientContext, parse_context
from fh.wire.http_head import RequestHead
from fh.wire.sdk_key import MalformedKey, parse_key, parse_parts

_FEATURES = "features"
_OFREP = "ofrep"
_MOST_KEYS = 100
_SOCKETS = "ws"  # stands where the old form has the name of a cache
_WRITE_SEGMENTS = (2, 3, 4)  # the key packed, in two segments, or with a cache's name
_SOCKET_VERSION = "13"
_NONCE = re.compile("[A-Za-z0-9+/]{22}==")
_STREAM_SEGMENTS = (3, 4)  # features/{environment}/{key}, or with a cache's name between


class StreamForm(Enum):
    """What a stream is told: the features themselves, or only that they are not what they were."""

    FEATURES = "features"
    NOTICES = "notices"


@dataclass(frozen=True, slots=True)
class OpenStream:
    """An SDK wants to be told of every change; None is a key that can't exist."""

    key: SdkKey | None
    context: ClientContext
    last_event_id: str | None
    form: StreamForm = StreamForm.FEATURES
    sdk: Sdk = OTHER


@dataclass(frozen=True, slots=True)
class Poll:
    """An SDK wants to know the features of its keys, in the order of its request.

    None are left where it sent only what can't be a key.
    """

    keys: tuple[SdkKey, ...]
    context: ClientContext
    if_none_match: str | None


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """What OpenStream asks, over a WebSocket; the handshake is complete, `nonce` is its key."""

    stream: OpenStream
    nonce: str


@dataclass(frozen=True, slots=True)
class Write:
    """An SDK wants to change a feature; what to, is in the body."""

    key: SdkKey
    feature_key: str


@dataclass(frozen=True, slots=True)
class EvaluateFlag:
    """OpenFeature asks for one flag; the context is in the body, None a key that can't exist."""

    key: SdkKey | None
    flag_key: str


@dataclass(frozen=True, slots=True)
class EvaluateFlags:
    """OpenFeature asks for all flags; the context is in the body, None a key that can't exist."""

    key: SdkKey | None
    if_none_match: str | None


@dataclass(frozen=True, slots=True)
class Preflight:
    """A browser asks whether it may."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that can be answered from its head alone: `allow` are the methods it may have.

    Where the contract wants it `plain`, the detail is a text, or nothing, instead of JSON.
    """

    status: int
    detail: str
    allow: str = ""
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Not Edge's: the admin API, health, metrics, or nobody's."""


Question: TypeAlias = Poll | Write | EvaluateFlag | EvaluateFlags
"""What has one answer."""

Asked: TypeAlias = OpenStream | OpenSocket | Question | Preflight | Refused | Elsewhere


def decide(
    head: RequestHead, *, root: tuple[str, ...] = (), needs_context_sha: bool = False
) -> Asked:
    """Return what `head` asks of Edge, whose paths are below the segments `root`.

    Where `needs_context_sha`, a cache in front of Edge has to tell contexts apart by the query.
    """
    segments = head.segments
    if root:
        if segments[: len(root)] != root:
            return Elsewhere()
        segments = segments[len(root) :] or ("",)
    if segments[0] not in {_FEATURES, _OFREP}:
        return Elsewhere()
    if head.method == "OPTIONS":
        return Refused(400, "a preflight has no body") if head.has_body else Preflight()
    if segments[0] == _OFREP:
        return _ofrep(head, segments[1:])
    if head.method == "PUT":
        return _write(segments[1:])
    is_poll = segments in {(_FEATURES,), (_FEATURES, "")}
    if head.method != "GET" and not (is_poll and head.method == "HEAD"):
        allow = "GET, HEAD, PUT, OPTIONS" if is_poll else "GET, PUT, OPTIONS"
        return Refused(405, "features are read with GET and changed with PUT", allow)
    if head.has_body:
        return Refused(400, f"a {head.method} has no body")
    if is_poll:
        return _poll(head, needs_context_sha=needs_context_sha)
    if len(segments) in _STREAM_SEGMENTS:
        return _stream(head, segments[1:])
    return Refused(404, "no such path")


def _poll(head: RequestHead, *, needs_context_sha: bool) -> Asked:
    query = parse_qsl(head.query, keep_blank_values=True, max_num_fields=None)
    if needs_context_sha and not any(name == "contextSha" for name, _ in query):
        too_old = "this SDK is too old for the cache in front: it sends no contextSha"
        return Refused(400, too_old, plain=True)
    texts = [value for name, value in query if name == "sdkUrl"] or [
        value for name, value in query if name == "apiKey"
    ]
    if not texts:
        return Refused(400, "", plain=True)
    keys: dict[SdkKey, None] = {}
    for text in texts:
        try:
            keys[parse_key(text)] = None
        except MalformedKey:
            continue
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
    if segments[0] == _SOCKETS and "websocket" in _tokens(head, "upgrade"):
        # Sockets of browsers can't set headers either.
        ids = [value for name, value in query if name == "lastEventId"]
        held = ids[-1] if ids else last_event_id
        return _socket(head, OpenStream(key, context, held, sdk=sdk_of(head)))
    return OpenStream(key, context, last_event_id, sdk=sdk_of(head))


def _socket(head: RequestHead, stream: OpenStream) -> Asked:
    if head.version == "1.0":
        return Refused(505, "a WebSocket needs HTTP/1.1")
    if "upgrade" not in _tokens(head, "connection"):
        return Refused(400, "a WebSocket needs `connection: upgrade`")
    if head.header_lines("sec-websocket-version") != (_SOCKET_VERSION,):
        return Refused(426, f"a WebSocket has version {_SOCKET_VERSION} here")
    nonces = head.header_lines("sec-websocket-key")
    if len(nonces) != 1 or not _NONCE.fullmatch(nonces[0]):
        return Refused(400, "a WebSocket needs a sec-websocket-key of 16 bytes in base64")
    return OpenSocket(stream, nonces[0])


def _tokens(head: RequestHead, name: str) -> set[str]:
    lines = head.header_lines(name)
    return {token.strip().lower() for line in lines for token in line.split(",")}


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


def _ofrep(head: RequestHead, segments: tuple[str, ...]) -> Asked:
    match segments:
        case ["v1", "evaluate", "flags", *_] if head.method != "POST":
            return Refused(405, "flags are evaluated with POST", "POST, OPTIONS")
        case ["v1", "evaluate", "flags"] | ["v1", "evaluate", "flags", ""]:
            return EvaluateFlags(_bearer(head), head.header("if-none-match"))
        case ["v1", "evaluate", "flags", *rest]:
            # Not every provider encodes what is a slash in a key.
            return EvaluateFlag(_bearer(head), "/".join(rest))
        case ["v1", "changes", _, _] if head.method != "GET" or head.has_body:
            return Refused(405, "notices are streamed with GET", "GET, OPTIONS")
        case ["v1", "changes", environment, secret]:
            return _notices(head, (environment, secret))
        case _:
            return Refused(404, "no such path")


def _bearer(head: RequestHead) -> SdkKey | None:
    scheme, _, text = (head.header("authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        text = head.header("x-api-key") or ""
    try:
        return parse_key(text.strip())
    except MalformedKey:
        return None


def _notices(head: RequestHead, segments: tuple[str, ...]) -> Asked:
    try:
        key = parse_parts(segments)
    except MalformedKey:
        key = None
    # What the client was told with the path counts until the stream has told it more.
    told = [value for name, value in parse_qsl(head.query) if name == "etag"]
    held = head.header("last-event-id") or (told[-1] if told else None)
    return OpenStream(key, NO_CONTEXT, held, StreamForm.NOTICES, sdk_of(head))


def _context(head: RequestHead, query: list[tuple[str, str]]) -> ClientContext:
    # Streams of browsers can't set headers: the query takes the header's place.
    lines = [value for name, value in query if name == "xfeaturehub"]
    lines = lines or list(head.header_lines("x-featurehub"))
    return parse_context(lines) if lines else NO_CONTEXT
