"""Bytes out, without ever waiting.

What the kernel refuses is kept for the client: the tail of the write it took in part, then the
newest bytes for each key. Bounded are the time without any progress, and the bytes that wait before
more is added; what is added at a time is shared with all who are sent the same.
"""

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import Enum
from itertools import islice

import trio

from fh.edge.connection import Connection
from fh.edge.fanout import Events
from fh.edge.poller import Poller
from fh.edge.relay import Relay
from fh.edge.settings import EdgeSettings
from fh.edge.unread import MOST_BYTES, UnreadAnswers

ANSWER = object()
FIRST_WORDS = object()
_FIRST_FEATURES = (object(), object(), object())
"""The keys of answers, of what a relayed stream begins with, and of parts of first features."""

_OF_ANY_SIZE = {ANSWER, *_FIRST_FEATURES}
"""What is not counted against a client: it is shared among many, or bounded over all of them."""

_MOST_PARTS = 64
"""What one call of the system is given at most."""


class Eviction(Enum):
    """Why a client is given up."""

    TOO_SLOW = "too_slow"  # it took nothing for too long
    OVERFULL = "backlog_full"  # too much waits for it, or for all
    STALLED = "first_features_stalled"  # it stands in the way of those that wait for theirs


class Writer:
    """Writes to connections and keeps the slow ones."""

    def __init__(
        self,
        poller: Poller,
        settings: EdgeSettings,
        *,
        on_broken: Callable[[Connection], None],
        on_evict: Callable[[Connection, Eviction], None],
    ) -> None:
        self._poller = poller
        self._settings = settings
        self._on_broken = on_broken
        self._on_evict = on_evict
        self._deadlines: dict[Connection, float] = {}
        self._unread = UnreadAnswers[Connection](
            lambda connection: on_evict(connection, Eviction.OVERFULL), MOST_BYTES
        )
        self._one_fewer = trio.Event()

    @property
    def slow(self) -> int:
        """How many connections have bytes waiting."""
        return len(self._deadlines)

    async def wait_all_written(self) -> None:
        """Return when no connection has bytes waiting."""
        while self._deadlines:
            self._one_fewer = trio.Event()
            await self._one_fewer.wait()

    def write(self, connection: Connection, key: Hashable, data: bytes) -> bool:
        """Write `data` or keep it; return whether all of it has left."""
        if connection.tail is not None:
            self._keep(connection, {key: data})
            self._count(connection, key, data)
            return False
        try:
            written = os.write(connection.descriptor, data)
        except BlockingIOError:
            written = 0
        except OSError:
            self._on_broken(connection)
            return False
        if written == len(data):
            return True
        self.keep_tail(connection, data, written)
        self._count(connection, key, data)
        return False

    def hold(self, connection: Connection, data: bytes) -> None:
        """Hold `data` back, and what is written after it, until `release` in the same turn."""
        connection.tail = memoryview(data)

    def release(self, connection: Connection) -> bool:
        """Write what was held back, all in one; return whether all of it has left."""
        if self._write_kept(connection) is None:
            return False
        if connection.tail is None:
            return True
        self._progressed(connection)
        self._poller.watch_writes(connection.descriptor)
        return False

    def write_parts(self, connection: Connection, parts: Sequence[bytes]) -> bool:
        """Write first features of any size, or keep them; return whether all of them have left.

        What is kept are the parts themselves: others may be sent the same.
        """
        if connection.tail is not None:
            self._keep(connection, dict(zip(_FIRST_FEATURES, parts, strict=False)))
            return False
        first, *rest = parts
        self.hold(connection, first)
        connection.backlog = dict(zip(_FIRST_FEATURES, rest, strict=False))
        return self.release(connection)

    def keep_tail(self, connection: Connection, data: bytes, written: int) -> None:
        """Keep what the kernel did not take of `data`, of which it took `written` bytes."""
        connection.tail = memoryview(data)[written:]
        self._progressed(connection)
        self._poller.watch_writes(connection.descriptor)

    def keep_events(self, connection: Connection, events: Events) -> None:
        """Keep events for a connection that has a tail."""
        self._keep(connection, connection.framed_all(events))

    def flush(self, connection: Connection) -> bool:
        """Write what was kept; return whether all of it has left."""
        if connection.tail is None:
            return False  # A report that was under way when the last bytes left.
        written = self._write_kept(connection)
        if written is None:
            return False
        if connection.tail is not None:
            if written:
                self._progressed(connection)
            return False
        self._no_longer_slow(connection)
        self._poller.unwatch_writes(connection.descriptor)
        return True

    def progressed_at(self, connection: Connection) -> float | None:
        """Return when a client with bytes waiting took some last; None if none are waiting."""
        if isinstance(connection, Relay):
            return connection.progressed_at
        deadline = self._deadlines.get(connection)
        return None if deadline is None else deadline - self._settings.slow_seconds

    def backlogs(self) -> list[tuple[Connection, int, float]]:
        """Return who has how many bytes waiting, and when it took some last."""
        return [
            (connection, _kept_bytes(connection), at - self._settings.slow_seconds)
            for connection, at in self._deadlines.items()
        ]

    def late(self, now: float) -> list[Connection]:
        """Return the connections whose client took nothing for too long."""
        return [connection for connection, at in self._deadlines.items() if at <= now]

    def forget(self, connection: Connection) -> None:
        """Throw away what was kept for a connection that is gone."""
        connection.tail = connection.backlog = None
        self._no_longer_slow(connection)

    def _write_kept(self, connection: Connection) -> int | None:
        """Write the tail and what comes after it; return how many bytes the kernel took.

        None stands for a connection that is broken.
        """
        total = 0
        while connection.tail is not None:
            backlog = connection.backlog or {}
            parts: list[memoryview | bytes] = [
                connection.tail,
                *islice(backlog.values(), _MOST_PARTS),
            ]
            try:
                written = os.writev(connection.descriptor, parts)
            except BlockingIOError:
                break
            except OSError:
                self._on_broken(connection)
                return None
            total += written
            _take_off(connection, written)
            if written < sum(map(len, parts)):
                break
        return total

    def _no_longer_slow(self, connection: Connection) -> None:
        if self._deadlines.pop(connection, None) is not None:
            self._one_fewer.set()
        self._unread.forget(connection)

    def _progressed(self, connection: Connection) -> None:
        self._deadlines[connection] = trio.current_time() + self._settings.slow_seconds
        self._unread.progressed(connection)

    def _count(self, connection: Connection, key: Hashable, data: bytes) -> None:
        if key is ANSWER and not connection.closed:
            self._unread.keep(connection, len(data))

    def _keep(self, connection: Connection, data: Mapping[Hashable, bytes]) -> None:
        """Keep what comes together, or give the client up if too much waits for it already.

        What comes is let in whatever its size: else one large value, or many that are saved at
        once, would cost those their stream that are quick.
        """
        backlog = connection.backlog
        if backlog is None:
            backlog = connection.backlog = {}
        for key in data:
            backlog.pop(key, None)
        kept_bytes = sum(len(each) for key, each in backlog.items() if key not in _OF_ANY_SIZE)
        if kept_bytes > self._settings.slow_bytes:
            self._on_evict(connection, Eviction.OVERFULL)
        else:
            backlog.update(data)
            connection.kept()


def _take_off(connection: Connection, written: int) -> None:
    """Forget the first `written` bytes of what is kept."""
    tail, backlog = connection.tail, connection.backlog
    assert tail is not None
    while tail is not None and written >= len(tail):
        written -= len(tail)
        tail = memoryview(backlog.pop(next(iter(backlog)))) if backlog else None
    connection.tail = None if tail is None else tail[written:]
    connection.backlog = backlog or None


def _kept_bytes(connection: Connection) -> int:
    return len(connection.tail or b"") + sum(map(len, (connection.backlog or {}).values()))
