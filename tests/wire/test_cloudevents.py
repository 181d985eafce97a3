"""The bytes are a contract with Java: typed out here, letter by letter."""

import contextlib
import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cloudevents.core.v1.event import CloudEvent as LibraryEvent
from hypothesis import given
from hypothesis import strategies as st

from fh.wire.cloudevents import (
    COMPRESSED_JSON,
    JSON,
    CloudEvent,
    MalformedEvent,
    compress,
    decode,
    encode_headers,
    escape,
    read_json,
)

MOST_BYTES = 10_000
AT = datetime(2026, 7, 23, 7, 50, 7, 123456, tzinfo=UTC)
HEADERS = {
    "ce-specversion": "1.0",
    "ce-type": "publish-feature-v1",
    "ce-subject": "io.featurehub.events.feature-values",
    "ce-source": "http://management-service/UPDATE",
    "ce-id": "6c376de1-3cb8-4297-b641-8f27e0d11612/NEW_MENU",
    "ce-time": "2026-07-23T07:50:07.123456Z",
    "content-type": "application/json+gzip",
}


def event(**changes):
    attributes = {
        "type": "publish-feature-v1",
        "subject": "io.featurehub.events.feature-values",
        "source": "http://management-service/UPDATE",
        "id": "6c376de1-3cb8-4297-b641-8f27e0d11612/NEW_MENU",
        "time": AT,
        "content_type": COMPRESSED_JSON,
        "data": b"data",
    }
    return CloudEvent(**{**attributes, **changes})


def test_the_example_of_the_contract_both_ways():
    assert encode_headers(event()) == HEADERS
    assert list(encode_headers(event())) == list(HEADERS)
    assert decode(HEADERS, b"data") == event()


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain/with:all?that=is&allowed+here#!$'()*,;@[]^_`{|}~\\", None),
        ("a b", "a%20b"),
        ('"', "%22"),
        ("100%", "100%25"),
        ("%41", "%2541"),
        ("Größe", "Gr%C3%B6%C3%9Fe"),
        ("菜单", "%E8%8F%9C%E5%8D%95"),
        ("😀", "%F0%9F%98%80"),
        ("a\r\nb: c\t\0\x7f", "a%0D%0Ab:%20c%09%00%7F"),
    ],
    ids=["plain", "space", "quote", "percent", "escape", "latin", "han", "emoji", "control"],
)
def test_values_are_escaped_as_the_contract_says(text, escaped):
    assert escape(text) == (text if escaped is None else escaped)
    assert decode({**HEADERS, "ce-id": escape(text)}, b"").id == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_escaped_is_read_as_it_was(text):
    escaped = escape(text)
    assert all("!" <= character <= "~" and character != '"' for character in escaped)
    assert decode({**HEADERS, "ce-subject": escaped}, b"").subject == text


offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(
    texts,
    texts,
    texts,
    texts,
    st.datetimes(timezones=offsets) | st.none(),
    st.dictionaries(
        st.from_regex("[a-z0-9]{1,20}", fullmatch=True).filter(
            lambda name: name not in {"id", "source", "type", "subject", "time", "specversion"}
        ),
        texts,
    ),
    st.binary(),
)
def test_an_event_survives_the_wire(type_, subject, source, id_, time, extensions, data):
    sent = CloudEvent(type_, subject, source, id_, time, JSON, data, extensions)
    assert decode(encode_headers(sent), data) == sent


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-07-23T07:50Z", datetime(2026, 7, 23, 7, 50, tzinfo=UTC)),
        ("2026-07-23T07:50:07.123456789Z", AT),
        ("2026-07-23T09:50:07.123456%2B02:00", AT),
        ("2026-07-23T09:50:07.123456+02:00", AT),
    ],
    ids=["no-seconds", "nanoseconds", "escaped-offset", "offset"],
)
def test_times_as_java_writes_them(text, time):
    assert decode({**HEADERS, "ce-time": text}, b"").time == time


def test_a_time_keeps_its_offset():
    there = datetime(2026, 7, 23, 9, 50, 7, tzinfo=timezone(timedelta(hours=2)))
    assert encode_headers(event(time=there))["ce-time"] == "2026-07-23T09:50:07+02:00"


def test_what_is_not_there_has_no_header():
    headers = encode_headers(event(time=None, subject=""))
    assert headers.keys() == HEADERS.keys() - {"ce-time", "ce-subject"}
    assert decode(headers, b"data") == event(time=None, subject="")


def test_extensions_travel_along():
    sent = event(extensions={"cachename": "default", "traceparent": "00-ab cd-01"})
    headers = encode_headers(sent)
    assert headers["ce-cachename"] == "default"
    assert headers["ce-traceparent"] == "00-ab%20cd-01"
    assert decode(headers, b"data") == sent


def test_headers_of_others_are_none_of_ours():
    others = {"Nats-Msg-Id": "1", "CE-Type": "other", "ce-Not_ok": "x", "Content-Type": "text/html"}
    assert decode({**others, **HEADERS}, b"data") == event()


@pytest.mark.parametrize("name", ["type", "id", "Upper", "with-dash", ""])
def test_an_extension_can_not_be_called_that(name):
    with pytest.raises(ValueError, match="extension"):
        encode_headers(event(extensions={name: "x"}))


def test_a_time_without_an_offset_is_not_sent():
    with pytest.raises(ValueError, match="offset"):
        encode_headers(event(time=datetime(2026, 7, 23)))  # noqa: DTZ001 - the fault


@pytest.mark.parametrize(
    "changes",
    [
        {"ce-specversion": "0.3"},
        {"ce-specversion": None},
        {"ce-type": None},
        {"ce-type": ""},
        {"ce-source": None},
        {"ce-id": None},
        {"ce-id": "%FF"},
        {"ce-time": "yesterday"},
        {"ce-time": "2026-07-23T07:50:07"},
    ],
    ids=lambda changes: "-".join(f"{name}={value}" for name, value in changes.items()),
)
def test_headers_that_make_no_event(changes):
    headers = {name: text for name, text in {**HEADERS, **changes}.items() if text is not None}
    with pytest.raises(MalformedEvent):
        decode(headers, b"")


@given(st.dictionaries(st.text(), st.text()), st.binary(), st.sampled_from([JSON, COMPRESSED_JSON]))
def test_no_message_breaks_the_decoder(headers, data, content_type):
    for given_headers in (headers, {**headers, **HEADERS, "content-type": content_type}):
        with contextlib.suppress(MalformedEvent):
            read_json(decode(given_headers, data), MOST_BYTES)


def test_the_library_finds_nothing_wrong_with_an_event():
    headers = encode_headers(event(extensions={"cachename": "default"}))
    attributes = {name.removeprefix("ce-"): text for name, text in headers.items()}
    attributes["datacontenttype"] = attributes.pop("content-type")
    assert LibraryEvent({**attributes, "time": AT}, b"data").get_subject() == event().subject


TEXT = json.dumps({"features": ["x"] * 100}).encode()


def test_compressed_data_is_gzip_and_equal_for_equal_text():
    assert gzip.decompress(compress(TEXT)) == TEXT
    assert compress(TEXT) == compress(TEXT)
    assert compress(TEXT)[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"  # no name and no time
    assert len(compress(TEXT)) < len(TEXT) / 5


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        (JSON, TEXT),
        (COMPRESSED_JSON, compress(TEXT)),
        (COMPRESSED_JSON, gzip.compress(TEXT, mtime=1_700_000_000)),
        (COMPRESSED_JSON, TEXT),
    ],
    ids=["plain", "ours", "theirs", "plain-but-called-compressed"],
)
def test_data_is_read_as_its_content_type_says(content_type, data):
    assert read_json(event(content_type=content_type, data=data), len(TEXT)) == TEXT


def test_plain_data_is_never_taken_for_compressed():
    compressed = compress(TEXT)
    assert read_json(event(content_type=JSON, data=compressed), MOST_BYTES) == compressed


@pytest.mark.parametrize(
    "data",
    [compress(TEXT)[:-1], compress(TEXT) + b"x", compress(TEXT)[:-1] + b"x", b"\x1f\x8b", b""],
    ids=["cut-off", "more-behind", "wrong-checksum", "two-bytes", "empty"],
)
def test_what_is_no_whole_gzip_is_taken_for_plain(data):
    assert read_json(event(data=data), MOST_BYTES) == data


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/json; charset=utf-8", "Application/JSON", "application/json "],
)
def test_other_content_types_are_refused(content_type):
    with pytest.raises(MalformedEvent, match="content type"):
        read_json(event(content_type=content_type, data=TEXT), MOST_BYTES)


@pytest.mark.parametrize("content_type", [JSON, COMPRESSED_JSON])
def test_data_that_is_too_long_is_refused(content_type):
    data = TEXT if content_type == JSON else compress(TEXT)
    with pytest.raises(MalformedEvent, match=f"more than {len(TEXT) - 1} bytes"):
        read_json(event(content_type=content_type, data=data), len(TEXT) - 1)


def test_a_bomb_does_not_go_off():
    packer = zlib.compressobj(wbits=31)
    zeros = b"\0" * 1_000_000
    bomb = b"".join(packer.compress(zeros) for _ in range(200)) + packer.flush()
    assert len(bomb) < 1_000_000
    with pytest.raises(MalformedEvent, match="more than"):
        read_json(event(data=bomb), MOST_BYTES)
