"""Answers as bytes: status lines, headers, CORS, and the events that every stream has alike."""

from collections.abc import Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TypeAlias

import msgspec

from fh.edge.settings import EdgeSettings
from fh.wire.sse import encode_json

Headers: TypeAlias = Sequence[tuple[str, str]]

DISCOVER = encode_json("ack", b'{"status":"discover"}')
HEARTBEAT = encode_json("ack", '"❤️"'.encode())
BYE = encode_json("bye", b'{"status":"closed"}')
UNKNOWN_KEY = encode_json("failure", b'{"status":"Unrecognized API key. Please stop requesting."}')

UNKNOWN_KEY_HOLD_SECONDS = 1.0
"""One official SDK comes back without a pause after a failure: so long it waits for the end."""

NO_STORE = "no-store, max-age=0"

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
)


class Responses:
    """Builds answers; what the settings say about headers is worked out once."""

    def __init__(self, settings: EdgeSettings) -> None:
        exposed = ", ".join((*settings.cors_expose_headers, "etag", "cache-control"))
        self._shared = _lines(
            [("access-control-allow-origin", "*"), ("access-control-expose-headers", exposed)]
        )
        self._preflight = self._shared + _lines(
            [
                ("access-control-allow-credentials", "true"),
                ("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS, HEAD"),
                ("access-control-max-age", str(settings.cors_seconds)),
                (
                    "access-control-allow-headers",
                    ", ".join((*settings.cors_allow_headers, *_ALLOWED_HEADERS)),
                ),
            ]
        )
        self._stream = _lines(
            [
                ("content-type", "text/event-stream"),
                ("cache-control", NO_STORE),
                ("transfer-encoding", "chunked"),
                ("x-accel-buffering", "no"),
                ("x-content-type-options", "nosniff"),
            ]
        )

    def preflight(self, now_at: float) -> bytes:
        """Return the answer to a preflight; `now_at` is the wall time in seconds."""
        return _status(200, now_at) + self._preflight + b"content-length: 0\r\n\r\n"

    def stream_head(self, now_at: float, *, cors: bool) -> bytes:
        """Return the head of every stream."""
        return _status(200, now_at) + self._stream + (self._shared if cors else b"") + b"\r\n"

    def answer(
        self, status: int, headers: Headers, body: bytes, now_at: float, *, cors: bool, closes: bool
    ) -> bytes:
        """Return a whole answer; a 304 has no length, as it has no body."""
        lines = _lines(headers)
        if status != HTTPStatus.NOT_MODIFIED:
            lines += b"content-length: %d\r\n" % len(body)
        if closes:
            lines += b"connection: close\r\n"
        return b"".join(
            (_status(status, now_at), lines, self._shared if cors else b"", b"\r\n", body)
        )

    def refusal(
        self, status: int, detail: str, now_at: float, *, cors: bool, closes: bool
    ) -> bytes:
        """Return an error as JSON."""
        body = msgspec.json.encode(
            {"status": status, "title": HTTPStatus(status).phrase, "detail": detail}
        )
        headers = [("content-type", "application/json"), ("cache-control", NO_STORE)]
        return self.answer(status, headers, body, now_at, cors=cors, closes=closes)


def _status(status: int, now_at: float) -> bytes:
    phrase = HTTPStatus(status).phrase.encode()
    return b"HTTP/1.1 %d %b\r\ndate: %b\r\n" % (status, phrase, _date(int(now_at)))


@lru_cache(maxsize=2)
def _date(now_at: int) -> bytes:
    return formatdate(now_at, usegmt=True).encode()


def _lines(headers: Headers) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("latin-1")
