import socket
import threading

import pytest

from bench.load.refused_polls import NotRefused, poll_unknown_keys

REFUSED = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


def serve(listener, answer):
    """Answer every head on one connection; `heads` is what was asked."""
    heads = []

    def run():
        client, _ = listener.accept()
        with client:
            data = b""
            while received := client.recv(65536):
                data += received
                while b"\r\n\r\n" in data:
                    head, _, data = data.partition(b"\r\n\r\n")
                    heads.append(head)
                    client.sendall(answer)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return heads, thread


def test_refusals_are_counted_whatever_parts_they_come_in():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        heads, thread = serve(listener, REFUSED)
        refused = poll_unknown_keys(
            "127.0.0.1", port, ["e/a", "e/b"], connections=1, depth=3, seconds=0.1
        )
        thread.join(5)
        assert refused.polls > 3
        assert refused.seconds >= 0.1
        assert len(heads) >= refused.polls
        assert {head.split(b" ")[1] for head in heads} == {
            b"/features?apiKey=e/a",
            b"/features?apiKey=e/b",
        }


def test_a_key_that_is_served_is_no_unknown_one():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serve(listener, REFUSED.replace(b"404", b"200"))
        with pytest.raises(NotRefused, match="200"):
            poll_unknown_keys(*listener.getsockname(), ["e/a"], connections=1, depth=1, seconds=1)
