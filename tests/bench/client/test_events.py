import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.client.events import EventDecoder, Unreadable, decode_features

STREAM = (
    ": a comment\n"
    "retry: 1500\n"
    'event: features\nid: one\ndata: [{"id":"1","key":"a","version":3,"l":true,"type":"STRING"}]\n'
    "\n"
    'event: feature\r\ndata: {"key":"b","version":7,"value":"é","more":[1]}\r\n\r\n'
    'event: ack\rdata: "x"\rdata: y\r\r'
    "data\n\n"
)


@given(cuts=st.lists(st.integers(min_value=1, max_value=60), min_size=1, max_size=8))
def test_events_are_the_same_however_their_bytes_are_cut(cuts):
    decoder, events, data = EventDecoder(), [], STREAM.encode()
    for turn in range(len(data)):
        size = cuts[turn % len(cuts)]
        piece, data = data[:size], data[size:]
        events += decoder.feed(piece)
    listed, changed, other, nameless = events
    assert (listed.name, listed.event_id, listed.features[0].locked) == ("features", "one", True)
    assert (changed.features[0].key, changed.features[0].version) == ("b", 7)
    assert bytes(changed.features[0].value) == '"é"'.encode()
    assert (other.name, other.data, other.event_id) == ("ack", '"x"\ny', "")
    assert (nameless.name, nameless.data) == ("message", "")
    assert decoder.retry_seconds == 1.5


@pytest.mark.parametrize(
    "data", ['event: features\ndata: {"a":1}\n\n', "event: feature\ndata: x\n\n"]
)
def test_features_that_are_none_are_not_read(data):
    with pytest.raises(Unreadable):
        EventDecoder().feed(data.encode())


def test_an_event_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr("bench.client.events.MOST_EVENT_BYTES", 100)
    decoder = EventDecoder()
    decoder.feed(b"data: " + bytes(50))
    with pytest.raises(Unreadable, match="more than"):
        decoder.feed(bytes(50))


def test_a_list_of_features_is_read_from_text_and_from_bytes():
    assert decode_features(b'[{"key":"a"}]') == decode_features('[{"key":"a"}]')
