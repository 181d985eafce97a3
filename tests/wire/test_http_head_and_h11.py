"""Our reading of a head beside h11's, over millions of heads if need be.

h11 reads the requests that Edge hands on, and many proxies are as strict. Whatever both take, they
must take for the same request with the same end. Where we take what h11 refuses, the reason has to
be in `LAXER`.
"""

from contextlib import suppress

import h11
import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fh.wire.http_head import (
    MOST_HEAD_BYTES,
    MalformedHead,
    RequestHead,
    TooManyHeaders,
    find_end,
    parse_head,
)

# What h11 says, and why we may take it nevertheless.
LAXER = {
    "Missing mandatory Host: header": "nothing here depends on the host",
    "no request line received": "an empty line in front: RFC 9112 has us ignore at least one",
    "Only Transfer-Encoding: chunked is supported": "the head has a body: whoever reads it decides",
    "multiple Transfer-Encoding headers": "as above",
}

METHODS = [b"GET", b"POST", b"PUT", b"OPTIONS", b"CONNECT", b"SOURCE", b"M-SEARCH", b"get", b"FOO"]
TARGETS = [
    b"/a", b"/a?b=c", b"http://h/b", b"https://h:1?x", b"http://u@h/b", b"*", b"h:443", b"a",
    b"/a#f", b"/%00", b"/\\", b"/|", b'/"', b"/<", b"/\x80", b"/\x7f", b"/\x01", b"/\x0c", b"",
]  # fmt: skip
VERSIONS = [
    b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.2", b"http/1.1", b"HTTP/1.1 ",
    b"HTTP/01.1", b"HTTP/1.10", b"ICE/1.0", b"RTSP/1.0", b"",
]  # fmt: skip
SPACES = [b" ", b" ", b" ", b"  ", b"\t", b" \t", b"\x0b", b""]
ENDS = [b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r\n", b"\r\n\n"]
LINES = [
    b"Host: h", b"Host:", b"Host: h, i", b"host : h", b"Host: \x80",
    b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: 05", b"Content-Length: +5",
    b"Content-Length: 5, 5", b"Content-Length: 5,6", b"Content-Length:", b"Content-Length: 5 5",
    b"Content-Length: 0x5", b"Content-Length: 5\t", b"Content_Length: 5", b"Content-Length: -0",
    b"Content-Length: 18446744073709551616",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: Chunked",
    b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked;q=1",
    b"Transfer-Encoding:\x0bchunked", b'Transfer-Encoding: "chunked"', b"Transfer-Encoding:",
    b"Transfer-Encoding: , chunked", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding : chunked", b" Transfer-Encoding: chunked",
    b"A: b", b"A:b \t", b"A b: c", b"A\t: b", b": b", b"A: \x01", b"A: \x7f", b"A: \xff",
    b"\xffA: b", b"A(: b", b" A: b", b"A:", b"A", b"A: b\r\n c", b"A: b\rB: c", b"A: b\nB: c",
    b"A: b\0c", b"A:\r\n b", b"A: b\r\n\tContent-Length: 5", b"A: b\x0bB: c", b"A: \x85",
    b"Connection: close", b"Connection: upgrade", b"Upgrade: h2c", b"Expect: 100-continue",
    b"Connection: Content-Length", b"GET /other HTTP/1.1", b"",
]  # fmt: skip

REQUEST_LINES = st.builds(
    lambda *parts: b"".join(parts),
    st.sampled_from([b"", b"", b"", b"\r\n", b"\n", b"\r", b" "]),
    st.sampled_from(METHODS),
    st.sampled_from(SPACES),
    st.sampled_from(TARGETS),
    st.sampled_from(SPACES),
    st.sampled_from(VERSIONS),
    st.sampled_from(ENDS),
)
PLAIN_REQUEST_LINES = st.builds(
    lambda method, version: method + b" /a " + version + b"\r\n",
    st.sampled_from(METHODS[:4]),
    st.sampled_from(VERSIONS[:2]),
)
HEADER_LINES = st.lists(
    st.builds(lambda line, end: line + end, st.sampled_from(LINES), st.sampled_from(ENDS)),
    max_size=5,
).map(b"".join)
HOSTS = st.sampled_from([b"Host: h\r\n", b"Host: h\r\n", b""])
HEADS = st.builds(
    lambda line, host, headers: line + host + headers + b"\r\n",
    REQUEST_LINES | PLAIN_REQUEST_LINES | PLAIN_REQUEST_LINES,
    HOSTS,
    HEADER_LINES,
)


def cut(data: bytes) -> bytes | None:
    """Return what Edge would take for the first head, None if it would wait for more."""
    end = find_end(data)
    return None if end < 0 else data[:end]


def ours(data: bytes) -> RequestHead | None:
    try:
        return parse_head(data)
    except (MalformedHead, TooManyHeaders):
        return None


def theirs(data: bytes) -> tuple[h11.Connection, h11.Request | str]:
    """Return a connection that was fed `data`, and what it makes of it: a request, or an error."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD_BYTES)
    connection.receive_data(data)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        return connection, str(error)
    assert isinstance(event, h11.Request), f"h11 waits where we saw a whole head: {data!r}"
    return connection, event


def end_by_llhttp(data: bytes) -> int:
    """Return after which byte the parser that we trust has seen the end of the head."""

    class Seen:
        complete = False

        def on_headers_complete(self) -> None:
            self.complete = True

    seen = Seen()
    parser = httptools.HttpRequestParser(seen)
    for position in range(len(data)):
        with suppress(httptools.HttpParserUpgrade):
            parser.feed_data(data[position : position + 1])
        if seen.complete:
            return position + 1
    return -1


def comparable(headers: object) -> list[tuple[bytes, bytes]]:
    """Return headers without what h11 tidies up: coding names in capitals, lengths said twice."""
    tidied = []
    for name, value in headers:
        match bytes(name):
            case b"transfer-encoding":
                tidied.append((bytes(name), bytes(value).lower()))
            case b"content-length":
                tidied.append((bytes(name), bytes(value).partition(b",")[0]))
            case other:
                tidied.append((other, bytes(value)))
    return tidied


@settings(max_examples=500)
@given(data=HEADS)
@example(data=b"GET /a\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n")
@example(data=b"GET /a HTTP/1.1\nHost: h\n\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n")
@example(data=b"GET /a HTTP/1.1\r\nHost: h\r\nA: b  \t\r\n\r\n")
@example(data=b"\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n")
@example(data=b"GET  /a HTTP/1.1\r\nHost: h\r\n\r\n")
@example(data=b"GET /a  HTTP/1.1\r\nHost: h\r\n\r\n")
@example(data=b"\rGET /a HTTP/1.1\r\nHost: h\r\n\r\n")
@example(data=b"\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n")
@example(data=b"SOURCE /a ICE/1.0\r\n\r\n")
@example(data=b"GET /a HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n")
@example(data=b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n")
@example(data=b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n")
@example(data=b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\n")
@example(data=b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\n12345678\r\n\r\n")
def test_what_both_take_is_the_same_request_and_what_h11_refuses_we_refuse(data: bytes) -> None:
    data = cut(data)
    if data is None or (mine := ours(data)) is None:
        return
    assert end_by_llhttp(data) == len(data)
    connection, other = theirs(data)
    if isinstance(other, str):
        assert other in LAXER, other
        if "Transfer-Encoding" in other:
            assert mine.has_body
        return
    assert mine.method.encode() == other.method
    assert mine.version.encode() == other.http_version
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in mine.headers]
    assert comparable(encoded) == comparable(other.headers)
    target = other.target.partition(b"#")[0].decode("latin-1")
    if target.startswith("/"):
        assert (mine.raw_path, mine.query) == target.partition("?")[::2]
    following = connection.next_event()
    assert mine.has_body or following is not h11.NEED_DATA
    assert connection.trailing_data == (b"", False)
    if mine.version == "1.1" and mine.keep_alive and not mine.has_body:
        assert connection.their_state is not h11.MUST_CLOSE


def by_us(stream: bytes) -> list[tuple[str, str]]:
    """Return the requests in a stream as Edge cuts them, up to the first that ends it."""
    found = []
    while (data := cut(stream)) is not None and (head := ours(data)) is not None:
        found.append((head.method, head.raw_path))
        stream = stream[len(data) :]
        if head.has_body or not head.keep_alive:
            break
    return found


def by_h11(stream: bytes) -> list[tuple[str, str]]:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD_BYTES)
    connection.receive_data(stream)
    found = []
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            return found
        if not isinstance(event, h11.Request):
            return found
        found.append((event.method.decode(), event.target.partition(b"?")[0].decode("latin-1")))
        try:
            if not isinstance(connection.next_event(), h11.EndOfMessage):
                return found
        except h11.RemoteProtocolError:
            return found
        connection.send(h11.Response(status_code=404, headers=[("content-length", "0")]))
        connection.send(h11.EndOfMessage())
        if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
            return found
        connection.start_next_cycle()


CHUNKED = (
    b"PUT /5 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nGET /\r\n0\r\n\r\n"
)
PIPELINED = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n",
                b"GET /2?x=y HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n",
                b"OPTIONS /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
                b"PUT /4 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /",
                CHUNKED,
                b"GET /6 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                b"GET /7 HTTP/1.1\nHost: h\n\n",
                b"GET /8 HTTP/1.1\r\nHost: h\r\n folded: GET /9 HTTP/1.1\r\n\r\n",
                b"GET http://h/10 HTTP/1.1\r\nHost: h\r\n\r\n",
                b"x",
                b"\r\n",
                b"\0",
            ]
        ),
        HEADS,
    ),
    min_size=1,
    max_size=5,
).map(b"".join)


@settings(max_examples=300)
@given(stream=PIPELINED)
def test_pipelined_requests_are_cut_alike(stream: bytes) -> None:
    mine, other = by_us(stream), by_h11(stream)
    # One may give up earlier; as far as both go they go together.
    for our_request, their_request in zip(mine, other, strict=False):
        if their_request[1].startswith("/"):
            assert our_request == (their_request[0], their_request[1].partition("#")[0])
        else:
            assert our_request[0] == their_request[0]


@pytest.mark.parametrize(
    "data",
    [
        b"GET  /a HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a  HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a HTTP/1.1 \r\nHost: h\r\n\r\n",
        b"GET\t/a HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\rGET /a HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\r\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n",
        b" GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
        b"SOURCE /a ICE/1.0\r\n\r\n",
        b"PLAY /a RTSP/1.0\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: h\r\nhost:\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: h\r\nA: b\nB: c\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n",
    ],
)
def test_what_others_may_read_differently_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedHead):
        parse_head(data)


def test_one_empty_line_in_front_means_nothing() -> None:
    data = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
    assert parse_head(b"\r\n" + data) == parse_head(data)
