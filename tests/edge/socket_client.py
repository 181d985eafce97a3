"""Clients of Edge's WebSockets: trio-websocket's, and a raw one that may say anything."""

import json
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trio
from edge_under_test import SERVER_KEY, Client, EdgeUnderTest
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from fh.model.sdk_key import SdkKey

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
NONCE = "dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {NONCE}\r\n"
)

Message = tuple[str, str, object]


def path(key: SdkKey = SERVER_KEY, query: str = "") -> str:
    return f"/features/ws/{key.environment_id}/{key.secret}{query}"


def handshake(key: SdkKey = SERVER_KEY, query: str = "", headers: str = UPGRADE) -> bytes:
    return f"GET {path(key, query)} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, masked: bool = True) -> bytes:
    """Return one frame as a client sends it."""
    head = bytes([opcode | (0x80 if final else 0)])
    mask_bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([mask_bit | len(payload)])
    elif len(payload) < 65_536:
        head += struct.pack("!BH", mask_bit | 126, len(payload))
    else:
        head += struct.pack("!BQ", mask_bit | 127, len(payload))
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


@dataclass
class RawSocket:
    """A WebSocket of which a test writes every byte itself."""

    client: Client

    async def send(self, opcode: int, payload: bytes = b"", **options: bool) -> None:
        await self.client.send(frame(opcode, payload, **options))

    async def read(self) -> tuple[int, bytes]:
        """Return opcode and payload of the next frame."""
        first, size = await self._take(2)
        assert first & 0xF0 == 0x80, "servers send whole messages, without extensions"
        if size == 126:
            [size] = struct.unpack("!H", await self._take(2))
        elif size == 127:
            [size] = struct.unpack("!Q", await self._take(8))
        return first & 0x0F, await self._take(size)

    async def message(self) -> Message:
        opcode, payload = await self.read()
        assert opcode == TEXT
        return parsed(payload.decode())

    async def close_code(self) -> tuple[int, str]:
        """Read on to the close frame; return what it says."""
        while True:
            opcode, payload = await self.read()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big"), payload[2:].decode()

    async def _take(self, count: int) -> bytes:
        with trio.fail_after(5):
            while len(self.client.received) < count:
                data = await self.client.stream.receive_some(65_536)
                assert data, f"closed after {self.client.received!r}"
                self.client.received += data
        taken = self.client.received[:count]
        self.client.received = self.client.received[count:]
        return taken


def parsed(text: str) -> Message:
    """Return name, id and data of a message."""
    message = json.loads(text)
    assert list(message) in (["event", "id", "data"], ["event", "data"])
    return message["event"], message.get("id", ""), message["data"]


async def open_raw(edge: EdgeUnderTest, key: SdkKey = SERVER_KEY, query: str = "") -> RawSocket:
    client = await edge.connect()
    await client.send(handshake(key, query))
    head = await client.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    return RawSocket(client)


@dataclass
class Socket:
    """trio-websocket's client, with a bound on every wait."""

    connection: WebSocketConnection

    async def message(self) -> Message:
        with trio.fail_after(5):
            return parsed(str(await self.connection.get_message()))

    async def rest(self) -> tuple[list[str], int, str | None]:
        """Return the names of the events until the close, its code and its reason."""
        names = []
        with trio.fail_after(8):
            while True:
                try:
                    names.append(parsed(str(await self.connection.get_message()))[0])
                except ConnectionClosed as closed:
                    return names, closed.reason.code, closed.reason.reason


@asynccontextmanager
async def open_socket(
    edge: EdgeUnderTest,
    key: SdkKey = SERVER_KEY,
    query: str = "",
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> AsyncIterator[Socket]:
    # open_websocket() leaves the connection open when the server has closed it.
    stream = await trio.open_tcp_stream("127.0.0.1", edge.port)
    async with stream, trio.open_nursery() as nursery:
        with trio.fail_after(5):
            connection = await wrap_client_stream(
                nursery, stream, "localhost", path(key, query), extra_headers=list(headers)
            )
        yield Socket(connection)
        with trio.fail_after(5):
            await connection.aclose()
        nursery.cancel_scope.cancel()
