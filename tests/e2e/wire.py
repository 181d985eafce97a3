"""HTTP/1.1 over a raw socket: a test says which bytes go out and sees which come back."""

import contextlib
import json
import socket
import struct
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import quote

WAIT_SECONDS = 15
ACK = b'event: ack\ndata: {"status":"discover"}\n\n'
STREAM_HEADERS = ("accept: text/event-stream",)

# Linux: a socket closed in this mode leaves without a word. Needs CAP_NET_ADMIN.
_TCP_REPAIR = 19


def poll_target(key: str) -> str:
    """Return what an SDK asks for when it polls with this key."""
    return f"/features?apiKey={quote(key, safe='')}&contextSha=0"


def wait_polled(port: int, key: str, **values: object) -> None:
    """Wait until a poll lists exactly these features with these values; a change may take a while.

    A feature without a value is given as None.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with Wire(port) as wire:
            answer = wire.ask("GET", poll_target(key))
        assert answer.status == 200, answer
        (environment,) = json.loads(answer.body)
        polled = {feature["key"]: feature.get("value") for feature in environment["features"]}
        if polled == values:
            return
        assert time.monotonic() < deadline, f"{polled} has not become {values}"
        time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Head:
    status: int
    headers: dict[str, str]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    head: Head
    body: bytes

    @property
    def status(self) -> int:
        return self.head.status

    def header(self, name: str) -> str | None:
        return self.head.headers.get(name)


class Wire:
    """One connection; reading is bounded by `wait_seconds`."""

    def __init__(self, port: int, *, wait_seconds: float = WAIT_SECONDS, receive_buffer: int = 0):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(wait_seconds)
        self.socket.connect(("127.0.0.1", port))
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(self, method: str, target: str, *headers: str, body: bytes = b"") -> None:
        lines = [f"{method} {target} HTTP/1.1", "host: localhost", *headers]
        if body:
            lines.append(f"content-length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def ask(self, method: str, target: str, *headers: str, body: bytes = b"") -> Answer:
        self.request(method, target, *headers, body=body)
        return self.read_answer(has_body=method != "HEAD")

    def read_answer(self, *, has_body: bool = True) -> Answer:
        head = self.read_head()
        if not has_body or head.status in {204, 304}:
            return Answer(head, b"")
        if head.headers.get("transfer-encoding") == "chunked":
            chunks = []
            while chunk := self.read_chunk():
                chunks.append(chunk)
            return Answer(head, b"".join(chunks))
        if "content-length" in head.headers:
            return Answer(head, self._take(int(head.headers["content-length"])))
        return Answer(head, self.read_to_the_end())

    def read_head(self) -> Head:
        status, *lines = self._take_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        pairs = [line.split(":", 1) for line in lines if line]
        headers = {name.lower(): value.strip() for name, value in pairs}
        return Head(int(status.split(" ")[1]), headers, tuple(name for name, _ in pairs))

    def read_chunk(self) -> bytes:
        """Return the next chunk of a chunked body; the last one is empty."""
        size = int(self._take_until(b"\r\n"), 16)
        return self._take(size + len(b"\r\n"))[:size]

    def read_events(self, count: int) -> bytes:
        """Return the text of the next `count` server-sent events."""
        text = b""
        while text.count(b"\n\n") < count:
            chunk = self.read_chunk()
            assert chunk, f"the stream ended after {text!r}"
            text += chunk
        assert text.count(b"\n\n") == count, text
        return text

    def read_to_the_end(self) -> bytes:
        while self._receive():
            pass
        rest, self._received = self._received, b""
        return rest

    def is_closed_by_peer(self) -> bool:
        """Wait until the peer has closed, throwing away what it still says."""
        try:
            self.read_to_the_end()
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True

    def reset(self) -> None:
        """Close with RST."""
        linger = struct.pack("ii", 1, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.socket.close()

    def vanish(self) -> None:
        """Be gone as after a power cut, without FIN or RST; with RST where that is forbidden."""
        with contextlib.suppress(PermissionError):
            self.socket.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
            self.socket.close()
            return
        self.reset()

    def _take(self, count: int) -> bytes:
        while len(self._received) < count:
            assert self._receive(), f"the peer closed after {self._received!r}"
        taken, self._received = self._received[:count], self._received[count:]
        return taken

    def _take_until(self, mark: bytes) -> bytes:
        while mark not in self._received:
            assert self._receive(), f"the peer closed after {self._received!r}"
        taken, _, self._received = self._received.partition(mark)
        return taken

    def _receive(self) -> bool:
        data = self.socket.recv(65536)
        self._received += data
        return bool(data)
