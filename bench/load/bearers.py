"""What can carry a stream, seen from its client: a plain socket, TLS, HTTP/2 within TLS.

A link is one connection with one stream or several. None of them waits: `read` takes in what has
arrived and tells how many streams have just seen the mark that was expected.
"""

import socket
import ssl
from typing import Protocol

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived

_READ_BYTES = 65_536


class Link(Protocol):
    """One connection of a client."""

    def fileno(self) -> int:
        """Return the descriptor to poll."""

    def expect(self, mark: bytes) -> None:
        """Look for `mark` in every stream from now on."""

    def read(self) -> int:
        """Take in what has arrived; return how many streams have seen the mark by it.

        Raises:
            ConnectionError: the server closed the connection.
        """

    def close(self) -> None:
        """Close the connection."""


class Watched:
    """What arrived on one stream, as far as a mark may still be found in it."""

    __slots__ = ("_mark", "_tail")

    def __init__(self) -> None:
        self._mark: bytes | None = None
        self._tail = b""

    def expect(self, mark: bytes) -> None:
        """Look for `mark` in what is still to come."""
        self._mark = mark
        self._tail = b""

    def saw_mark(self, data: bytes) -> bool:
        """Take `data` in; return whether it completes the mark, once."""
        if self._mark is None:
            return False
        self._tail += data
        if self._mark in self._tail:
            self._mark = None
            return True
        self._tail = self._tail[-len(self._mark) :]
        return False


class Http1Link:
    """One stream over HTTP/1.1, within TLS if there is a context for it."""

    def __init__(self, host: str, port: int, path: str, context: ssl.SSLContext | None) -> None:
        self._socket = _connected(host, port, context)
        self._stream = Watched()
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        self._socket.settimeout(0)

    def fileno(self) -> int:
        """See `Link`."""
        return self._socket.fileno()

    def expect(self, mark: bytes) -> None:
        """See `Link`."""
        self._stream.expect(mark)

    def read(self) -> int:
        """See `Link`."""
        return int(self._stream.saw_mark(_arrived(self._socket)))

    def close(self) -> None:
        """See `Link`."""
        self._socket.close()


class Http2Link:
    """Several streams over one connection with HTTP/2 within TLS."""

    def __init__(
        self, host: str, port: int, path: str, context: ssl.SSLContext, *, streams: int
    ) -> None:
        self._socket = _connected(host, port, context)
        self._connection = H2Connection(H2Configuration(client_side=True))
        self._connection.initiate_connection()
        fields = [
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", "x"),
            (":path", path),
        ]
        self._streams: dict[int, Watched] = {}
        for _ in range(streams):
            number = self._connection.get_next_available_stream_id()
            self._connection.send_headers(number, fields, end_stream=True)
            self._streams[number] = Watched()
        self._flush()

    def fileno(self) -> int:
        """See `Link`."""
        return self._socket.fileno()

    def expect(self, mark: bytes) -> None:
        """See `Link`."""
        for stream in self._streams.values():
            stream.expect(mark)

    def read(self) -> int:
        """See `Link`."""
        seen = 0
        for event in self._connection.receive_data(_arrived(self._socket)):
            if isinstance(event, DataReceived):
                seen += self._streams[event.stream_id].saw_mark(event.data or b"")
                length = event.flow_controlled_length or 0
                self._connection.acknowledge_received_data(length, event.stream_id)
        self._flush()
        return seen

    def close(self) -> None:
        """See `Link`."""
        self._socket.close()

    def _flush(self) -> None:
        if data := self._connection.data_to_send():
            self._socket.settimeout(None)
            self._socket.sendall(data)
        self._socket.settimeout(0)


def _connected(host: str, port: int, context: ssl.SSLContext | None) -> socket.socket:
    connected = socket.create_connection((host, port))
    if context is None:
        return connected
    return context.wrap_socket(connected, server_hostname="localhost")


def _arrived(source: socket.socket) -> bytes:
    """Return everything that can be read without waiting."""
    parts: list[bytes] = []
    while True:
        try:
            part = source.recv(_READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError):
            return b"".join(parts)
        if not part:
            raise ConnectionError("the server closed the connection")
        parts.append(part)
