"""Somebody else on the bus: NATS' protocol by hand, so that every byte is the test's own."""

from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import trio


@dataclass(frozen=True)
class Received:
    subject: str
    reply: str
    headers: dict[str, str]
    data: bytes


class Peer:
    """One connection. `receive` and `sync` are for one task."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._received: deque[Received] = deque()
        self._subscriptions = 0

    async def connect(self, **options: Any) -> None:
        await self._line()  # INFO
        hello = {"verbose": False, "headers": True, "no_responders": True, **options}
        await self._stream.send_all(b"CONNECT %b\r\n" % msgspec.json.encode(hello))
        await self.sync()

    async def publish(
        self,
        subject: str,
        data: bytes,
        headers: Mapping[str, str] | bytes | None = None,
        reply: str | bytes = b"",
    ) -> None:
        """Send a message; `headers` as bytes are sent as they are, line ends and all."""
        if isinstance(headers, Mapping):
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            headers = f"NATS/1.0\r\n{lines}\r\n".encode()
        to = reply if isinstance(reply, bytes) else reply.encode()
        words = [subject.encode(), to] if to else [subject.encode()]
        if headers is None:
            words = [b"PUB", *words, b"%d" % len(data)]
        else:
            words = [b"HPUB", *words, b"%d" % len(headers), b"%d" % (len(headers) + len(data))]
        await self._stream.send_all(b"%b\r\n%b%b\r\n" % (b" ".join(words), headers or b"", data))

    async def subscribe(self, subject: str, queue: str = "") -> None:
        self._subscriptions += 1
        line = f"SUB {subject} {queue} {self._subscriptions}\r\n".replace("  ", " ")
        await self._stream.send_all(line.encode())
        await self.sync()

    async def sync(self) -> None:
        """Return when the server has taken everything sent so far."""
        await self._stream.send_all(b"PING\r\n")
        while await self._advance() != b"PONG":
            pass

    async def receive(self) -> Received:
        while not self._received:
            await self._advance()
        return self._received.popleft()

    async def receive_all(self) -> list[Received]:
        """Return what has arrived here once everything sent so far was taken."""
        await self.sync()
        received = list(self._received)
        self._received.clear()
        return received

    async def _advance(self) -> bytes:
        line = await self._line()
        verb, *words = line.split()
        if verb == b"PING":
            await self._stream.send_all(b"PONG\r\n")
        elif verb in {b"MSG", b"HMSG"}:
            sizes = 2 if verb == b"HMSG" else 1
            head, *lengths = (words[:-sizes], *map(int, words[-sizes:]))
            total = lengths[-1]
            head_bytes = lengths[0] if sizes > 1 else 0
            body = await self._exactly(total + 2)
            reply = head[2].decode() if len(head) > 2 else ""
            self._received.append(
                Received(
                    head[0].decode(),
                    reply,
                    _headers(body[:head_bytes]),
                    body[head_bytes:total],
                )
            )
        return verb

    async def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            await self._fill()
        line, _, rest = self._buffer.partition(b"\r\n")
        self._buffer = rest
        return bytes(line)

    async def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._fill()
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    async def _fill(self) -> None:
        data = await self._stream.receive_some(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._buffer += data


@asynccontextmanager
async def open_peer(port: int, **options: Any) -> AsyncIterator[Peer]:
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        peer = Peer(stream)
        await peer.connect(**options)
        yield peer


def _headers(block: bytes) -> dict[str, str]:
    lines = block.decode().split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines if line)
