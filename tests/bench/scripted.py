"""A server that says what a test wants, and keeps what it was asked."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(text: str) -> bytes:
    return f"{len(text.encode()):x}\r\n{text}\r\n".encode()


def feature(version: int, key: str = "flag", value: str = "x") -> str:
    return (
        f'{{"id":"1","key":"{key}","l":false,"version":{version},'
        f'"type":"STRING","value":"{value}"}}'
    )


def features_event(*features: str, event_id: str = "") -> bytes:
    head = f"id: {event_id}\n" if event_id else ""
    return chunk(f"{head}event: features\ndata: [{','.join(features)}]\n\n")


def feature_event(version: int, event_id: str = "", value: str = "x") -> bytes:
    head = f"id: {event_id}\n" if event_id else ""
    return chunk(f"{head}event: feature\ndata: {feature(version, value=value)}\n\n")


@dataclass
class Scripted:
    """`requests` are the heads that arrived, in the order of the answers."""

    port: int
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def scripted(
    answers: Sequence[bytes], *, hold_last: bool = True, hold_all: bool = False
) -> Iterator[Scripted]:
    """Answer each connection with the next of `answers` and close it; the last may stay open."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Scripted(listener.getsockname()[1])
        ended = threading.Event()

        def serve() -> None:
            with ExitStack() as held:
                for number, answer in enumerate(answers, 1):
                    connection = held.enter_context(listener.accept()[0])
                    request = b""
                    while b"\r\n\r\n" not in request:
                        request += connection.recv(4096)
                    server.requests.append(request)
                    connection.sendall(answer)
                    if hold_last and number == len(answers):
                        ended.wait(30)
                    if not hold_all:
                        connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            ended.set()
            thread.join()
