import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.client.events import Unreadable
from bench.load.told import Kind, News, Telling, sent_value
from tests.bench.scripted import chunk, feature, feature_event, features_event

SENT = 123_456_789
STREAM = (
    chunk('event: ack\ndata: {"status":"discover"}\n\n')
    + features_event(feature(3), feature(1, "other"), feature(9, "unwatched"), event_id="one")
    + feature_event(4, "two", sent_value(SENT, 100))
    + chunk('event: delete_feature\ndata: {"key":"other","version":0}\n\n')
    + chunk("event: failure\ndata: {}\n\n")
    + chunk("event: bye\ndata: {}\n\n")
    + b"0\r\n\r\n"
)
NEWS = [
    News(Kind.OTHER),
    News(Kind.LIST, ((0, 3), (1, 1)), b"one"),
    News(Kind.CHANGE, ((0, 4),), b"two", SENT),
    News(Kind.DELETION, ((1, 0),)),
    News(Kind.FAILURE),
    News(Kind.BYE),
]


@given(cuts=st.lists(st.integers(min_value=1, max_value=200), min_size=1, max_size=8))
def test_the_same_is_told_however_the_bytes_are_cut(cuts):
    telling, rest, found, data = Telling({"flag": 0, "other": 1}), b"", [], STREAM
    for turn in range(len(data)):
        size = cuts[turn % len(cuts)]
        news, rest = telling.read(rest + data[:size])
        found += news
        data = data[size:]
    assert (found, rest) == (NEWS, b"")


def test_what_many_streams_are_told_is_worked_out_once():
    telling = Telling({"flag": 0})
    event = feature_event(4)
    assert telling.read(event) is telling.read(bytes(bytearray(event)))


def test_an_event_may_be_spread_over_chunks():
    text = f"event: feature\ndata: {feature(5)}\n\n"
    data = chunk(text[:20]) + chunk(text[20:])
    telling = Telling({"flag": 0})
    news, rest = telling.read(data[:-9])
    assert (news, rest) == ((), data[:-9])
    news, rest = telling.read(data)
    assert [each.versions for each in news] == [((0, 5),)]
    assert rest == b""


@pytest.mark.parametrize("data", [b"hello\r\n", chunk("event: feature\ndata: x\n\n")])
def test_what_is_no_stream_is_not_read(data):
    with pytest.raises(Unreadable):
        Telling({}).read(data)


def test_a_value_without_an_instant_tells_none():
    (news,), _ = Telling({"flag": 0}).read(feature_event(1, value="fhsent:12;"))
    assert news.sent_ns == 0


def test_a_value_is_as_long_as_asked_for_but_always_tells():
    assert len(sent_value(1, 200)) == 200
    assert sent_value(1, 0).startswith("fhsent:")
