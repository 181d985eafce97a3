"""What one request still brings: parts of its body, then that nobody waits for its answer."""

from collections import deque

import trio

from fh.http.asgi import Message

_LAST = "http.disconnect"


class Inbox:
    """Messages from whoever reads a connection to the application that serves one request of it.

    The reader waits for an application that falls behind with a body, but never for one that is
    done with it: others' requests are behind.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._messages: deque[Message] = deque()
        self._arrived = trio.lowlevel.ParkingLot()
        self._taken = trio.lowlevel.ParkingLot()
        self._is_over = False

    async def put(self, message: Message) -> None:
        """Hand a message over; after the end, nobody waits, and the rest is thrown away."""
        await trio.lowlevel.checkpoint()
        if message["type"] == _LAST:
            self._is_over = True
            self._messages.append(message)
            self._arrived.unpark()
            self._taken.unpark_all()
            return
        while len(self._messages) >= self._capacity and not self._is_over:
            await self._taken.park()
        if not self._is_over:
            self._messages.append(message)
            self._arrived.unpark()

    async def receive(self) -> Message:
        """Wait for the next message; what the application calls."""
        await trio.lowlevel.checkpoint()
        while not self._messages:
            await self._arrived.park()
        self._taken.unpark()
        return self._messages.popleft()
