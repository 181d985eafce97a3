"""What waits for a reader who may be slow: announcements, bounded, and what must not get lost.

Full means that the reader is too slow. Then all announcements that wait are dropped, and one word
takes their place: that some were missed. Until it has been taken no more are added, for what the
reader loads afterwards contains them.
"""

from collections import deque
from typing import Generic, TypeVar

import trio

T = TypeVar("T")


class LinkQueue(Generic[T]):
    """Many put, one takes.

    Attributes:
        dropped: How many announcements were dropped since the start.
    """

    def __init__(self, missed: T, *, most: int, most_bytes: int) -> None:
        """Keep at most that many announcements; `missed` is put where some were dropped."""
        self._missed = missed
        self._most = most
        self._most_bytes = most_bytes
        self._waiting: deque[tuple[T, int | None]] = deque()  # None: no announcement
        self._announcements = 0
        self._bytes = 0
        self._is_lagging = False
        self._arrival = trio.Event()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, item: T) -> None:
        """Add what must not get lost; whoever puts it sees to it that this is bounded."""
        self._waiting.append((item, None))
        self._arrival.set()

    def announce(self, item: T, size_bytes: int) -> None:
        """Add an announcement; without room drop it, and all that wait."""
        if self._is_lagging:
            self.dropped += 1
        # One alone may be larger than the limit: it would never come through otherwise.
        elif self._announcements and (
            self._announcements >= self._most or self._bytes + size_bytes > self._most_bytes
        ):
            self.dropped += 1
            self.lag()
        else:
            self._announcements += 1
            self._bytes += size_bytes
            self._waiting.append((item, size_bytes))
            self._arrival.set()

    def lag(self) -> None:
        """Drop the announcements that wait, and say that some were missed."""
        if self._is_lagging:
            return
        self._is_lagging = True
        self.dropped += self._announcements
        self._announcements = self._bytes = 0
        self._waiting = deque(each for each in self._waiting if each[1] is None)
        self.put(self._missed)

    async def take(self) -> T:
        """Wait for the next item and return it."""
        await trio.lowlevel.checkpoint()
        while not self._waiting:
            self._arrival = trio.Event()
            await self._arrival.wait()
        return self._take()

    def take_nowait(self) -> T:
        """Return the next item.

        Raises:
            trio.WouldBlock: there is none.
        """
        if not self._waiting:
            raise trio.WouldBlock
        return self._take()

    def _take(self) -> T:
        item, size_bytes = self._waiting.popleft()
        if size_bytes is not None:
            self._announcements -= 1
            self._bytes -= size_bytes
        elif item is self._missed:
            self._is_lagging = False
        return item
