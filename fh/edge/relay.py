"""A stream whose bytes somebody else writes: over TLS, HTTP/2 or a WebSocket.

To subscriptions and the fan-out it is one more slow client: whatever it is sent goes into its
backlog, the newest event for each key, bounded like everybody's. Its own task takes it from there.
"""

import trio

from fh.edge.connection import CLOSED, Connection

_RELAYED = -2
"""The descriptor of an open relay: no socket of the engine's."""


class Relay(Connection):
    """The mailbox of one stream. `receive` and `closed` are for the task that serves it.

    Attributes:
        alive: Cancelled when the relay is closed: what is sent within it to a client that does
            not read ends with the stream.
    """

    __slots__ = ("_woken", "alive")

    def __init__(self) -> None:
        super().__init__(_RELAYED)
        # Never empty, so nobody tries to write to the descriptor.
        self.tail = memoryview(b"")
        self._woken = trio.Event()
        self.alive = trio.CancelScope()

    def framed(self, event: bytes) -> bytes:
        """Return `event` itself: its bearer has frames of its own."""
        return event

    def ended(self, event: bytes) -> bytes:
        """Return `event` itself."""
        return event

    def kept(self) -> None:
        """Wake the task."""
        self._woken.set()
        if self.closed:
            self.alive.cancel()

    async def receive(self) -> list[bytes]:
        """Wait for events and return them, in order; none when the stream is at its end."""
        while not self.backlog:
            if self.closes or self.descriptor == CLOSED:
                return []
            self._woken = trio.Event()
            await self._woken.wait()
        backlog, self.backlog = self.backlog, None
        return [event for event in backlog.values() if event]
