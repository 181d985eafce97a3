"""A socket that is closed without taking its last answer with it."""

import socket

import trio

from fh.http.resumed import Resumed

_LINGER_SECONDS = 2.0


class Lingering(Resumed):
    """A resumed socket; `aclose` lets the client read to the end, `abort` does not."""

    def __init__(self, taken: socket.socket, data: bytes, *, send_seconds: float) -> None:
        self._socket = trio.socket.from_stdlib_socket(taken)
        super().__init__(trio.SocketStream(self._socket), data, send_seconds=send_seconds)

    @property
    def addresses(self) -> tuple[tuple[str, int] | None, tuple[str, int] | None]:
        """The client's address and the server's own; None where they have none, or no longer."""
        try:
            found = self._socket.getpeername(), self._socket.getsockname()
        except OSError:
            return None, None
        if self._socket.family not in {socket.AF_INET, socket.AF_INET6}:
            return None, None
        (host, port, *_), (own_host, own_port, *_) = found
        return (host, port), (own_host, own_port)

    async def aclose(self) -> None:
        """Say that nothing more comes, wait for the client's end, but not for long, and close."""
        try:
            # Closed with unread input, the connection would be reset, and the last answer lost.
            with trio.move_on_after(_LINGER_SECONDS):
                await self.send_eof()
                while await self._stream.receive_some():
                    pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # It is gone already.
        finally:
            await self._stream.aclose()

    def abort(self) -> None:
        """Close at once; whoever reads or sends is told with ClosedResourceError."""
        self._socket.close()
