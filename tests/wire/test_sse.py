"""The encoder against a decoder written from the standard's paragraphs, not from the encoder."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.wire.sse import LAST_CHUNK, SseEvent, UnsafeField, chunk, encode, encode_json

LINE_ENDS = ("\r\n", "\r", "\n")
# What a decoder may trip over, far more often than chance would bring it.
AWKWARD = st.sampled_from(
    [*LINE_ENDS, "\0", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\ufeff", " ", ":", "data: x"]
)
TEXTS = st.lists(st.one_of(AWKWARD, st.text(max_size=5)), max_size=8).map("".join)
FIELDS = TEXTS.map(lambda text: re.sub("[\r\n\0]", "", text))
NAMES = FIELDS.filter(bool)
EVENTS = st.builds(SseEvent, name=NAMES, data=TEXTS, event_id=FIELDS)


class Decoder:
    """An event stream's reader: bytes in pieces, complete events out."""

    def __init__(self) -> None:
        self._bytes = b""
        self._last_id = ""
        self._name = ""
        self._data: list[str] = []
        self.events: list[SseEvent] = []

    def feed(self, piece: bytes) -> None:
        self._bytes += piece
        # A CR at the very end may be the first half of a CRLF.
        while match := re.search(rb"\r\n|\n|\r(?!\Z)", self._bytes):
            line = self._bytes[: match.start()]
            self._bytes = self._bytes[match.end() :]
            self._take(line.decode())

    def _take(self, line: str) -> None:
        if not line:
            if self._data:
                data = "\n".join(self._data)
                self.events.append(SseEvent(self._name or "message", data, self._last_id))
            self._name, self._data = "", []
            return
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "event":
                self._name = value
            case "id" if "\0" not in value:
                self._last_id = value
            case "data":
                self._data.append(value)


def decoded(stream: bytes, piece_bytes: int = 1 << 20) -> list[SseEvent]:
    decoder = Decoder()
    for start in range(0, len(stream), piece_bytes):
        decoder.feed(stream[start : start + piece_bytes])
    return decoder.events


def with_plain_line_ends(events: list[SseEvent]) -> list[SseEvent]:
    """Line ends become LF on their way, and an event without an id leaves the last one valid."""
    expected = []
    last_id = ""
    for event in events:
        last_id = event.event_id or last_id
        data = event.data.replace("\r\n", "\n").replace("\r", "\n")
        expected.append(SseEvent(event.name, data, last_id))
    return expected


@given(sent=st.lists(EVENTS, max_size=4), piece_bytes=st.integers(min_value=1, max_value=9))
def test_a_decoder_returns_what_was_encoded_however_it_is_cut(
    sent: list[SseEvent], piece_bytes: int
) -> None:
    stream = b"".join(map(encode, sent))
    assert decoded(stream, piece_bytes) == with_plain_line_ends(sent)


def test_an_event_is_written_name_first_and_ends_with_a_blank_line() -> None:
    event = SseEvent("features", "[1]", "tag")
    assert encode(event) == b"event: features\nid: tag\ndata: [1]\n\n"


def test_no_id_means_no_id_line() -> None:
    assert encode(SseEvent("ack", "{}")) == b"event: ack\ndata: {}\n\n"


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_each_line_of_data_has_a_field_of_its_own(line_end: str) -> None:
    stream = encode(SseEvent("feature", f"a{line_end}id: b"))
    assert stream == b"event: feature\ndata: a\ndata: id: b\n\n"


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c"])
def test_what_only_unicode_calls_a_line_end_stays_in_the_line(separator: str) -> None:
    event = SseEvent("feature", f'"a{separator}b"')
    assert decoded(encode(event)) == [event]


def test_data_may_hold_nul() -> None:
    event = SseEvent("feature", "a\0b")
    assert decoded(encode(event)) == [event]


@pytest.mark.parametrize("unsafe", ["\r", "\n", "\0", "x\r\ndata: forged\r\n\r\n", "tag\n"])
@pytest.mark.parametrize("part", ["name", "event_id"])
def test_a_name_or_an_id_can_not_start_a_field_of_its_own(part: str, unsafe: str) -> None:
    fields = {"name": "feature", "event_id": "tag", part: unsafe}
    with pytest.raises(UnsafeField):
        encode(SseEvent(fields["name"], "{}", fields["event_id"]))
    with pytest.raises(UnsafeField):
        encode_json(fields["name"], b"{}", fields["event_id"])


@given(name=NAMES, event_id=FIELDS, data=st.from_regex(r'\A"[^\r\n"\\]*"\Z'))
def test_json_is_encoded_like_any_other_data(name: str, event_id: str, data: str) -> None:
    assert encode_json(name, data.encode(), event_id) == encode(SseEvent(name, data, event_id))


@pytest.mark.parametrize("data", [b"{\n}", b"{}\r", b"\r\n"])
def test_json_on_several_lines_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="more than one line"):
        encode_json("features", data)


def read_chunks(body: bytes) -> tuple[list[bytes], bytes]:
    """Return the chunks before the last one, and what stands behind it."""
    chunks = []
    while True:
        size_text, _, rest = body.partition(b"\r\n")
        size = int(size_text, 16)
        if size == 0:
            assert rest.startswith(b"\r\n")
            return chunks, rest[2:]
        assert rest[size : size + 2] == b"\r\n"
        chunks.append(rest[:size])
        body = rest[size + 2 :]


@given(parts=st.lists(st.binary(min_size=1, max_size=300), max_size=5))
def test_chunks_frame_any_bytes(parts: list[bytes]) -> None:
    body = b"".join(map(chunk, parts)) + LAST_CHUNK
    assert read_chunks(body) == (parts, b"")


def test_a_chunk_tells_its_size_in_hexadecimal() -> None:
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"


def test_an_empty_chunk_would_end_the_body() -> None:
    with pytest.raises(ValueError, match="end the body"):
        chunk(b"")
