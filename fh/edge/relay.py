"""A stream whose bytes somebody else writes: over TLS, HTTP/2, a WebSocket or HTTP/1.0.

To subscriptions and the fan-out it is one more slow client: whatever it is sent goes into its
backlog, the newest event for each key, bounded like everybody's. Its own task takes it from there.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from enum import Enum

import trio

from fh.edge.connection import CLOSED, Connection
from fh.edge.fanout import Events
from fh.http.asgi import PIECE_BYTES
from fh.wire.sse import SharedEvent

_RELAYED = -2
"""The descriptor of an open relay: no socket of the engine's."""


def pieces(events: Iterable[bytes]) -> Iterator[bytes]:
    """Yield `events` for a writer that copies what it is given: small ones joined, large ones cut.

    Thousands may be sent the same megabytes, and take them slowly.
    """
    gathered: list[bytes] = []
    room = PIECE_BYTES
    for event in events:
        if gathered and len(event) > room:
            yield b"".join(gathered)
            gathered, room = [], PIECE_BYTES
        if len(event) > PIECE_BYTES:
            for start in range(0, len(event), PIECE_BYTES):
                yield event[start : start + PIECE_BYTES]
        else:
            gathered.append(event)
            room -= len(event)
    if gathered:
        yield b"".join(gathered)


class Bearer(Enum):
    """What carries a stream that somebody else writes."""

    REQUEST = "a request over TLS or HTTP/2"
    SOCKET = "a WebSocket"
    CONNECTION = "a connection of HTTP/1.0"


class Relay(Connection):
    """The mailbox of one stream. `receive` and `closed` are for the task that serves it.

    Attributes:
        bearer: What carries it.
        alive: Cancelled when the relay is closed: what is sent within it to a client that does
            not read ends with the stream.
        progressed_at: When the client took something last.
    """

    __slots__ = ("_on_passed_on", "_woken", "alive", "bearer", "progressed_at")

    def __init__(self, on_passed_on: Callable[[Connection], None], bearer: Bearer) -> None:
        """Call `on_passed_on` whenever all that was received has been sent."""
        super().__init__(_RELAYED)
        self.bearer = bearer
        # Never empty, so nobody tries to write to the descriptor.
        self.tail = memoryview(b"")
        self._on_passed_on = on_passed_on
        self._woken = trio.Event()
        self.alive = trio.CancelScope()
        self.progressed_at = 0.0

    def framed(self, event: bytes) -> bytes:
        """Return `event` itself: its bearer has frames of its own."""
        return event

    def framed_all(self, events: Events) -> Mapping[Hashable, bytes]:
        """Return `events` themselves."""
        return events.bare

    def framed_parts(self, event: SharedEvent) -> Sequence[bytes]:
        """Return `event` in parts, so that its data is not copied; a message has to be whole."""
        return (bytes(event),) if self.bearer is Bearer.SOCKET else event.parts()

    def ended(self, event: bytes) -> bytes:
        """Return `event` itself."""
        return event

    def kept(self) -> None:
        """Wake the task."""
        self._woken.set()
        if self.closed:
            self.alive.cancel()

    def progressed(self) -> None:
        """Note that the client took something: who takes a lot slowly does not stand still."""
        self.progressed_at = trio.current_time()

    async def receive(self) -> list[bytes]:
        """Wait for events and return them, in order; none when the stream is at its end."""
        if not self.backlog:
            self._on_passed_on(self)
        while not self.backlog:
            if self.closes or self.descriptor == CLOSED:
                return []
            self._woken = trio.Event()
            await self._woken.wait()
        backlog, self.backlog = self.backlog, None
        return [event for event in backlog.values() if event]
