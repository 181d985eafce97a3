"""All connections of an engine: sockets by their descriptors, and relays, which have none."""

from collections import Counter
from collections.abc import Iterator

import trio

from fh.edge.connection import Connection, Phase
from fh.edge.relay import Bearer, Relay


class Connections:
    """What is open.

    Attributes:
        open: How many there are.
        streams: How many of them are streams; counted by those who begin and end them.
        accepted: How many connections there ever were, relays not among them.
        opened: How many streams there ever were; `goodbyes` of them were told to come back.
    """

    def __init__(self) -> None:
        self._sockets: list[Connection | None] = []
        self._relays: set[Relay] = set()
        self._relay_left = trio.Event()
        self.open = 0
        self.streams = 0
        self.accepted = 0
        self.opened = 0
        self.goodbyes = 0

    def __iter__(self) -> Iterator[Connection]:
        """Yield those of this moment."""
        for connection in (*self._sockets, *self._relays):
            if connection is not None:
                yield connection

    def add(self, connection: Connection) -> None:
        """Put an open connection in."""
        self.open += 1
        if isinstance(connection, Relay):
            self._relays.add(connection)
            return
        self.accepted += 1
        descriptor = connection.descriptor
        if descriptor >= len(self._sockets):
            self._sockets.extend([None] * (descriptor + 1 - len(self._sockets)))
        self._sockets[descriptor] = connection

    def begin_stream(self) -> None:
        """Count a connection that became a stream."""
        self.streams += 1
        self.opened += 1

    def end_stream(self, *, is_goodbye: bool) -> None:
        """Count a stream no longer that was told its end, whether to come back or not to."""
        self.streams -= 1
        self.goodbyes += is_goodbye

    def find(self, descriptor: int) -> Connection | None:
        """Return the connection with that descriptor."""
        return self._sockets[descriptor]

    def remove(self, connection: Connection) -> None:
        """Take a connection out while it still has its descriptor."""
        self.open -= 1
        if connection.phase is Phase.STREAM:
            self.streams -= 1
        if isinstance(connection, Relay):
            self._relays.discard(connection)
            self._relay_left.set()
        else:
            self._sockets[connection.descriptor] = None

    def of_streams(self) -> list[Connection]:
        """Return those that are streams."""
        return [connection for connection in self if connection.phase is Phase.STREAM]

    def counts(self) -> dict[str, int]:
        """Return how many there are, by their names in the engine's statistics."""
        bearers = Counter(relay.bearer for relay in self._relays if relay.phase is Phase.STREAM)
        return {
            "connections": self.open,
            "accepted": self.accepted,
            "streams": self.streams,
            "opened": self.opened,
            "goodbyes": self.goodbyes,
            "relayed": bearers[Bearer.REQUEST],
            "sockets": bearers[Bearer.SOCKET],
        }

    async def wait_relays_left(self) -> None:
        """Return when there is no relay."""
        while self._relays:
            self._relay_left = trio.Event()
            await self._relay_left.wait()
