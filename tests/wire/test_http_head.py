import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.wire.http_head import (
    MOST_HEAD_BYTES,
    MOST_HEADERS,
    MalformedHead,
    RequestHead,
    TooManyHeaders,
    find_end,
    parse_head,
)

TOKENS = st.from_regex(r"\A[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}\Z")
VALUES = st.from_regex(r"\A([!-~]([ \t!-~]{0,12}[!-~])?)?\Z")
# Names that change how the rest is read have rules of their own, tried apart.
NAMES = TOKENS.filter(
    lambda name: name.lower() not in {"content-length", "transfer-encoding", "connection", "host"}
)
TARGETS = st.from_regex(r"\A/[a-z0-9/%?=&*~.]{0,20}\Z")


def head(*lines: str, target: str = "/", method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: h", *lines, "", ""]).encode("latin-1")


@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]),
    target=TARGETS,
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=5),
)
def test_a_well_formed_head_is_read_as_written(
    method: str, target: str, headers: list[tuple[str, str]]
) -> None:
    lines = [f"{name}: {value}" for name, value in headers]
    found = parse_head(head(*lines, target=target, method=method))
    raw_path, _, query = target.partition("?")
    assert found == RequestHead(
        method=method,
        raw_path=raw_path,
        query=query,
        version="1.1",
        headers=(("host", "h"), *((name.lower(), value) for name, value in headers)),
        keep_alive=True,
    )


def test_bytes_behind_the_head_are_refused_if_they_are_another_head() -> None:
    with pytest.raises(MalformedHead):
        parse_head(head() + head())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\n",
        b"GET / HTTP/1.1\nHost: h\n\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"GET a HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        head("A : b"),
        head(": b"),
        head("A: b\0c"),
        head("A: b\rc"),
        head("A: b", " folded"),
        head("Content-Length: 1", "Content-Length: 1"),
        head("Content-Length: -1"),
        head("Content-Length: 99999999999999999999"),
        head("Content-Length: 1", "Transfer-Encoding: chunked"),
        head("Transfer-Encoding: chunked", "Content-Length: 1"),
    ],
)
def test_what_breaks_the_grammar_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedHead):
        parse_head(data)


def test_100_headers_are_the_most() -> None:
    lines = [f"A{number}: b" for number in range(MOST_HEADERS)]
    assert len(parse_head(head(*lines[1:])).headers) == 100
    with pytest.raises(TooManyHeaders):
        parse_head(head(*lines))


def test_a_head_as_large_as_may_be_is_read() -> None:
    size = MOST_HEAD_BYTES - len(head("A: "))
    data = head(f"A: {'x' * size}")
    assert len(data) == 64 * 1024
    assert len(parse_head(data).header("a") or "") == size


@pytest.mark.parametrize(
    ("target", "raw_path", "query"),
    [
        ("/", "/", ""),
        ("/a?b=c?d", "/a", "b=c?d"),
        ("/a?", "/a", ""),
        ("/a#b", "/a", ""),
        ("/a#b?c", "/a", ""),
        ("//h/a", "//h/a", ""),
        ("http://h/a?b", "/a", "b"),
        ("HTTPS://h:1/a", "/a", ""),
        ("http://h", "/", ""),
        ("http://h?b=/c", "/", "b=/c"),
        ("ftp://h/a", "/*", ""),
        ("*", "/*", ""),
    ],
)
def test_a_target_has_a_path_and_a_query(target: str, raw_path: str, query: str) -> None:
    found = parse_head(head(target=target))
    assert (found.raw_path, found.query) == (raw_path, query)


def test_a_tunnel_has_no_path_of_ours() -> None:
    assert parse_head(head(target="h:443", method="CONNECT")).raw_path == "/*"


@pytest.mark.parametrize(
    ("target", "segments"),
    [
        ("/", ("",)),
        ("/a/b", ("a", "b")),
        ("/a/", ("a", "")),
        ("//a", ("", "a")),
        ("/a%2Fb/c", ("a/b", "c")),
        ("/%2e%2e/a", ("..", "a")),
        ("/a+b", ("a+b",)),
        ("/%E2%9D%A4", ("❤",)),
        ("/%ff", ("�",)),
        ("/%zz", ("%zz",)),
    ],
)
def test_an_encoded_slash_does_not_separate(target: str, segments: tuple[str, ...]) -> None:
    assert parse_head(head(target=target)).segments == segments


def test_a_header_is_found_by_its_name_in_small_letters() -> None:
    found = parse_head(head("X-FeatureHub: a", "x-featurehub:  b \t", "Accept:"))
    assert found.header("x-featurehub") == "a"
    assert found.header_lines("x-featurehub") == ("a", "b")
    assert found.header("accept") == ""
    assert found.header("cookie") is None
    assert found.header_lines("cookie") == ()


@pytest.mark.parametrize(
    ("line", "has_body"),
    [
        ("A: b", False),
        ("Content-Length: 0", False),
        ("Content-Length: 0 ", False),
        ("Content-Length: 1", True),
        ("Content-Length: 00", True),  # doubtful, so somebody else decides
        ("Transfer-Encoding: chunked", True),
    ],
)
def test_a_head_tells_whether_a_body_follows(line: str, has_body: bool) -> None:
    assert parse_head(head(line, method="POST")).has_body is has_body


@pytest.mark.parametrize(
    ("version", "line", "keep_alive"),
    [
        ("1.1", "A: b", True),
        ("1.1", "Connection: close", False),
        ("1.1", "Connection: x, Close", False),
        ("1.1", "Connection: x\r\nConnection: close", False),
        ("1.1", "Connection: keep-alive, close", False),
        ("1.1", "A: close", True),
        ("1.0", "A: b", False),
        ("1.0", "Connection: keep-alive", True),
    ],
)
def test_a_head_tells_whether_the_connection_stays(
    version: str, line: str, keep_alive: bool
) -> None:
    found = parse_head(f"GET / HTTP/{version}\r\n{line}\r\n\r\n".encode())
    assert (found.version, found.keep_alive) == (version, keep_alive)


def test_an_upgrade_is_a_head_like_any_other() -> None:
    found = parse_head(head("Upgrade: websocket", "Connection: Upgrade"))
    assert found.header("upgrade") == "websocket"


@given(
    before=st.binary(max_size=20).filter(lambda data: b"\r\n\r\n" not in data),
    after=st.binary(max_size=20),
    cuts=st.lists(st.integers(min_value=0, max_value=44), max_size=4).map(sorted),
)
def test_the_end_is_found_however_the_bytes_arrive(
    before: bytes, after: bytes, cuts: list[int]
) -> None:
    data = before + b"\r\n\r\n" + after
    expected = data.index(b"\r\n\r\n") + 4
    searched = 0
    for cut in [*cuts, len(data)]:
        end = find_end(bytearray(data[:cut]), searched)
        searched = min(cut, len(data))
        if end >= 0:
            assert end == expected
            return
        assert cut < expected
    pytest.fail("never found")
