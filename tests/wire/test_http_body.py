from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.wire import http_body
from fh.wire.http_body import BodyTooLarge, MalformedBody, RequestBody
from fh.wire.http_head import parse_head


def body(*headers: str, version: str = "1.1") -> RequestBody:
    lines = "".join(f"{header}\r\n" for header in headers)
    data = f"PUT /x HTTP/{version}\r\nhost: a\r\n{lines}\r\n".encode()
    return RequestBody(data, parse_head(data))


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


def chunked(parts: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_without_a_length_there_is_no_body() -> None:
    assert body().complete
    assert body("content-length: 0").complete


@given(st.binary(min_size=1, max_size=50), st.binary(max_size=20), st.lists(st.integers(0, 99)))
def test_a_body_with_a_length_ends_where_it_says(content, behind, cuts) -> None:
    read = body(f"content-length: {len(content)}")
    rest = b""
    for piece in pieces(content + behind, cuts):
        rest += piece if read.complete else read.feed(piece)
    assert (read.complete, read.content, rest) == (True, content, behind)
    assert not read.open_ended


@given(
    st.lists(st.binary(min_size=1, max_size=20), max_size=5),
    st.binary(max_size=20),
    st.lists(st.integers(0, 99)),
)
def test_chunks_are_put_together_wherever_they_are_cut(parts, behind, cuts) -> None:
    read = body("transfer-encoding: chunked")
    for piece in pieces(chunked(parts) + behind, cuts):
        read.feed(piece)
    assert (read.complete, read.content) == (True, b"".join(parts))
    assert read.open_ended


def test_an_offer_to_upgrade_is_not_taken() -> None:
    # Some clients make it with every first request.
    read = body("connection: upgrade", "upgrade: h2c", "transfer-encoding: chunked")
    read.feed(chunked([b"hello"]))
    assert (read.complete, read.content) == (True, b"hello")


def test_whatever_follows_the_last_chunk_is_thrown_away() -> None:
    following = (
        b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
        b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nxyz",
        b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n",
        b"\0",
    )
    for behind in following:
        read = body("transfer-encoding: chunked")
        assert read.feed(chunked([b"hello"]) + behind) == b""
        assert (read.complete, read.content) == (True, b"hello")


@pytest.mark.parametrize(
    "data",
    [b"zz\r\n", b"-1\r\n", b"5\r\nhello!!", b"5 \r\n\0", b"\r\n\r\n", b"fffffffffffffffff\r\n"],
)
def test_broken_chunks_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedBody):
        body("transfer-encoding: chunked").feed(data)


@pytest.mark.parametrize("coding", ["gzip, chunked", "identity", "xchunked", "chunked, gzip"])
def test_other_codings_are_refused_by_the_head_or_here(coding: str) -> None:
    with pytest.raises(Exception, match=r"coding|Transfer-Encoding|Encoding"):
        body(f"transfer-encoding: {coding}")


def test_chunks_in_http_1_0_are_refused() -> None:
    with pytest.raises(MalformedBody):
        body("transfer-encoding: chunked", version="1.0")


def test_a_body_may_not_announce_more_than_the_limit() -> None:
    assert not body(f"content-length: {http_body.MOST_BODY_BYTES}").complete
    for length in (http_body.MOST_BODY_BYTES + 1, 10**18):
        with pytest.raises(BodyTooLarge):
            body(f"content-length: {length}")


def test_chunks_may_not_hold_more_than_the_limit(monkeypatch) -> None:
    monkeypatch.setattr(http_body, "MOST_BODY_BYTES", 10)
    read = body("transfer-encoding: chunked")
    read.feed(b"a\r\n0123456789\r\n")
    with pytest.raises(BodyTooLarge):
        read.feed(b"1\r\nx\r\n")


def test_nor_wrap_little_in_much(monkeypatch) -> None:
    monkeypatch.setattr(http_body, "MOST_BODY_BYTES", 10)
    read = body("transfer-encoding: chunked")
    with pytest.raises(BodyTooLarge):
        read.feed(b"".join([b"1;" + b"x" * 20 + b"\r\nx\r\n"] * 10))
