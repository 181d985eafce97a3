import socket
import threading
from contextlib import contextmanager

import pytest

from bench.load.polls import PollRefused, Polls, PollTarget

HEAD = b"GET /features HTTP/1.1\r\nhost: x\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n" + b"x" * 30
KNOWN = b'HTTP/1.1 304 Not Modified\r\netag: "1"\r\n\r\n'


@contextmanager
def served(answer, *, status=200, depth=1, traced=False):
    """Answer each head with `answer`, a function of its number, from a thread per connection."""
    heads = []
    lock = threading.Lock()

    def serve(client):
        with client:
            data = b""
            try:
                while received := client.recv(65536):
                    data += received
                    answers = b""
                    while b"\r\n\r\n" in data:
                        head, _, data = data.partition(b"\r\n\r\n")
                        with lock:
                            heads.append(head)
                            answers += answer(len(heads))
                    if not answers:
                        return
                    client.sendall(answers)
            except ConnectionError:
                return

    def accept():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        port = listener.getsockname()[1]
        polls = Polls(PollTarget("127.0.0.1", port, HEAD, status, traced), depth=depth)
        try:
            yield polls, heads
        finally:
            polls.close()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_every_answer_is_counted_and_stamped():
    with served(lambda _: WHOLE) as (polls, heads):
        polls.open_all(3)
        assert len(heads) == 3
        polled = polls.play(0.05)
        assert polled.answers == len(polled.latencies_ns) == len(heads) - 3 >= 3
        assert polled.received_bytes == polled.answers * len(WHOLE)
        assert min(polled.latencies_ns) > 0
        assert polled.seconds >= 0.05


def test_an_answer_without_a_body_has_no_length():
    with served(lambda _: KNOWN, status=304) as (polls, heads):
        polls.open_all(1)
        assert polls.play(0.02).answers == len(heads) - 1 > 0


def test_pipelined_requests_are_batches():
    with served(lambda _: WHOLE, depth=8) as (polls, heads):
        polls.open_all(2)
        polled = polls.play(0.05)
        assert polled.answers == 8 * len(polled.latencies_ns) == len(heads) - 2


def test_traced_requests_are_all_different():
    with served(lambda _: WHOLE, traced=True) as (polls, heads):
        polls.open_all(2)
        polls.play(0.02)
        assert len(set(heads)) == len(heads)
        assert all(b"\r\ntraceparent: 00-" in head for head in heads)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"",
    ],
)
def test_a_server_that_answers_otherwise_is_refused_at_once(answer):
    with served(lambda _: answer) as (polls, _), pytest.raises(PollRefused):
        polls.open_all(1)


@pytest.mark.parametrize(
    "later",
    [
        WHOLE.replace(b"200 OK", b"404 No"),
        WHOLE + b"more",
        WHOLE[:-1] + b"y",
        b"",
    ],
)
def test_a_later_answer_has_to_be_like_the_first_one(later):
    def answer(number):
        return WHOLE if number == 1 else later

    with served(answer) as (polls, _):
        polls.open_all(1)
        with pytest.raises(PollRefused):
            polls.play(5)


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    polls = Polls(PollTarget("127.0.0.1", port, HEAD, 200))
    with pytest.raises(PollRefused, match="connect"):
        polls.open_all(1)
    polls.close()
