"""What Java reads and writes, every event of the catalogue, both ways and to the byte."""

import gzip

import pytest

from fh.bus.events import decode_event, encode_json, pair_of, published_event, update_event
from fh.bus.notices import (
    enriched_event,
    messaging_event,
    ping_event,
    slack_test_event,
    tracked_result_event,
    usage_event,
    webhook_result_event,
)
from fh.wire.cloudevents import COMPRESSED_JSON, JSON, decode, encode_headers
from tests.bus.golden_events import ANNOUNCEMENTS, AT, EVENT_ID, ID, UPDATES, Golden
from tests.bus.golden_notices import NOTICES, READ_ONLY

MOST_BYTES = 100_000
EVERY = {**ANNOUNCEMENTS, **UPDATES, **NOTICES, **READ_ONLY}
GZIP_HEADER = bytes.fromhex("1f 8b 08 00 00 00 00 00")  # deflate, no name, no time

WRITERS = {
    "usage": lambda json: usage_event(json, AT, EVENT_ID, "http://edge-full"),
    "ping": lambda json: ping_event(json, AT, EVENT_ID),
    "enriched": lambda json: enriched_event(json, AT, ID["E"]),
    "webhook result": lambda json: webhook_result_event(json, AT, f"{ID['E']}/1784793007123"),
    "tracked result": lambda json: tracked_result_event(json, AT, EVENT_ID, "http://mr"),
    "message for Slack": lambda json: messaging_event(json, AT, EVENT_ID, ID["O"]),
    "test of Slack": lambda json: slack_test_event(json, AT, EVENT_ID, ID["O"], "http://mr"),
}


def assert_golden(sent, golden: Golden) -> None:
    assert list(encode_headers(sent).items()) == list(golden.headers.items())
    if golden.content_type == JSON:
        assert sent.data == golden.json
    else:
        assert sent.data[: len(GZIP_HEADER)] == GZIP_HEADER
        assert gzip.decompress(sent.data) == golden.json


@pytest.mark.parametrize("name", ANNOUNCEMENTS)
def test_an_announcement_is_written_like_this(name):
    golden = ANNOUNCEMENTS[name]
    assert_golden(published_event(golden.value, encode_json(golden.value), AT), golden)


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_is_written_like_this(name):
    golden = UPDATES[name]
    assert_golden(update_event(encode_json(golden.value), AT, EVENT_ID), golden)


@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_is_written_like_this(name):
    golden = NOTICES[name]
    assert_golden(WRITERS[name](encode_json(golden.value)), golden)


def test_a_number_of_ours_is_one_more_header_that_java_leaves_alone():
    golden = ANNOUNCEMENTS["no account"]
    sent = published_event(golden.value, encode_json(golden.value), AT, 7)
    assert encode_headers(sent) == {**golden.headers, "ce-fhsequence": "7"}


def read(golden: Golden, data: bytes, content_type: str):
    event = decode({**golden.headers, "content-type": content_type}, data)
    assert pair_of(event) == (golden.type, golden.subject)
    assert (event.source, event.id, event.time) == (golden.source, golden.id, AT)
    assert event.extensions == golden.extensions
    return decode_event(event, MOST_BYTES)


@pytest.mark.parametrize("name", EVERY)
def test_every_event_is_read_plain_compressed_and_plain_under_a_false_name(name):
    golden = EVERY[name]
    assert read(golden, golden.json, JSON) == golden.value
    assert read(golden, gzip.compress(golden.json), COMPRESSED_JSON) == golden.value
    assert read(golden, golden.json, COMPRESSED_JSON) == golden.value


@pytest.mark.parametrize("name", EVERY)
def test_members_of_a_later_version_are_left_out(name):
    golden = EVERY[name]
    more = golden.json.replace(b"{", b'{ "later" : {"a":[null]} , ', 1)
    read_value = read(golden, more, JSON)
    if isinstance(read_value, dict):  # has no members of its own
        del read_value["later"]
    assert read_value == golden.value


def test_no_value_tells_a_secret_to_a_log():
    for golden in EVERY.values():
        assert "hQ8" not in repr(golden.value)
        assert "slack.channel" not in repr(golden.value)
