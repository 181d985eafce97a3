"""Audiences, and one event written to every stream of one.

An audience is the streams that must receive equal bytes: they are encoded once, and a plain loop
of non-blocking writes hands them over. Events that wait for their turn leave as one write, the
newest version of each feature. The loop gives way every few hundred writes, to however many
audiences they went; meanwhile members may leave and join, so their number is fixed at the start
and a leaver only frees its place.
"""

from collections import deque
from collections.abc import Callable, Hashable, Mapping
from os import write
from time import time
from typing import Protocol

import trio

from fh.edge.connection import CLOSED, GONE, Connection
from fh.edge.histogram import Histogram
from fh.edge.request import StreamForm
from fh.wire.context_header import NO_CONTEXT, ClientContext
from fh.wire.etag import EMPTY_CONTEXT_TAG
from fh.wire.sse import chunk

_AT_ONCE = 16
"""An audience of up to so many streams is served in the turn of whoever publishes, unless others
have used that turn up. Larger ones wait for the changes that come with theirs."""

_MOST_GATHERED = 64
"""Turns that others are given in a row while they publish more."""

_WRITES_PER_TURN = 500
"""Writes between two checkpoints: 3 to 7 ms, of which a poll that comes meanwhile waits for two."""


class Events:
    """Events that are written together, the newest for each key; framed at most once for all."""

    __slots__ = ("_chunks", "bare")

    def __init__(self, bare: Mapping[Hashable, bytes]) -> None:
        self.bare = bare
        self._chunks: Mapping[Hashable, bytes] | None = None

    @property
    def chunks(self) -> Mapping[Hashable, bytes]:
        """The chunk of each; whoever keeps them shares them with the others."""
        if self._chunks is None:
            self._chunks = {key: chunk(event) for key, event in self.bare.items()}
        return self._chunks


class AudienceOwner(Protocol):
    """Who wants to know when an audience is empty."""

    def note_empty(self, audience: "Audience") -> None:
        """Hear that the last stream has left; called from wherever that happened."""


class Audience:
    """Streams that receive equal bytes, in the order in which they joined.

    There may be one for each stream. `form`, `context` and `context_tag` are what its streams have
    in common, `key` is what its `owner` finds it by.
    """

    __slots__ = (
        "_visited",
        "context",
        "context_tag",
        "form",
        "frames",
        "key",
        "last_event_at",
        "live",
        "members",
        "owner",
    )

    def __init__(
        self,
        owner: AudienceOwner,
        key: Hashable = None,
        form: StreamForm = StreamForm.FEATURES,
        context: ClientContext = NO_CONTEXT,
        context_tag: str = EMPTY_CONTEXT_TAG,
    ) -> None:
        self.key = key
        self.form = form
        self.context = context
        self.context_tag = context_tag
        self.members: list[Connection] = []
        self.frames: dict[Hashable, bytes] | None = None  # waiting; thousands have none
        self.live = 0
        self.last_event_at = 0.0
        self._visited = False
        self.owner = owner

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
            self.owner.note_empty(self)

    @property
    def has_slow(self) -> bool:
        """Whether something waits for one of the streams already.

        What comes with this is kept for it as one then. Kept one by one, a burst would look like
        a client that falls behind: nobody can take anything before the publisher's turn is over.
        """
        return any(member.tail or member.backlog for member in self.members)

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
        on_slow: Callable[[Connection, Events], None],
    ) -> None:
        self._waiting: deque[Audience | float] = deque()  # a number is a moment, see `mark`
        self._wake = trio.Event()
        self._on_refused = on_refused
        self._on_broken = on_broken
        self._on_slow = on_slow
        self._under_way = False
        self._writes_left = _WRITES_PER_TURN
        self.deliveries = 0
        self.broadcasts = 0
        self.propagation = Histogram()

    @property
    def is_writing(self) -> bool:
        """Whether somebody still waits for what was published."""
        return self._under_way or bool(self._waiting)

    def publish(self, audience: Audience, key: Hashable, frame: bytes) -> None:
        """Write the event `frame` to every stream of `audience`, soon and in order.

        A later event with the same key replaces one that has not left yet.
        """
        live = audience.live
        if not live:
            return
        if audience.frames is not None:
            audience.frames.pop(key, None)
            audience.frames[key] = frame
            return
        frames = {key: frame}
        if (
            live > _AT_ONCE
            or live > self._writes_left
            or self._waiting
            or self._under_way
            or audience.has_slow
        ):
            audience.frames = frames
            self._waiting.append(audience)
            self._wake.set()
        else:
            self._serve_at_once(audience, frame, Events(frames))

    def mark(self, committed_at: float) -> None:
        """Measure the time from `committed_at`, by the wall clock, to the last write of all this.

        What is published later does not count. Changes that leave together are measured as one,
        from the oldest.
        """
        if not self._waiting and not self._under_way:
            self.propagation.observe(time() - committed_at)
        elif self._waiting and isinstance(before := self._waiting[-1], float):
            self._waiting[-1] = min(before, committed_at)
        else:
            self._waiting.append(committed_at)

    async def run(self) -> None:
        """Serve the audiences that wait, until cancelled."""
        while True:
            await self._wake.wait()
            await self._give_way()
            while self._waiting:
                if self._writes_left <= 0:
                    await self._give_way()
                audience = self._waiting.popleft()
                if isinstance(audience, float):
                    self.propagation.observe(time() - audience)
                    continue
                frames, audience.frames = audience.frames, None
                assert frames is not None
                data = b"".join(frames.values())
                if audience.live <= self._writes_left:
                    self._serve_at_once(audience, data, Events(frames))
                else:
                    await self._serve(audience, data, Events(frames))
            # Nothing was awaited since the last look, so nobody can have called in vain.
            self._wake = trio.Event()
            self._writes_left = _WRITES_PER_TURN

    async def _give_way(self) -> None:
        """Let others run, and publishers go on for as long as they have more.

        The kernel's writes push the interpreter out of the processor's caches: a change in each of
        a hundred environments costs 5 % less when no writes come between the changes.
        """
        for _ in range(_MOST_GATHERED):
            before = len(self._waiting)
            await trio.lowlevel.checkpoint()
            if len(self._waiting) == before:
                break
        self._writes_left = _WRITES_PER_TURN

    async def _serve(self, audience: Audience, data: bytes, events: Events) -> None:
        self._under_way = True
        data, count = self._begin(audience, data)
        try:
            for start in range(0, count, _WRITES_PER_TURN):
                if start:
                    await trio.lowlevel.checkpoint()
                end = min(start + _WRITES_PER_TURN, count)
                self._write_slice(audience, data, events, start, end)
        finally:
            audience.unvisit()
            self._under_way = False
        await self._give_way()

    def _serve_at_once(self, audience: Audience, data: bytes, events: Events) -> None:
        data, count = self._begin(audience, data)
        self._writes_left -= count
        try:
            self._write_slice(audience, data, events, 0, count)
        finally:
            audience.unvisit()

    def _begin(self, audience: Audience, data: bytes) -> tuple[bytes, int]:
        audience.last_event_at = trio.current_time()
        self.broadcasts += 1
        return chunk(data), audience.visit()

    def _write_slice(
        self, audience: Audience, data: bytes, events: Events, start: int, end: int
    ) -> None:
        size = len(data)
        members = audience.members
        for index in range(start, end):
            member = members[index]
            if member.tail is not None:
                self._on_slow(member, events)
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
