"""A stream of which somebody else has read the beginning."""

import trio

_SLICE_BYTES = 16 * 1024


class Resumed(trio.abc.HalfCloseableStream):
    """Yields what was read before, then what arrives; never sends for ever.

    Attributes:
        socket: What the stream stands on, for its addresses; None where it is no plain socket.
    """

    def __init__(
        self, stream: trio.abc.HalfCloseableStream, data: bytes, *, send_seconds: float
    ) -> None:
        self.socket = stream.socket if isinstance(stream, trio.SocketStream) else None
        self._stream = stream
        self._data = data
        self._send_seconds = send_seconds

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what was read before, then what arrives."""
        if self._data:
            data, self._data = self._data, b""
            await trio.lowlevel.checkpoint()
            return data
        return bytes(await self._stream.receive_some(max_bytes))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, giving the client up when it takes nothing for too long.

        Raises:
            BrokenResourceError: it did not, or it is gone.
        """
        rest = memoryview(data)
        # Slice by slice: a long answer over a slow line is no reason to give up.
        for start in range(0, max(1, len(rest)), _SLICE_BYTES):
            with trio.move_on_after(self._send_seconds) as sending:
                await self._stream.send_all(rest[start : start + _SLICE_BYTES])
            if sending.cancelled_caught:
                raise trio.BrokenResourceError("the client does not read")

    async def wait_send_all_might_not_block(self) -> None:
        """Return when sending may make progress."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Tell the client that nothing more will come."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close, without waiting long for a client that would have to agree."""
        with trio.move_on_after(self._send_seconds):
            await self._stream.aclose()
