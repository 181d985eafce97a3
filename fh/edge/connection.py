"""One client's socket and what is known of it: a small object, without a task."""

import socket
from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from fh.wire.sse import LAST_CHUNK, SharedEvent, chunk

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from fh.edge.fanout import Audience, Events
    from fh.edge.intake import AwaitedBody

CLOSED = -1
"""The descriptor of a closed connection: writing to it fails, whoever got its number since."""


class Phase(IntEnum):
    """Where a connection is in its life."""

    HEAD = 1  # a request head is awaited
    BODY = 2  # its body is awaited
    BUSY = 3  # its answer is being prepared or written
    STREAM = 4  # events go out
    ENDING = 5  # closes when the last bytes have left
    LINGERING = 6  # our side is shut; what the client still sends is thrown away


class Connection:
    """A connection owned by the engine, the only one to change it.

    `tail` is what the kernel did not take of the last write, `backlog` what came after it: the
    newest bytes for each key, in the order in which they became due. `used_at` is when a request
    was last answered the short way, and negative before the first one.
    """

    __slots__ = (
        "audience",
        "awaited",
        "backlog",
        "bucket",
        "buffer",
        "closes",
        "descriptor",
        "drop_at",
        "index",
        "phase",
        "sdk",
        "searched_bytes",
        "tail",
        "used_at",
    )

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.phase = Phase.HEAD
        self.buffer = b""
        self.awaited: AwaitedBody | None = None
        self.sdk = 0
        self.searched_bytes = 0
        self.tail: memoryview | None = None
        self.backlog: dict[Hashable, bytes] | None = None
        self.closes = False
        self.bucket = 0
        self.drop_at = 0.0
        self.used_at = 0.0
        self.audience: Audience | None = None
        self.index = 0

    @property
    def closed(self) -> bool:
        """Whether the socket is gone."""
        return self.descriptor == CLOSED

    @property
    def is_new(self) -> bool:
        """Whether the client has sent nothing so far."""
        return self.phase is Phase.HEAD and self.used_at < 0 and not self.buffer

    @property
    def is_asking(self) -> bool:
        """Whether the client waits for an answer, or is about to."""
        if self.phase is Phase.HEAD:
            return bool(self.buffer)
        return self.phase is Phase.BODY or self.phase is Phase.BUSY

    def shut(self) -> None:
        """Tell the client that nothing follows.

        Raises:
            OSError: it is gone.
        """
        borrowed = socket.socket(fileno=self.descriptor)
        try:
            borrowed.shutdown(socket.SHUT_WR)
        finally:
            borrowed.detach()

    def framed(self, event: bytes) -> bytes:
        """Return `event` as it travels on this connection."""
        return chunk(event)

    def framed_all(self, events: "Events") -> "Mapping[Hashable, bytes]":
        """Return `events` as they travel on this connection."""
        return events.chunks

    def framed_parts(self, event: SharedEvent) -> Sequence[bytes]:
        """Return `event` as it travels here, in parts, so that its data is not copied."""
        return event.chunk_parts()

    def ended(self, event: bytes) -> bytes:
        """Return `event`, which may be empty, as the end of this connection's stream."""
        return chunk(event) + LAST_CHUNK if event else LAST_CHUNK

    def kept(self) -> None:
        """Hear that something was put into the backlog, or that the connection was closed."""


GONE = Connection(CLOSED)
"""Stands in an audience for a member that left during a fan-out."""
