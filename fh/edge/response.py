"""Answers as bytes: status lines, headers, CORS, and the events that every stream has alike."""

from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from functools import cache, lru_cache
from http import HTTPStatus
from typing import TypeAlias

import msgspec

from fh.contracts.answers import KeyAnswer
from fh.edge.gate import TurnedAway
from fh.edge.opening import crosses
from fh.edge.request import Refused, StreamForm
from fh.edge.settings import EdgeSettings
from fh.model.sdk_key import SdkKey
from fh.wire.http_head import RequestHead
from fh.wire.sse import encode_json

Headers: TypeAlias = tuple[tuple[str, str], ...]

DISCOVER = encode_json("ack", b'{"status":"discover"}')
HEARTBEAT = encode_json("ack", '"❤️"'.encode())
BYE = encode_json("bye", b'{"status":"closed"}')
UNKNOWN_KEY = encode_json("failure", b'{"status":"Unrecognized API key. Please stop requesting."}')
_BACK_LATER = b"retry: 60000\n"

UNKNOWN_KEY_HOLD_SECONDS = 1.0
"""One official SDK comes back without a pause after a failure: so long it waits for the end."""

_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
NO_STORE = "no-store, max-age=0"
_UNBUFFERED = ("x-accel-buffering", "no")

_ALLOWED_HEADERS = (
    "baggage",
    "if-none-match",
    "etag",
    "x-requested-with",
    "authorization",
    "content-type",
    "accept-version",
    "content-md5",
    "csrf-token",
    "x-ijt",
    "cache-control",
    "x-featurehub",
    "x-fh-extraconfig",
    "x-sdk",
    "x-sdk-version",
    "last-event-id",
    "x-api-key",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; names of headers are lower-case.

    Where nothing but what Dacha said of some keys decided it, that is `settled_by`.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    settled_by: tuple[tuple[SdkKey, KeyAnswer], ...] = ()


@dataclass(frozen=True, slots=True)
class EncodedAnswer:
    """An answer as bytes, but for the date that it is given on."""

    before: bytes
    after: bytes

    def on(self, now_at: float) -> bytes:
        """Return all of it; `now_at` is the wall time in seconds."""
        return self.before + _date(int(now_at)) + self.after


def unknown_key(form: StreamForm) -> bytes:
    """Return the event that ends a stream whose key is not known, or not any more."""
    # An EventSource does not know that event: it comes back, but it can be told when.
    return _BACK_LATER + UNKNOWN_KEY if form is StreamForm.NOTICES else UNKNOWN_KEY


def refusal(status: int, detail: str, *, allow: str = "", retry_seconds: int = 1) -> Answer:
    """Return an error as JSON; `allow` are the methods that are allowed, for a 405.

    After `retry_seconds` a client may come back that was told 503.
    """
    body = msgspec.json.encode(
        {"status": status, "title": HTTPStatus(status).phrase, "detail": detail}
    )
    headers: Headers = (("content-type", "application/json"), ("cache-control", NO_STORE))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers += (("retry-after", str(retry_seconds)),)
    if allow:
        headers += (("allow", allow),)
    if status == HTTPStatus.UPGRADE_REQUIRED:
        headers += (
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
        )
    return Answer(status, headers, body)


def refused(asked: Refused) -> Answer:
    """Return the answer to a request that is refused for what its head says."""
    if not asked.plain:
        return refusal(asked.status, asked.detail, allow=asked.allow)
    headers: Headers = (("content-type", "text/plain"),) if asked.detail else ()
    return Answer(asked.status, (*headers, ("cache-control", NO_STORE)), asked.detail.encode())


def come_back(turned_away: TurnedAway) -> Answer:
    """Return what tells a client to try again: a 503, and a stream with no more than that to pages.

    A page's own EventSource takes any status but 200 for final.

    Source: the HTML Living Standard, section 9.2.3.
    """
    seconds = turned_away.seconds
    if turned_away.is_page:
        headers = (("content-type", "text/event-stream"), ("cache-control", NO_STORE))
        return Answer(200, headers, b"retry: %d\n%b" % (seconds * 1000, BYE))
    return refusal(503, turned_away.reason.value + ": come back later", retry_seconds=seconds)


class Responses:
    """Builds answers; what the settings say about headers is worked out once.

    Attributes:
        cors: The headers of every answer to a page from elsewhere.
        preflight: The answer to a preflight, `cors` left out.
        stream: The headers of every stream, whatever it travels on.
    """

    def __init__(self, settings: EdgeSettings) -> None:
        exposed = ", ".join((*settings.cors_expose_headers, "etag", "cache-control"))
        self.cors: Headers = (
            ("access-control-allow-origin", "*"),
            ("access-control-expose-headers", exposed),
        )
        self.preflight = Answer(
            200,
            (
                ("access-control-allow-credentials", "true"),
                ("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS, HEAD"),
                ("access-control-max-age", str(settings.cors_seconds)),
                (
                    "access-control-allow-headers",
                    ", ".join((*settings.cors_allow_headers, *_ALLOWED_HEADERS)),
                ),
            ),
        )
        self.stream: Headers = (
            ("content-type", "text/event-stream"),
            ("cache-control", _stream_control(settings)),
            _UNBUFFERED,
            ("x-content-type-options", "nosniff"),
        )
        # As it is written; whoever escapes letters in it speaks to no proxy that reads the header.
        self._unbuffered_path = "/".join(("", *settings.root, "features", ""))
        self._cors = _lines(self.cors)
        self._stream = _lines((*self.stream, ("transfer-encoding", "chunked")))
        self._unchunked = _lines((*self.stream, ("connection", "close")))

    def stream_head(self, now_at: float, *, cors: bool, chunked: bool = True) -> bytes:
        """Return the head of every stream over HTTP/1.1; `now_at` is the wall time in seconds.

        Clients of HTTP/1.0 know no chunks.
        """
        lines = self._stream if chunked else self._unchunked
        lines += self._cors if cors else b""
        return EncodedAnswer(_status(200), b"\r\n%b\r\n" % lines).on(now_at)

    def headers_for(self, head: RequestHead) -> Headers:
        """Return what an answer, but for a stream, has besides its own headers."""
        headers = self.cors if crosses(head) else ()
        is_unbuffered = head.raw_path.startswith(self._unbuffered_path)
        return (*headers, _UNBUFFERED) if is_unbuffered else headers

    def answer_to(self, head: RequestHead | None, answer: Answer, *, closes: bool) -> EncodedAnswer:
        """Return `answer` to a request over HTTP/1.1; None is one that could not be read."""
        if head is None:
            return self.encode(answer, cors=False, closes=closes)
        return self.encode(
            answer,
            cors=crosses(head),
            closes=closes,
            bare=head.method == "HEAD",
            unbuffered=head.raw_path.startswith(self._unbuffered_path),
        )

    def encode(
        self,
        answer: Answer,
        *,
        cors: bool,
        closes: bool,
        bare: bool = False,
        unbuffered: bool = False,
    ) -> EncodedAnswer:
        """Return `answer` for HTTP/1.1; a 304 has no length, as it has no body.

        A bare answer is that to HEAD: without the body whose length it tells. An unbuffered one
        is below a path of streams: proxies are told so.
        """
        lines = _lines(answer.headers)
        if unbuffered:
            lines += _UNBUFFERED_LINE
        if answer.status not in _WITHOUT_BODY:
            lines += b"content-length: %d\r\n" % len(answer.body)
        if closes:
            lines += b"connection: close\r\n"
        cors_lines = self._cors if cors else b""
        body = b"" if bare else answer.body
        return EncodedAnswer(_status(answer.status), b"\r\n%b%b\r\n%b" % (lines, cors_lines, body))


def _stream_control(settings: EdgeSettings) -> str:
    # A stream may be shared by a cache that was set up for it, for as long as it lives.
    seconds = int(settings.drop_after_seconds) - 1
    return f"public, max-age={seconds}" if settings.surrogate_keys and seconds > 0 else NO_STORE


@cache
def _status(status: int) -> bytes:
    return b"HTTP/1.1 %d %b\r\ndate: " % (status, HTTPStatus(status).phrase.encode())


@lru_cache(maxsize=2)
def _date(now_at: int) -> bytes:
    return formatdate(now_at, usegmt=True).encode()


def _lines(headers: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("latin-1")


_UNBUFFERED_LINE = _lines([_UNBUFFERED])
