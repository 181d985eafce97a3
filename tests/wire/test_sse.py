"""The encoder against a reader written from the standard's paragraphs, not from the encoder."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.wire.sse import (
    LAST_CHUNK,
    SseEvent,
    UnsafeField,
    chunk,
    encode,
    encode_json,
    share_json,
    with_id,
)
from tests.wire.event_stream import Received, read

LINE_ENDS = ("\r\n", "\r", "\n")
# What a decoder may trip over, far more often than chance would bring it.
AWKWARD = st.sampled_from(
    [*LINE_ENDS, "\0", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\ufeff", " ", ":", "data: x"]
)
TEXTS = st.lists(st.one_of(AWKWARD, st.text(max_size=5)), max_size=8).map("".join)
FIELDS = TEXTS.map(lambda text: re.sub("[\r\n\0]", "", text))
NAMES = FIELDS.filter(bool)
EVENTS = st.builds(SseEvent, name=NAMES, data=TEXTS, event_id=FIELDS)


# What no text may hold, and Python's may: half of a surrogate pair.
BROKEN = st.text(st.characters(categories=["Cs"]), min_size=1, max_size=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def with_plain_line_ends(events: list[SseEvent]) -> list[Received]:
    """Line ends become LF on their way, and an event without an id leaves the last one valid."""
    expected = []
    last_id = ""
    for event in events:
        last_id = event.event_id or last_id
        data = event.data.replace("\r\n", "\n").replace("\r", "\n")
        expected.append(Received(event.name, data, last_id))
    return expected


@given(sent=st.lists(EVENTS, max_size=4), piece_bytes=st.integers(min_value=1, max_value=9))
def test_a_reader_returns_what_was_encoded_however_it_is_cut(
    sent: list[SseEvent], piece_bytes: int
) -> None:
    stream = b"".join(map(encode, sent))
    for reader in (read(stream), read(stream, 1), read(stream, piece_bytes)):
        assert reader.events == with_plain_line_ends(sent)
        assert reader.ignored == []
        assert reader.retry_milliseconds is None
        assert reader.between_events


@given(name=NAMES, value=JSON, event_id=FIELDS)
def test_any_json_is_one_event_and_nothing_else(name: str, value: object, event_id: str) -> None:
    data = json.dumps(value, ensure_ascii=False)
    reader = read(encode_json(name, data.encode(), event_id), 1)
    [event] = reader.events
    assert event == Received(name, data, event_id)
    assert json.loads(event.data) == value
    assert reader.ignored == []


def test_json_as_deep_as_it_may_be_is_one_event() -> None:
    depth = 100_000
    data = b"[" * depth + b"]" * depth
    assert read(encode_json("feature", data)).events == [Received("feature", data.decode())]


@given(before=TEXTS, broken=BROKEN, part=st.sampled_from(["name", "data", "event_id"]))
def test_half_a_character_is_refused_not_written(before: str, broken: str, part: str) -> None:
    fields = {"name": "feature", "data": "{}", "event_id": "tag"}
    fields[part] = re.sub("[\r\n\0]", "", before) + broken
    with pytest.raises(UnicodeEncodeError):
        encode(SseEvent(**fields))


@given(name=NAMES, event_id=st.from_regex(r"\A[!-~]{1,80}\Z"))
def test_an_id_can_be_put_on_an_event_that_is_encoded(name: str, event_id: str) -> None:
    event = with_id(encode_json(name, b"{}"), event_id)
    assert read(event, 1).events == [Received(name, "{}", event_id)]
    assert read(event).ignored == []


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
    assert read(encode(event)).events == [Received("feature", event.data)]


def test_data_may_hold_nul() -> None:
    event = SseEvent("feature", "a\0b")
    assert read(encode(event)).events == [Received("feature", event.data)]


@pytest.mark.parametrize("unsafe", ["\r", "\n", "\0", "x\r\ndata: forged\r\n\r\n", "tag\n"])
@pytest.mark.parametrize("part", ["name", "event_id"])
def test_a_name_or_an_id_can_not_start_a_field_of_its_own(part: str, unsafe: str) -> None:
    fields = {"name": "feature", "event_id": "tag", part: unsafe}
    with pytest.raises(UnsafeField):
        encode(SseEvent(fields["name"], "{}", fields["event_id"]))
    with pytest.raises(UnsafeField):
        encode_json(fields["name"], b"{}", fields["event_id"])
    with pytest.raises(UnsafeField):
        with_id(encode_json("feature", b"{}"), unsafe)


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


@given(name=NAMES, value=JSON, event_id=FIELDS)
def test_an_event_in_parts_is_the_same_and_its_data_is_no_copy(
    name: str, value: object, event_id: str
) -> None:
    data = json.dumps(value, ensure_ascii=False).encode()
    shared = share_json(name, data, event_id)
    whole = encode_json(name, data, event_id)
    assert bytes(shared) == whole
    assert b"".join(shared.chunk_parts()) == chunk(whole)
    assert shared.chunk_parts()[1] is data


@pytest.mark.parametrize("unsafe", ["a\nb", "a\rb", "a\0b"])
def test_an_event_in_parts_has_no_unsafe_field_either(unsafe: str) -> None:
    for name, event_id in ((unsafe, ""), ("features", unsafe)):
        with pytest.raises(UnsafeField):
            share_json(name, b"[]", event_id)
