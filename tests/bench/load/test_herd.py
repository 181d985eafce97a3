import time
from contextlib import contextmanager

import pytest

from bench.load import herd as herd_module
from bench.load.herd import Herd, HerdLost, HerdTarget, learn_last_event_id
from fh.wire.sse import chunk, encode_json, share_json
from tests.bench.load.scripted import scripted

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
DISCOVER = chunk(encode_json("ack", b'{"status":"discover"}'))
HEAVY = b"[%b]" % (b"7" * 300_000)


def features(data=HEAVY, event_id="tag//0"):
    return b"".join(share_json("features", data, event_id).chunk_parts())


@contextmanager
def herd_at(answer):
    with scripted(answer) as port:
        herd = Herd(HerdTarget("127.0.0.1", port, "/features/e/s"))
        try:
            yield herd
        finally:
            herd.close()


def soon(seconds=10):
    return time.monotonic() + seconds


def answer_whole(_number, request):
    held = b"last-event-id: tag//0\r\n" in request
    return HEAD + (b"" if held else DISCOVER + features()), False


def test_all_leave_and_come_back_for_their_features():
    with herd_at(answer_whole) as herd:
        herd.settle(5, "tag//0", window=2, deadline=soon())
        came = herd.come_back(deadline=soon())
        assert len(came.served_seconds) == 5
        assert (came.turned_away, came.ended_early) == (0, 0)
        whole = len(HEAD + DISCOVER + features())
        assert came.received_bytes == 5 * whole
        assert came.connected_seconds > 0


@pytest.mark.parametrize("size", [1, 4000, 8192, 20_000])
def test_features_of_any_size_are_recognised(size):
    data = b"[%b]" % (b"7" * size)
    with herd_at(lambda *_: (HEAD + DISCOVER + features(data), False)) as herd:
        herd.settle(1, "", window=1, deadline=soon())
        assert len(herd.come_back(deadline=soon()).served_seconds) == 1


def test_whoever_is_turned_away_comes_back_when_it_was_told_to(monkeypatch):
    unavailable = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\r\n"
    bye = HEAD + DISCOVER + chunk(encode_json("bye", b'{"status":"closed"}'))
    monkeypatch.setattr(herd_module, "_ENDED_PAUSE_SECONDS", 0.0)

    def answer(number, request):
        answers = {3: (unavailable, True), 4: (bye, True)}
        return answers.get(number, answer_whole(number, request))

    with herd_at(answer) as herd:
        herd.settle(2, "tag//0", window=2, deadline=soon())
        start = time.monotonic()
        came = herd.come_back(deadline=soon())
        assert time.monotonic() - start >= 1
        assert (came.turned_away, came.ended_early) == (1, 1)
        assert len(came.served_seconds) == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "answered"),
        (HEAD + chunk(encode_json("failure", b"{}")), "refuses the key"),
        (HEAD + DISCOVER, "no features in time"),
        (HEAD + DISCOVER + features()[:-5], "no features in time"),
    ],
)
def test_whoever_is_not_served_is_lost(answer, reason):
    def first_whole(number, request):
        return answer_whole(number, request) if number == 1 else (answer, False)

    with herd_at(first_whole) as herd:
        herd.settle(1, "tag//0", window=1, deadline=soon())
        with pytest.raises(HerdLost, match=reason):
            herd.come_back(deadline=soon(1))


def test_nobody_settles_where_nobody_answers():
    with (
        herd_at(lambda *_: (b"", False)) as herd,
        pytest.raises(HerdLost, match="2 of 2 were not answered"),
    ):
        herd.settle(2, "", window=1, deadline=soon(0.2))
    with (
        herd_at(lambda *_: (b"HTTP/1.1 500 X\r\n\r\n", False)) as herd,
        pytest.raises(HerdLost, match="500"),
    ):
        herd.settle(1, "", window=1, deadline=soon())


def test_the_id_of_the_features_is_learnt():
    with scripted(answer_whole) as port:
        assert learn_last_event_id(HerdTarget("127.0.0.1", port, "/features/e/s")) == "tag//0"
    with scripted(lambda *_: (HEAD, True)) as port, pytest.raises(HerdLost, match="no features"):
        learn_last_event_id(HerdTarget("127.0.0.1", port, "/features/e/s"))
