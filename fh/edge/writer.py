"""Bytes out, without ever waiting.

What the kernel refuses is kept for the client: the tail of the write it took in part, then the
newest bytes for each key. Both are bounded, in bytes and in the time without any progress.
"""

import os
from collections.abc import Callable, Hashable

import trio

from fh.edge.connection import Connection
from fh.edge.poller import Poller
from fh.edge.settings import EdgeSettings

ANSWER = object()
SNAPSHOT = object()
"""The keys of answers and of streams' first features: they may be of any size, for they are shared
among many."""


class Writer:
    """Writes to connections and keeps the slow ones."""

    def __init__(
        self,
        poller: Poller,
        settings: EdgeSettings,
        *,
        on_broken: Callable[[Connection], None],
        on_evict: Callable[[Connection, str], None],
    ) -> None:
        self._poller = poller
        self._settings = settings
        self._on_broken = on_broken
        self._on_evict = on_evict
        self._deadlines: dict[Connection, float] = {}

    @property
    def slow(self) -> int:
        """How many connections have bytes waiting."""
        return len(self._deadlines)

    def write(self, connection: Connection, key: Hashable, data: bytes) -> bool:
        """Write `data` or keep it; return whether all of it has left."""
        if connection.tail is not None:
            self._keep(connection, key, data)
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
        return False

    def hold(self, connection: Connection, data: bytes) -> None:
        """Hold `data` back, and what is written after it, until `release` in the same turn."""
        connection.tail = memoryview(data)

    def release(self, connection: Connection) -> bool:
        """Write what was held back, all in one; return whether all of it has left."""
        tail, backlog = connection.tail, connection.backlog
        assert tail is not None
        connection.tail = connection.backlog = None
        data = b"".join((tail, *backlog.values())) if backlog else bytes(tail)
        return self.write(connection, ANSWER, data)

    def keep_tail(self, connection: Connection, data: bytes, written: int) -> None:
        """Keep what the kernel did not take of `data`, of which it took `written` bytes."""
        connection.tail = memoryview(data)[written:]
        self._progressed(connection)
        self._poller.watch_writes(connection.descriptor)

    def keep_frames(self, connection: Connection, frames: dict[Hashable, bytes]) -> None:
        """Keep events for a connection that has a tail."""
        for key, frame in frames.items():
            self._keep(connection, key, connection.framed(frame))
            if connection.closed:
                return

    def flush(self, connection: Connection) -> bool:
        """Write what was kept; return whether all of it has left."""
        if connection.tail is None:
            return False  # A report that was under way when the last bytes left.
        while connection.tail is not None:
            try:
                written = os.write(connection.descriptor, connection.tail)
            except BlockingIOError:
                return False
            except OSError:
                self._on_broken(connection)
                return False
            self._progressed(connection)
            if written < len(connection.tail):
                connection.tail = connection.tail[written:]
                return False
            backlog, connection.backlog = connection.backlog, None
            connection.tail = memoryview(b"".join(backlog.values())) if backlog else None
        del self._deadlines[connection]
        self._poller.unwatch_writes(connection.descriptor)
        return True

    def late(self, now: float) -> list[Connection]:
        """Return the connections whose client took nothing for too long."""
        return [connection for connection, at in self._deadlines.items() if at <= now]

    def forget(self, connection: Connection) -> None:
        """Throw away what was kept for a connection that is gone."""
        connection.tail = connection.backlog = None
        self._deadlines.pop(connection, None)

    def _progressed(self, connection: Connection) -> None:
        self._deadlines[connection] = trio.current_time() + self._settings.slow_seconds

    def _keep(self, connection: Connection, key: Hashable, data: bytes) -> None:
        backlog = connection.backlog
        if backlog is None:
            backlog = connection.backlog = {}
        backlog.pop(key, None)
        backlog[key] = data
        kept_bytes = sum(map(len, backlog.values()))
        kept_bytes -= len(backlog.get(SNAPSHOT, b"")) + len(backlog.get(ANSWER, b""))
        if kept_bytes > self._settings.slow_bytes:
            self._on_evict(connection, "backlog_full")
        else:
            connection.kept()
