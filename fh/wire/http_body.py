"""The body that one HTTP/1.1 request head announces: bytes in, the content out, bounded in size.

Source: RFC 9112, sections 6 and 7; llhttp reads the chunks.
"""

import httptools

from fh.errors import FeatureHubError
from fh.wire.http_head import RequestHead

MOST_BODY_BYTES = 1024 * 1024

# A chunk of one byte takes six, so honest clients stay far below.
_MOST_CHUNK_OVERHEAD = 8

_CHUNKED_HEAD = b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


class MalformedBody(FeatureHubError):
    """What followed the head is not the body that it announced."""


class BodyTooLarge(FeatureHubError):
    """The body has more than `MOST_BODY_BYTES`."""


class RequestBody:
    """Collects one body. Feed it what follows the head, until it is `complete`."""

    __slots__ = ("_parser", "_parts", "_raw_bytes", "_remaining", "complete", "size")

    def __init__(self, data: bytes, head: RequestHead) -> None:
        """Expect the body of `head`, which was parsed from `data`.

        Raises:
            MalformedBody: its length can't be known.
            BodyTooLarge: it announces more than it may.
        """
        self._parts: list[bytes] = []
        self._parser: httptools.HttpRequestParser | None = None
        self._raw_bytes = 0
        self._remaining = 0
        self.size = 0
        coding = head.header("transfer-encoding")
        if coding is None:
            self._remaining = _length(head.header("content-length") or "0")
            self.complete = not self._remaining
            return
        if coding.lower() != "chunked" or head.version != "1.1":
            raise MalformedBody("the only transfer coding known here is chunked")
        self.complete = False
        self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # An offer to go on in another protocol, which nobody has to take: the body is one like
            # any other, but this parser has stopped, and called it complete.
            self.complete = False
            self._parser = httptools.HttpRequestParser(self)
            self._parser.feed_data(_CHUNKED_HEAD)

    @property
    def open_ended(self) -> bool:
        """Whether it can't be told where the next request begins: the connection has to end."""
        return self._parser is not None

    @property
    def content(self) -> bytes:
        """What has been collected."""
        return b"".join(self._parts)

    def feed(self, data: bytes) -> bytes:
        """Take in `data`; return what of it comes after the body.

        Raises:
            MalformedBody: the chunks break the grammar.
            BodyTooLarge: it is larger than it may be.
        """
        if self._parser is None:
            taken = data[: self._remaining]
            self._remaining -= len(taken)
            self._keep(taken)
            self.complete = not self._remaining
            return data[len(taken) :]
        self._raw_bytes += len(data)
        if self._raw_bytes > _MOST_CHUNK_OVERHEAD * MOST_BODY_BYTES:
            raise BodyTooLarge
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if isinstance(error.__context__, BodyTooLarge):
                raise error.__context__ from None
            # Behind a complete body there may be anything: it is thrown away.
            if not self.complete:
                raise MalformedBody(str(error)) from error
        return b""

    def on_body(self, data: bytes) -> None:
        """Take in what llhttp found in a chunk."""
        if not self.complete:
            self._keep(data)

    def on_message_complete(self) -> None:
        """Note that llhttp has seen the last chunk."""
        self.complete = True

    def _keep(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > MOST_BODY_BYTES:
            raise BodyTooLarge
        self._parts.append(data)


def _length(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(1 << 63)):
        raise MalformedBody("the content length is not a number")
    length = int(text)
    if length > MOST_BODY_BYTES:
        raise BodyTooLarge
    return length
