import select
import time

import pytest

from bench.load.live import LivePlan, LiveStreams
from tests.bench.scripted import HEAD, chunk, feature, feature_event, features_event, scripted

REQUEST = b"GET /features/env/key HTTP/1.1\r\n"
LIST = HEAD + features_event(feature(1), event_id="one")


@pytest.fixture
def open_streams():
    opened = []

    def start(server, count, **parts):
        epoll = select.epoll()
        plan = LivePlan("127.0.0.1", server.port, (REQUEST,), ("flag",), count, **parts)
        streams = LiveStreams(plan, epoll)
        opened.append((streams, epoll))
        streams.open_all()
        return streams

    yield start
    for streams, epoll in opened:
        streams.close()
        epoll.close()


def turn_until(streams, holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, streams.holdings.counts
        streams.turn()


def test_streams_that_were_told_everything_are_live(open_streams):
    with scripted([LIST + feature_event(2)]) as server:
        streams = open_streams(server, 1)
        turn_until(streams, lambda: streams.holdings.counts.deliveries)
        assert (streams.live, streams.met) == (1, 1)
        assert streams.holdings.grouped() == [(0, (2,), 1)]
        assert streams.openings.count == 1


def test_a_stream_that_ended_comes_back_with_its_last_event_id_and_what_it_held(open_streams):
    bye = chunk("event: bye\ndata: {}\n\n")
    with scripted([LIST + bye, HEAD + feature_event(2, "two")]) as server:
        streams = open_streams(server, 1)
        turn_until(streams, lambda: streams.holdings.counts.deliveries)
        assert b"Last-Event-ID: one\r\n" in server.requests[1]
        counts = streams.holdings.counts
        # It is live again though nobody told it a list: it had shown what it holds.
        assert (counts.opened, counts.ended, streams.live, streams.met) == (2, 1, 1, 1)


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        (b"HTTP/1.1 503 no\r\n\r\n", "unavailable"),
        (b"HTTP/1.1 404 no\r\n\r\n", "denied"),
        (b"HTTP/1.1 200 OK\r\n\r\nevent: features\n", "garbled"),
        (HEAD + b"nonsense\r\n", "garbled"),
        (b"", "refused"),
    ],
)
def test_what_is_no_stream_is_counted_and_tried_again(open_streams, answer, count):
    with scripted([answer, LIST]) as server:
        streams = open_streams(server, 1)
        turn_until(streams, lambda: streams.live)
        assert getattr(streams.holdings.counts, count) == 1
        assert sum(streams.holdings.counts.each()[2:7]) == 1


def test_nobody_who_listens_is_counted_and_tried_again(open_streams):
    with scripted([], hold_last=False) as server:
        pass
    streams = open_streams(server, 1)
    turn_until(streams, lambda: streams.holdings.counts.refused > 1)
    assert (streams.live, streams.met) == (0, 0)


def test_no_more_are_opening_at_once_than_the_window_allows(open_streams):
    with scripted([LIST] * 5) as server:
        streams = open_streams(server, 5, window=1)
        turn_until(streams, lambda: streams.met == 5)
        assert len(server.requests) >= 5


def test_those_who_leave_come_back_some_of_them_as_others(open_streams):
    with scripted([LIST] * 40, hold_all=True) as server:
        streams = open_streams(server, 1)
        turn_until(streams, lambda: streams.met)
        streams.churn(1_000, 0.0)
        turn_until(streams, lambda: len(server.requests) == 40)
        streams.churn(0, 0.0)
        resumed = [b"Last-Event-ID" in request for request in server.requests]
        assert set(resumed[1:]) == {True, False}
        counts = streams.holdings.counts
        assert (counts.left, counts.ended, counts.back) == (39, 0, 0)
