"""Messages on their way from the broker to this process: bounded in number and in bytes.

Full means that a subscriber is too slow. From then on everything is refused until what waits has
been taken; then `Reconnected` says, once, that readers have to reload what they missed.
"""

from typing import TypeAlias

import trio

from fh.bus.message import Message
from fh.bus.port import Reconnected
from fh.inbox import Inbox

Arrival: TypeAlias = Message | Reconnected


class Intake:
    """One thread puts, tasks of trio take. Make it in trio.

    Attributes:
        refused: Messages that were thrown away.
    """

    def __init__(self, most_messages: int, most_bytes: int) -> None:
        self._inbox: Inbox[Arrival] = Inbox(most_messages)
        self._most_bytes = most_bytes
        # Each counts what it did itself, so that no two threads write to one number.
        self._put_bytes = 0
        self._taken_bytes = 0
        self._lagging = False
        self.refused = 0

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return self._inbox.statistics().waiting

    @property
    def waiting_bytes(self) -> int:
        """How many bytes they have."""
        return self._put_bytes - self._taken_bytes

    def put(self, message: Message) -> bool:
        """Add `message` and return True, or throw it away and return False."""
        if not self._lagging:
            size_bytes = message.size_bytes
            # One alone may be larger than the limit: it would never come through otherwise.
            fits = self.waiting_bytes + size_bytes <= self._most_bytes or not self.waiting_bytes
            if fits and self._inbox.put_nowait(message):
                self._put_bytes += size_bytes
                return True
            self._lag()
        self.refused += 1
        return False

    def put_reconnected(self) -> None:
        """Have readers reload once they have taken what waits."""
        if not self._lagging and not self._inbox.put_nowait(Reconnected()):
            self._lag()

    def overflow(self) -> None:
        """Note that messages were lost before they came here."""
        self.refused += 1
        self.put_reconnected()

    async def take(self) -> Arrival:
        """Wait for the next message, or for word that some are missing."""
        await trio.lowlevel.checkpoint()
        while True:
            try:
                arrival = self._inbox.receive_nowait()
            except trio.WouldBlock:
                if self._lagging:
                    # What was refused up to here is covered by what the reader will load.
                    self._lagging = False
                    return Reconnected()
                await self._inbox.wait(lambda: self._lagging)
                continue
            if isinstance(arrival, Message):
                self._taken_bytes += arrival.size_bytes
            return arrival

    def _lag(self) -> None:
        self._lagging = True
        # Since it was full the reader may have taken all, and gone to sleep.
        self._inbox.wake()
