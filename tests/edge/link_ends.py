"""The other end of a link, as a test speaks it frame by frame."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from fh.edge.link import FrameReader, encode_frame


def socket_pair(buffer_bytes: int | None = None) -> tuple[trio.SocketStream, trio.SocketStream]:
    """Return two connected streams; what one writes ahead of the other's reading is bounded."""
    ends = socket.socketpair()
    if buffer_bytes is not None:
        for end in ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
    near, far = (trio.SocketStream(trio.socket.from_stdlib_socket(end)) for end in ends)
    return near, far


class FarEnd:
    """Says and hears frames; every wait is bounded."""

    def __init__(self, stream, decode):
        self.stream = stream
        self._decode = decode
        self._reader = FrameReader()
        self._heard = []

    async def say(self, *messages):
        with trio.fail_after(5):
            await self.stream.send_all(b"".join(encode_frame(each) for each in messages))

    async def hear(self):
        """Return the next message, None at the end of the link."""
        with trio.fail_after(5):
            while not self._heard:
                data = bytes(await self.stream.receive_some(65_536))
                if not data:
                    return None
                self._heard += [self._decode(text) for text in self._reader.receive(data)]
        return self._heard.pop(0)


@asynccontextmanager
async def closing(*streams) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for stream in streams:
            await trio.aclose_forcefully(stream)
