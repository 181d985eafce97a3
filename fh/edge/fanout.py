"""Audiences, and one event written to every stream of one.

An audience is the streams that must receive equal bytes: they are encoded once, and a plain loop
of non-blocking writes hands them over. Events that wait for their turn leave as one write, the
newest version of each feature. The loop gives way every few thousand writes; meanwhile members
may leave and join, so their number is fixed at the start and a leaver only frees its place.
"""

from collections import deque
from collections.abc import Callable, Hashable
from os import write

import trio

from fh.edge.connection import CLOSED, GONE, Connection
from fh.wire.sse import chunk

_AT_ONCE = 64
"""An audience of up to so many streams is served in the turn of whoever publishes."""

_WRITES_PER_TURN = 2000
"""Writes between two checkpoints, about 10 ms."""


class Audience:
    """Streams that receive equal bytes, in the order in which they joined."""

    __slots__ = ("_on_empty", "_visited", "frames", "last_event_at", "live", "members", "queued")

    def __init__(self, on_empty: Callable[["Audience"], None]) -> None:
        self.members: list[Connection] = []
        self.frames: dict[Hashable, bytes] = {}
        self.queued = False
        self.live = 0
        self.last_event_at = 0.0
        self._visited = False
        self._on_empty = on_empty

    def join(self, connection: Connection) -> None:
        """Add a stream that has everything published so far."""
        connection.audience = self
        connection.index = len(self.members)
        self.members.append(connection)
        self.live += 1

    def leave(self, connection: Connection) -> None:
        """Take a stream out; the others keep their order of service, but not their places."""
        connection.audience = None
        self.live -= 1
        if self._visited:
            self.members[connection.index] = GONE
        else:
            last = self.members.pop()
            if last is not connection:
                self.members[connection.index] = last
                last.index = connection.index
        if not self.live:
            self._on_empty(self)

    def visit(self) -> int:
        """Fix the places of the members; return how many there are."""
        self._visited = True
        return len(self.members)

    def unvisit(self) -> None:
        """Give the places of those that left meanwhile to the others."""
        self._visited = False
        if self.live != len(self.members):
            self.members = [member for member in self.members if member.descriptor != CLOSED]
            for index, member in enumerate(self.members):
                member.index = index


class FanOut:
    """Writes what is published to each audience, in the order of publishing."""

    def __init__(
        self,
        *,
        on_refused: Callable[[Connection, bytes, int], None],
        on_broken: Callable[[Connection], None],
        on_slow: Callable[[Connection, dict[Hashable, bytes]], None],
    ) -> None:
        self._waiting: deque[Audience] = deque()
        self._wake = trio.Event()
        self._on_refused = on_refused
        self._on_broken = on_broken
        self._on_slow = on_slow
        self._under_way = False
        self.deliveries = 0
        self.broadcasts = 0

    def publish(self, audience: Audience, key: Hashable, frame: bytes) -> None:
        """Write the event `frame` to every stream of `audience`, soon and in order.

        A later event with the same key replaces one that has not left yet.
        """
        if not audience.live:
            return
        audience.frames.pop(key, None)
        audience.frames[key] = frame
        if audience.queued:
            return
        audience.queued = True
        if not self._under_way and not self._waiting and audience.live <= _AT_ONCE:
            data, frames, count = self._begin(audience)
            try:
                self._write_slice(audience, data, frames, 0, count)
            finally:
                audience.unvisit()
            return
        self._waiting.append(audience)
        self._wake.set()

    async def run(self) -> None:
        """Serve the audiences that wait, until cancelled."""
        while True:
            await self._wake.wait()
            while self._waiting:
                self._under_way = True
                try:
                    await self._serve(self._waiting.popleft())
                finally:
                    self._under_way = False
                await trio.lowlevel.checkpoint()
            self._wake = trio.Event()

    async def _serve(self, audience: Audience) -> None:
        data, frames, count = self._begin(audience)
        try:
            for start in range(0, count, _WRITES_PER_TURN):
                if start:
                    await trio.lowlevel.checkpoint()
                self._write_slice(
                    audience, data, frames, start, min(start + _WRITES_PER_TURN, count)
                )
        finally:
            audience.unvisit()

    def _begin(self, audience: Audience) -> tuple[bytes, dict[Hashable, bytes], int]:
        frames, audience.frames = audience.frames, {}
        audience.queued = False
        audience.last_event_at = trio.current_time()
        self.broadcasts += 1
        return chunk(b"".join(frames.values())), frames, audience.visit()

    def _write_slice(
        self, audience: Audience, data: bytes, frames: dict[Hashable, bytes], start: int, end: int
    ) -> None:
        size = len(data)
        members = audience.members
        for index in range(start, end):
            member = members[index]
            if member.tail is not None:
                self._on_slow(member, frames)
                continue
            try:
                written = write(member.descriptor, data)
            except BlockingIOError:
                self._on_refused(member, data, 0)
            except OSError:
                if member is not GONE:
                    self._on_broken(member)
            else:
                if written != size:
                    self._on_refused(member, data, written)
        self.deliveries += end - start
