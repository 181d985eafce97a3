"""Heartbeats: with long-lived streams, most of what an idle Edge does."""

from collections.abc import Sequence
from typing import Final

import trio

from fh.edge.connection import Connection, Phase
from fh.edge.lifetimes import Lifetimes
from fh.edge.settings import EdgeSettings
from fh.edge.writer import Writer
from fh.wire.sse import chunk

_STREAM: Final = Phase.STREAM  # looked up once: an enum's member costs as much as a call

_AT_ONCE: Final = 500
"""So many are written before others get their turn: that takes a few milliseconds."""


class Heartbeats:
    """Shows clients that their streams live."""

    def __init__(
        self, settings: EdgeSettings, lifetimes: Lifetimes, writer: Writer, heartbeat: bytes
    ) -> None:
        """Send the event `heartbeat`."""
        self._seconds = settings.heartbeat_seconds
        self._lifetimes = lifetimes
        self._writer = writer
        self._heartbeat = heartbeat
        self._chunk = chunk(heartbeat) if heartbeat else b""

    async def beat(self, streams: Sequence[Connection], now: float) -> None:
        """Write one to each of `streams` that was sent no event lately, and plan the next one."""
        for start in range(0, len(streams), _AT_ONCE):
            self._beat(streams[start : start + _AT_ONCE], now)
            await trio.lowlevel.checkpoint()

    def _beat(self, streams: Sequence[Connection], now: float) -> None:
        lately = now - self._seconds / 2
        write = self._writer.write
        for stream in streams:
            if stream.phase is not _STREAM or stream.closed:
                continue  # it ended since it was due
            audience = stream.audience
            if audience is None or audience.last_event_at <= lately:
                plain = type(stream) is Connection
                heartbeat = self._chunk if plain else stream.framed(self._heartbeat)
                write(stream, _STREAM, heartbeat)
        self._lifetimes.go_on(
            [each for each in streams if each.phase is _STREAM and not each.closed], now
        )
