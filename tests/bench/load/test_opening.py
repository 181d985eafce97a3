import pytest

from bench.load.opening import StreamRefused, is_ready

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
MARK = b"event: features"


@pytest.mark.parametrize("seen", [b"", b"HTTP", HEAD, HEAD + b"event: ack\ndata: {}\n\n"])
def test_a_stream_without_its_first_event_is_not_ready_yet(seen):
    assert not is_ready(seen, MARK)


def test_the_mark_makes_a_stream_ready():
    assert is_ready(HEAD + b"event: features\ndata: []", MARK)


@pytest.mark.parametrize("seen", [b"HTTP/1.1 404", b"SSH-2.0"])
def test_anything_but_a_200_is_a_refusal(seen):
    with pytest.raises(StreamRefused, match="answered"):
        is_ready(seen, MARK)


def test_a_failure_event_is_a_refusal():
    with pytest.raises(StreamRefused, match="key"):
        is_ready(HEAD + b'event: failure\ndata: {"status":"no"}\n\n', MARK)


def test_an_endless_opening_is_a_refusal():
    with pytest.raises(StreamRefused, match="no first event"):
        is_ready(HEAD + bytes(5 << 20), MARK)
