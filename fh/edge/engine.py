"""The engine owns every connection of the process.

It hands each request head to `requests`; whoever answers calls `respond`, `await_body`,
`start_stream` or `take`. It writes without ever waiting: what the kernel refuses is kept for the
client, bounded in bytes and in time. Nothing here knows what a feature is.
"""

import os
import random
import socket
from collections import Counter
from contextlib import suppress

import structlog
import trio

from fh.edge.admission import Admission
from fh.edge.connection import CLOSED, Connection, Phase
from fh.edge.connections import Connections
from fh.edge.engine_statistics import EngineStatistics
from fh.edge.fanout import FanOut
from fh.edge.farewells import leave
from fh.edge.gate import Gate
from fh.edge.heartbeats import Heartbeats
from fh.edge.intake import AwaitedBody, Intake, Requests
from fh.edge.lifetimes import HEARTBEAT, Due, Lifetimes
from fh.edge.poller import Poller, Ready
from fh.edge.relay import Bearer, Relay
from fh.edge.settings import EdgeSettings
from fh.edge.writer import ANSWER, FIRST_WORDS, Eviction, Writer
from fh.wire.sse import SharedEvent

log = structlog.get_logger()

_READ_BYTES = 16 * 1024
_LINGER_SECONDS = 2.0


class Engine:
    """All connections of the process, and the one poller that watches them."""

    def __init__(
        self,
        poller: Poller,
        settings: EdgeSettings,
        requests: Requests,
        *,
        heartbeat: bytes,
        farewell: bytes,
    ) -> None:
        self._poller = poller
        self._settings = settings
        self._farewell = farewell
        self._connections = Connections()
        self._jitter = random.Random()  # noqa: S311  spreads deadlines, guards nothing
        self._lifetimes = Lifetimes(settings, self._jitter, trio.current_time())
        self._intake = Intake(
            self._lifetimes,
            requests,
            respond_again=self._respond_again,
            close=self.close,
        )
        self._writer = Writer(poller, settings, on_broken=self.close, on_evict=self._evict)
        self._heartbeats = Heartbeats(settings, self._lifetimes, self._writer, heartbeat)
        self._admission = Admission(
            settings,
            progressed_at=self._writer.progressed_at,
            on_stalled=self._evict,
            on_late=self._say_farewell,
        )
        self.enter = self._admission.enter
        self.gate = Gate(settings, self._connections, self._admission, self._jitter)
        self._fan_out = FanOut(
            on_refused=self._writer.keep_tail,
            on_broken=self.close,
            on_slow=self._writer.keep_events,
        )
        self.publish = self._fan_out.publish
        self.mark = self._fan_out.mark
        self.open_streams = self._connections.of_streams
        self.backlogs = self._writer.backlogs
        self._evicted: Counter[Eviction] = Counter()

    async def run(self) -> None:
        """Serve until cancelled; then every connection is closed."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._poller.run, self._on_ready)
                nursery.start_soon(self._fan_out.run)
                nursery.start_soon(self._admission.run)
                nursery.start_soon(self._keep_time)
        finally:
            for connection in self._connections:
                self.close(connection)
            self._poller.close()

    def adopt(self, descriptor: int, data: bytes = b"") -> None:
        """Take a connected, non-blocking socket over and await a request on it, or its rest."""
        connection = Connection(descriptor)
        self._connections.add(connection)
        self._poller.watch(descriptor)
        self._lifetimes.begin(connection, trio.current_time() + self._settings.head_seconds)
        if data:
            self._intake.take_in(connection, data)
        else:
            # The request has usually arrived with the connection: save a round through the poller.
            self._read(connection)

    def await_body(
        self, connection: Connection, awaited: AwaitedBody, *, expects_continue: bool
    ) -> None:
        """Read the body of the request whose head was just handed over."""
        if connection.closed:
            return

        def interim(data: bytes) -> None:
            self._writer.write(connection, object(), data)

        until = trio.current_time() + self._settings.head_seconds
        self._intake.await_body(connection, awaited, until, interim if expects_continue else None)

    def respond(self, connection: Connection, data: bytes, *, closes: bool) -> None:
        """Write a whole answer, then await the next request or close."""
        if connection.closed:
            return
        connection.closes |= closes  # after a half-close it has to, anyway
        connection.phase = Phase.BUSY
        if self._writer.write(connection, ANSWER, data):
            self._answered(connection)

    def start_stream(self, connection: Connection, head: bytes, *, lasts: bool = False) -> None:
        """Make a connection a stream: `head` is the response's head and may carry first chunks.

        It leaves with `send_first`, in the same turn, and with it what was sent meanwhile: often
        that is all a stream is sent for long, and a write costs more than the rest of its opening.
        One that lasts is never told to come back while this Edge lives.
        """
        if connection.closed:
            return
        connection.phase = Phase.STREAM
        connection.buffer = b""
        self._connections.begin_stream()
        self._lifetimes.begin_stream(connection, trio.current_time(), lasts=lasts)
        self._writer.hold(connection, head)

    def send_first(self, connection: Connection) -> None:
        """Write what a new stream was sent since its start, as one."""
        if not connection.closed and self._writer.release(connection):
            self._all_written(connection)

    def open_relay(self, frame: bytes, bearer: Bearer, *, lasts: bool = False) -> Relay:
        """Return a stream that somebody else writes to its client; its first event is `frame`.

        Whoever has it calls `close` when the client is gone or the stream at its end.
        """
        relay = Relay(self._admission.finish, bearer)
        relay.phase = Phase.STREAM
        self._connections.add(relay)
        self._connections.begin_stream()
        self._lifetimes.begin_stream(relay, trio.current_time(), lasts=lasts)
        if frame:
            self._writer.write(relay, FIRST_WORDS, frame)
        return relay

    def send(self, connection: Connection, frame: bytes) -> None:
        """Write one event to one stream, after all that it was sent before."""
        if not connection.closed:
            self._writer.write(connection, object(), connection.framed(frame))

    def send_features(self, connection: Connection, event: SharedEvent) -> None:
        """Write a stream's first features, of any size, after all that it was sent before."""
        if connection.closed:
            return
        self._admission.begin(connection, event.data)
        self._lifetimes.begin_anew(connection, trio.current_time())
        if self._writer.write_parts(connection, connection.framed_parts(event)):
            self._all_written(connection)

    def end_stream(self, connection: Connection, frame: bytes, *, hold_seconds: float = 0) -> None:
        """Write a last event to a stream, end its body, and close.

        Held, the end follows later than the event: some clients come back without a pause.
        """
        if connection.closed or connection.phase is not Phase.STREAM:
            return
        self._leave(connection)
        connection.phase = Phase.ENDING
        self._connections.end_stream(is_goodbye=frame == self._farewell)
        connection.closes = not hold_seconds
        seconds = hold_seconds or self._settings.slow_seconds
        self._lifetimes.put(connection, trio.current_time() + seconds)
        data = connection.framed(frame) if hold_seconds else connection.ended(frame)
        if self._writer.write(connection, object(), data) and not hold_seconds:
            self._linger(connection)

    def _say_farewell(self, connection: Connection) -> None:
        self.end_stream(connection, self._farewell)

    def _end_body(self, connection: Connection) -> None:
        """Write the end of a stream that was held back, or close it when that is late, too."""
        if connection.closes:
            self.close(connection)
            return
        connection.closes = True
        self._lifetimes.put(connection, trio.current_time() + self._settings.slow_seconds)
        if self._writer.write(connection, object(), connection.ended(b"")):
            self._linger(connection)

    def take(self, connection: Connection) -> tuple[socket.socket, bytes]:
        """Hand a connection over, with the bytes read and not used yet."""
        descriptor = connection.descriptor
        rest = connection.buffer
        self._forget(connection)
        return socket.socket(fileno=descriptor), rest

    def close(self, connection: Connection) -> None:
        """Close at once."""
        if connection.closed:
            return
        descriptor = connection.descriptor
        self._forget(connection)
        if descriptor >= 0:
            with suppress(OSError):  # Whatever close() reports, the descriptor is gone.
                os.close(descriptor)

    async def drain(self) -> None:
        """Say goodbye to every stream, spread over the grace period, and answer who has asked."""
        await leave(
            self._connections,
            self._say_farewell,
            # Those without all of their features are given the time that is left.
            last=self._admission.has,
            grace_seconds=self._settings.grace_seconds,
            jitter=self._jitter,
            wait_all_written=self._writer.wait_all_written,
        )

    @property
    def is_writing(self) -> bool:
        """Whether a broadcast is under way."""
        return self._fan_out.is_writing

    def statistics(self) -> EngineStatistics:
        """Return the counts of this moment."""
        return EngineStatistics(
            slow=self._writer.slow,
            evicted=self._evicted.total(),
            overfull=self._evicted[Eviction.OVERFULL],
            stalled=self._evicted[Eviction.STALLED],
            deliveries=self._fan_out.deliveries,
            broadcasts=self._fan_out.broadcasts,
            propagation=self._fan_out.propagation.durations(),
            **self._connections.counts(),
            **self._admission.counts(),
            **self.gate.counts(),
        )

    # Reading ----------------------------------------------------------------------------------

    def _on_ready(self, descriptor: int, ready: Ready) -> None:
        connection = self._connections.find(descriptor)
        if connection is None:
            return
        match ready:
            case Ready.READ:
                self._read(connection)
            case Ready.WRITE:
                self._flush(connection)
            case Ready.GONE:
                self.close(connection)

    def _read(self, connection: Connection) -> None:
        try:
            data = os.read(connection.descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self.close(connection)
            return
        if data:
            self._intake.take_in(connection, data)
        elif connection.phase is Phase.BUSY:
            # It asks no more, but what it asked is being done, and the answer may still be read.
            connection.closes = True
            writes = connection.tail is not None
            self._poller.unwatch_reads(connection.descriptor, writes=writes)
        else:
            # Else a half-close counts as gone: it can't be told from a close until a write fails.
            self.close(connection)

    def _respond_again(self, connection: Connection, data: bytes) -> None:
        """Do what `respond` does for a connection that stays open, the short way."""
        if not self._writer.write(connection, ANSWER, data):
            if not connection.closed:
                connection.closes = False
                connection.phase = Phase.BUSY
                self._lifetimes.forget(connection)
        elif connection.buffer:
            self._lifetimes.put(connection, trio.current_time() + self._settings.head_seconds)
        else:
            self._lifetimes.used(connection)

    def _answered(self, connection: Connection) -> None:
        if connection.closes:
            self._linger(connection)
            return
        settings = self._settings
        connection.phase = Phase.HEAD
        seconds = settings.head_seconds if connection.buffer else settings.idle_seconds
        self._lifetimes.put(connection, trio.current_time() + seconds)
        self._intake.pump(connection)

    # Writing ----------------------------------------------------------------------------------

    def _flush(self, connection: Connection) -> None:
        if self._writer.flush(connection):
            self._all_written(connection)

    def _all_written(self, connection: Connection) -> None:
        match connection.phase:
            case Phase.BUSY:
                self._answered(connection)
            case Phase.STREAM:
                self._admission.finish(connection)
            case Phase.ENDING:
                self._admission.finish(connection)
                if connection.closes:
                    self._linger(connection)
            case Phase.HEAD | Phase.BODY | Phase.LINGERING:
                pass

    def _linger(self, connection: Connection) -> None:
        # Closing with unread input would reset the connection and take the last answer with it.
        connection.phase = Phase.LINGERING
        connection.buffer = b""
        try:
            connection.shut()
        except OSError:
            self.close(connection)
            return
        self._lifetimes.put(connection, trio.current_time() + _LINGER_SECONDS)

    def _evict(self, connection: Connection, reason: Eviction) -> None:
        self._evicted[reason] += 1
        log.debug("client_evicted", reason=reason.value, phase=connection.phase.name)
        self.close(connection)

    # Time -------------------------------------------------------------------------------------

    async def _keep_time(self) -> None:
        while True:
            await trio.sleep(1)
            now = trio.current_time()
            beating = []
            for connection, due in self._lifetimes.due(now):
                if due is HEARTBEAT:
                    beating.append(connection)
                else:
                    self._on_due(connection, due, now)
            await self._heartbeats.beat(beating, now)
            for connection in self._writer.late(now):
                self._evict(connection, Eviction.TOO_SLOW)

    def _on_due(self, connection: Connection, due: Due, now: float) -> None:
        match due:
            case Due.REQUEST:
                self._intake.is_late(connection)
            case Due.IDLE | Due.LATE:
                self.close(connection)
            case Due.END:
                self._end_body(connection)
            case Due.FAREWELL if self._admission.has(connection):
                # To some SDKs a stream that ends before its first features is a failure for good.
                self._lifetimes.begin_stream(connection, now)
            case Due.FAREWELL:
                self._say_farewell(connection)
            case Due.HEARTBEAT:
                pass  # written for all together

    # Leaving ----------------------------------------------------------------------------------

    def _leave(self, connection: Connection) -> None:
        """Take a stream out of wherever streams are kept."""
        self.gate.leave(connection)
        self._admission.leave(connection)
        if connection.audience is not None:
            connection.audience.leave(connection)

    def _forget(self, connection: Connection) -> None:
        if not isinstance(connection, Relay):
            self._poller.forget(connection.descriptor)
        self._connections.remove(connection)
        connection.descriptor = CLOSED
        self._intake.forget(connection)
        self._writer.forget(connection)
        self._lifetimes.forget(connection)
        self._admission.finish(connection)
        self._leave(connection)
        connection.kept()
