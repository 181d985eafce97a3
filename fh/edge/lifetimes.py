"""When something is due for a connection: one timer for all of them.

Each connection has one deadline at a time, and what it means follows from the connection's phase.
Lives of streams and first heartbeats are spread with jitter, so that a herd that came together
neither beats nor leaves together.
"""

import random
from collections.abc import Iterable, Iterator
from enum import Enum
from math import inf
from typing import Final

from fh.edge.connection import Connection, Phase
from fh.edge.settings import EdgeSettings
from fh.edge.wheel import Wheel

_CLOCK_STEP_SECONDS = 1.0  # what is used is stamped with the time of the wheel's last turn
_LEAST_LIFE_SECONDS = 1.0
_SPREAD_SHARE = 10  # a tenth of a stream's life
_LASTING_HEARTBEAT_SECONDS = 30.0  # less than the idle time that proxies commonly grant


class Due(Enum):
    """What is due."""

    REQUEST = "the client took too long over a request"
    IDLE = "nobody used the connection"
    FAREWELL = "the stream has lived long enough"
    HEARTBEAT = "the stream has to show that it lives"
    END = "the stream's body has to end"
    LATE = "the client had its time to read the last bytes"


HEARTBEAT: Final = Due.HEARTBEAT  # looked up once: an enum's member costs as much as a call
_FAREWELL: Final = Due.FAREWELL
_STREAM: Final = Phase.STREAM


class Lifetimes:
    """The deadlines of all connections."""

    def __init__(self, settings: EdgeSettings, jitter: random.Random, now: float) -> None:
        self._settings = settings
        self._period_seconds = settings.heartbeat_seconds
        self._jitter = jitter
        self._wheel: Wheel[Connection] = Wheel(now)
        self._now = now

    def begin(self, connection: Connection, at: float) -> None:
        """Await the first request of a connection until `at`."""
        self.put(connection, at)
        connection.used_at = -1.0

    def put(self, connection: Connection, at: float) -> None:
        """Let something be due for `connection` at `at`, instead of what was."""
        self._wheel.remove(connection, connection.bucket)
        connection.bucket = self._wheel.put(connection, at)
        connection.used_at = 0.0

    def used(self, connection: Connection) -> None:
        """Let `connection` have all its idle time again, however soon something was due for it.

        It stays where it is in the wheel, and is looked at when its turn comes: requests come far
        more often than turns do.
        """
        connection.used_at = self._now

    def forget(self, connection: Connection) -> None:
        """Let nothing be due for `connection`."""
        self._wheel.remove(connection, connection.bucket)

    def begin_stream(self, connection: Connection, now: float, *, lasts: bool = False) -> None:
        """Give a stream its life and its heartbeats; one that lasts has no end but heartbeats."""
        life_seconds = self._settings.drop_after_seconds
        if lasts:
            connection.drop_at = inf
        elif life_seconds > 0:
            shorter = self._jitter.uniform(0, _spread_seconds(life_seconds))
            connection.drop_at = now + max(_LEAST_LIFE_SECONDS, life_seconds - shorter)
        self._schedule(connection, now, self._jitter.uniform(0.5, 1))

    def begin_anew(self, connection: Connection, now: float) -> None:
        """Let a stream that had to wait for its first features have all of its life from now on.

        So those that came in the same moment and were served one after the other leave likewise.
        """
        life_seconds = self._settings.drop_after_seconds
        if 0 < connection.drop_at < now + life_seconds - _spread_seconds(life_seconds):
            self.begin_stream(connection, now)

    def go_on(self, streams: Iterable[Connection], now: float) -> None:
        """Await the next heartbeat of streams that had one due just now, or their ends."""
        beat = now + self._period_seconds
        beating = []
        for stream in streams:
            # It may have begun anew while it waited for its turn: it must not beat twice for ever.
            self._wheel.remove(stream, stream.bucket)
            if self._period_seconds > 0 and (not stream.drop_at or beat <= stream.drop_at):
                beating.append(stream)
            else:
                self._schedule(stream, now, 1)
        bucket = self._wheel.put_all(beating, beat)
        for stream in beating:
            stream.bucket = bucket

    def due(self, now: float) -> Iterator[tuple[Connection, Due]]:
        """Yield what became due since the last call; called at least every second."""
        self._now = now
        for connection in tuple(self._wheel.due(now)):
            if connection.closed:
                continue
            if connection.phase is _STREAM:
                ends = connection.drop_at and connection.drop_at <= now
                yield connection, _FAREWELL if ends else HEARTBEAT
                continue
            match connection.phase:
                case Phase.HEAD if (idle_at := self._idle_at(connection)) > now:
                    self.put(connection, idle_at)
                case Phase.HEAD:
                    yield connection, Due.REQUEST if connection.buffer else Due.IDLE
                case Phase.BODY:
                    yield connection, Due.REQUEST
                case Phase.ENDING:
                    yield connection, Due.END
                case Phase.LINGERING:
                    yield connection, Due.LATE
                case Phase.BUSY | Phase.STREAM:
                    pass

    def _idle_at(self, connection: Connection) -> float:
        """Return when a connection that was used lately may be closed, 0 for one that was not."""
        if connection.used_at <= 0:
            return 0.0
        return connection.used_at + self._settings.idle_seconds + _CLOCK_STEP_SECONDS

    def _schedule(self, connection: Connection, now: float, share: float) -> None:
        period = self._period_seconds
        at = connection.drop_at
        if at == inf and period <= 0:
            period = _LASTING_HEARTBEAT_SECONDS
        if period > 0:
            beat = now + share * period
            at = min(at, beat) if at else beat
        if at:
            self.put(connection, at)
        else:
            self.forget(connection)


def _spread_seconds(life_seconds: float) -> float:
    return max(1.0, life_seconds / _SPREAD_SHARE)
