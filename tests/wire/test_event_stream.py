"""The reader that other tests trust is tried first, by examples that follow from the standard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.event_stream import EventStreamReader, Received, read


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [Received("message", "a")]),
        (b"data:a\n\n", [Received("message", "a")]),
        (b"data:  a\n\n", [Received("message", " a")]),
        (b"data: a\ndata: b\n\n", [Received("message", "a\nb")]),
        (b"data\n\n", [Received("message", "")]),
        (b"data\ndata\n\n", [Received("message", "\n")]),
        (b"data: a", []),
        (b"data: a\n", []),
        (b"event: x\n\n", []),
        (b"event: x\n\ndata: a\n\n", [Received("message", "a")]),
        (b"event: x\ndata: a\n\n", [Received("x", "a")]),
        (b"event: x\nevent: y\ndata: a\n\n", [Received("y", "a")]),
        (b"event\ndata: a\n\n", [Received("message", "a")]),
        (b"Data: a\n\n", []),
        (b"data : a\n\n", []),
        (b": comment\ndata: a\n:\n\n", [Received("message", "a")]),
        (
            b"id: 1\ndata: a\n\ndata: b\n\n",
            [Received("message", "a", "1"), Received("message", "b", "1")],
        ),
        (
            b"id: 1\ndata: a\n\nid\ndata: b\n\n",
            [Received("message", "a", "1"), Received("message", "b", "")],
        ),
        (b"id: 1\n\ndata: b\n\n", [Received("message", "b", "1")]),
        (b"id: 1\nid: 2\0\ndata: a\n\n", [Received("message", "a", "1")]),
        (b"\xef\xbb\xbfdata: a\n\n", [Received("message", "a")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b"data: a\r\n\r\n", [Received("message", "a")]),
        (b"data: a\r\r", [Received("message", "a")]),
        (b"data: a\n\r", [Received("message", "a")]),
        (b"data: a\r\ndata: b\r\r\n", [Received("message", "a\nb")]),
        (
            "data: \u2028\u2029\x85\x0b\x0c\0\n\n".encode(),
            [Received("message", "\u2028\u2029\x85\x0b\x0c\0")],
        ),
    ],
)
def test_a_stream_is_read_as_the_standard_says(stream: bytes, events: list[Received]) -> None:
    assert read(stream).events == events
    assert read(stream, 1).events == events


def test_a_pause_before_a_reconnect_is_digits_only() -> None:
    assert read(b"retry: 1500\n").retry_milliseconds == 1500
    for wrong in (b"retry: 1.5\n", b"retry: -1\n", "retry: \u0661\n".encode(), b"retry:\n"):
        assert read(wrong).retry_milliseconds is None


def test_what_is_ignored_is_kept_account_of() -> None:
    assert read(b": a\nfoo: b\nretry: x\nevent: y\n\n").ignored == [
        ": a",
        "foo: b",
        "retry: x",
        "event: y",
    ]


def test_bytes_that_are_not_utf_8_are_an_error() -> None:
    with pytest.raises(UnicodeDecodeError):
        read(b"data: \xff\n\n")


def test_it_knows_whether_an_event_is_open() -> None:
    reader = EventStreamReader()
    for piece, between in ((b"data", False), (b": a\n", False), (b"\n", True), (b"\xe2", False)):
        reader.feed(piece)
        assert reader.between_events is between


PIECES = st.lists(
    st.sampled_from(
        [b"data", b"event", b"id", b"retry", b":", b" ", b"a", b"\r", b"\n", b"\r\n", b"\0",
         "\u2028".encode(), "❤️".encode(), "\ufeff".encode(), b"7"]
    )
)  # fmt: skip


@given(pieces=PIECES, cuts=st.lists(st.integers(min_value=1, max_value=5)))
def test_however_a_stream_is_cut_it_is_read_the_same(pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces)
    at_once, cut_up = read(stream), EventStreamReader()
    start = 0
    for size in cuts:
        cut_up.feed(stream[start : start + size])
        start += size
    cut_up.feed(stream[start:])
    for reader in (read(stream, 1), cut_up):
        assert reader.events == at_once.events
        assert reader.ignored == at_once.ignored
        assert reader.retry_milliseconds == at_once.retry_milliseconds
