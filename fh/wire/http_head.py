"""One HTTP/1.1 request head: bytes in, a value out, bounded in size and count.

Source: RFC 9112; llhttp does the parsing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

import httptools

from fh.errors import FeatureHubError

MOST_HEAD_BYTES = 64 * 1024
MOST_HEADERS = 100

_END = b"\r\n\r\n"
# llhttp also takes several spaces, line ends of any kind in front, and RTSP's version for HTTP's:
# whoever stands in front of us may read something else in those, or nothing.
_REQUEST_LINE = re.compile(rb"(?:\r\n)?\S+ \S+ HTTP/1\.[01]\r\n")
_AUTHORITY = re.compile("[^/?#]*")


class MalformedHead(FeatureHubError):
    """The bytes are not a request head."""


class TooManyHeaders(FeatureHubError):
    """The head has more than `MOST_HEADERS` headers."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request without its body; names of headers are lower-case."""

    method: str
    raw_path: str
    query: str
    version: str
    headers: tuple[tuple[str, str], ...]
    keep_alive: bool

    @property
    def segments(self) -> tuple[str, ...]:
        """The decoded segments of the path; an encoded slash does not separate."""
        return tuple(unquote(segment) for segment in self.raw_path.split("/")[1:])

    def header(self, name: str) -> str | None:
        """Return the first header called `name`, which is lower-case, or None."""
        for candidate, value in self.headers:
            if candidate == name:
                return value
        return None

    def header_lines(self, name: str) -> tuple[str, ...]:
        """Return every header called `name`, in order."""
        return tuple(value for candidate, value in self.headers if candidate == name)

    @property
    def has_body(self) -> bool:
        """Whether a body follows, or the head leaves doubt about it."""
        return (
            self.header("transfer-encoding") is not None
            or (self.header("content-length") or "0").strip() != "0"
        )


def find_end(data: bytes | bytearray, searched_bytes: int = 0) -> int:
    """Return where the head in `data` ends, or -1; what was searched before is not read again."""
    end = data.find(_END, max(0, searched_bytes - len(_END) + 1))
    return end if end < 0 else end + len(_END)


def parse_head(data: bytes) -> RequestHead:
    """Return the head that `data` consists of, its blank line included.

    Raises:
        MalformedHead: it breaks the grammar of HTTP/1, or is more than one head.
        TooManyHeaders: it is longer than it may be.
    """
    if _REQUEST_LINE.match(data) is None:
        raise MalformedHead("not a request line of HTTP/1.0 or HTTP/1.1")
    collected = _Collected()
    parser = httptools.HttpRequestParser(collected)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        pass  # The caller reads the upgrade header and decides.
    except httptools.HttpParserError as error:
        raise MalformedHead(str(error)) from error
    if not collected.complete:
        raise MalformedHead("the head is not complete")
    if collected.more:
        raise MalformedHead("more than one head")
    if len(collected.headers) > MOST_HEADERS:
        raise TooManyHeaders
    if [name for name, _ in collected.headers].count("host") > 1:
        raise MalformedHead("more than one host")
    version = parser.get_http_version()
    raw_path, query = split_target(collected.url.decode("latin-1"))
    return RequestHead(
        method=parser.get_method().decode("latin-1"),
        raw_path=raw_path,
        query=query,
        version=version,
        headers=tuple(collected.headers),
        keep_alive=_keep_alive(version, collected.headers),
    )


def split_target(target: str) -> tuple[str, str]:
    """Return the path and the query of a request's target, both as they were sent."""
    if not target.startswith("/"):
        target = _origin_form(target)
    raw_path, _, query = target.partition("#")[0].partition("?")
    return raw_path, query


def _origin_form(target: str) -> str:
    # `GET http://host/path` is legal; `OPTIONS *` and `CONNECT host:port` have no path of ours.
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in {"http", "https"}:
        return "/*"
    target = _AUTHORITY.sub("", rest, count=1)
    return target if target.startswith("/") else f"/{target}"


def _keep_alive(version: str, headers: Iterable[tuple[str, str]]) -> bool:
    # llhttp forgets what it read of this once a request without a body is complete.
    options = {
        option.strip().lower()
        for name, value in headers
        if name == "connection"
        for option in value.split(",")
    }
    return "close" not in options and (version == "1.1" or "keep-alive" in options)


class _Collected:
    """What llhttp calls back with."""

    __slots__ = ("complete", "headers", "more", "url")

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[str, str]] = []
        self.complete = False
        self.more = False

    def on_message_begin(self) -> None:
        self.more = self.complete

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # llhttp leaves the blanks behind a value, which are not part of it.
        text = value.rstrip(b" \t").decode("latin-1")
        self.headers.append((name.decode("latin-1").lower(), text))

    def on_headers_complete(self) -> None:
        self.complete = True
