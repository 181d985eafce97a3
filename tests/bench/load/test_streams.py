import socket
import threading
import time
from contextlib import contextmanager

import pytest

from bench.load.marker import marker_text
from bench.load.opening import StreamRefused
from bench.load.outcomes import BY_STRATEGY, offset_due
from bench.load.streams import Streams, Target

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


@contextmanager
def served(count, answer=HEAD, *, user_keys=False):
    """Serve `count` streams from a thread; give their sockets in the order of accepting."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted = []

        def serve():
            for _ in range(count):
                stream, _ = listener.accept()
                accepted.append(stream)
                stream.recv(4096)
                stream.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        target = Target("127.0.0.1", port, b"GET / HTTP/1.1\r\n", b"\r\n\r\n", user_keys)
        streams = Streams(target)
        try:
            yield streams, accepted, thread
        finally:
            thread.join()
            streams.close()
            for stream in accepted:
                stream.close()


def soon(seconds=10.0):
    return time.monotonic() + seconds


def test_all_streams_are_opened():
    with served(5) as (streams, accepted, thread):
        opened = streams.open_all(5, window=2, deadline=soon())
        thread.join()
        assert opened.streams == len(accepted) == 5
        assert opened.seconds > 0


def test_each_stream_counts_an_event_once():
    with served(3) as (streams, accepted, _):
        streams.open_all(3, window=3, deadline=soon())
        before_ns = time.monotonic_ns()
        for stream in accepted:
            stream.sendall(marker_text(1).encode())
        delivered = streams.receive(1, deadline=soon())
        assert delivered.finished == 3
        assert all(before_ns < receipt < time.monotonic_ns() for receipt in delivered.receipts[1])
        assert delivered.received_bytes == 3 * len(marker_text(1))
        assert delivered.duplicates == 0


def test_a_marker_in_two_pieces_counts():
    with served(1) as (streams, accepted, _):
        streams.open_all(1, window=1, deadline=soon())
        marker = marker_text(1).encode()
        accepted[0].sendall(b"data: " + marker[:9])
        assert not streams.receive(1, deadline=soon(0.01)).receipts
        accepted[0].sendall(marker[9:])
        assert streams.receive(1, deadline=soon()).finished == 1


def test_an_event_that_comes_twice_is_a_duplicate():
    with served(1) as (streams, accepted, _):
        streams.open_all(1, window=1, deadline=soon())
        accepted[0].sendall(marker_text(1).encode() * 2)
        delivered = streams.receive(1, deadline=soon())
        assert (delivered.finished, delivered.duplicates) == (1, 1)


def test_what_does_not_arrive_in_time_is_missing():
    with served(2) as (streams, accepted, _):
        streams.open_all(2, window=2, deadline=soon())
        accepted[0].sendall(marker_text(1).encode())
        assert streams.receive(1, deadline=soon(0.0)).finished == 1


def test_a_stream_that_ends_is_not_waited_for():
    with served(2) as (streams, accepted, _):
        streams.open_all(2, window=2, deadline=soon())
        accepted[0].close()
        accepted[1].sendall(marker_text(1).encode())
        delivered = streams.receive(1, deadline=soon())
        assert (delivered.finished, delivered.ended_streams) == (1, 1)


def test_the_last_event_of_a_stream_that_ends_with_it_counts():
    with served(1) as (streams, accepted, _):
        streams.open_all(1, window=1, deadline=soon())
        accepted[0].sendall(marker_text(1).encode())
        accepted[0].close()
        delivered = streams.receive(1, deadline=soon())
        assert (delivered.finished, delivered.ended_streams) == (1, 1)


def test_the_marker_of_the_first_snapshot_is_no_event():
    with served(1, HEAD + marker_text(4).encode()) as (streams, accepted, _):
        streams.open_all(1, window=1, deadline=soon())
        accepted[0].sendall(marker_text(5).encode())
        delivered = streams.receive(5, deadline=soon())
        assert (delivered.finished, delivered.duplicates) == (1, 0)


def test_each_stream_has_to_get_the_value_that_is_due_to_its_user():
    with served(6, user_keys=True) as (streams, accepted, thread):
        streams.open_all(6, window=1, deadline=soon())  # so that they are accepted in their order
        thread.join()
        due = [offset_due(index, user_keys=True) for index in range(6)]
        for number, wrong in ((1, 0), (2, 2)):
            offsets = [BY_STRATEGY - offset for offset in due[:wrong]] + due[wrong:]
            for stream, offset in zip(accepted, offsets, strict=True):
                stream.sendall(marker_text(number + offset).encode())
            delivered = streams.receive(number, deadline=soon())
            assert (delivered.finished, delivered.duplicates) == (6, 0)
            assert delivered.wrong_outcomes == wrong
            assert delivered.by_strategy == sum(map(bool, offsets))


def test_a_stream_tells_its_user_only_when_asked_to():
    with served(0, user_keys=True) as (streams, _, _):
        assert streams._head(3, 99) == b"GET / HTTP/1.1\r\nx-featurehub: userkey=3\r\n\r\n"
    with served(0) as (streams, _, _):
        assert streams._head(3, 99) == b"GET / HTTP/1.1\r\n\r\n"


def test_a_refused_stream_ends_the_opening():
    with (
        served(1, b"HTTP/1.1 404 Not Found\r\n\r\n") as (streams, _, _),
        pytest.raises(StreamRefused, match="404"),
    ):
        streams.open_all(1, window=1, deadline=soon())


def test_a_stream_that_never_gets_ready_ends_the_opening_at_the_deadline():
    with (
        served(1, b"HTTP/1.1 200") as (streams, _, _),
        pytest.raises(StreamRefused, match="0 of 1"),
    ):
        streams.open_all(1, window=1, deadline=soon(0.05))


def test_a_port_without_a_server_refuses():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        streams = Streams(Target("127.0.0.1", unused.getsockname()[1], b"", b"\r\n"))
        with pytest.raises(StreamRefused, match="refused"):
            streams.open_all(1, window=1, deadline=soon())
        streams.close()
