"""Who is sent a heartbeat, and when the next one is due."""

import os
import random
import socket
from collections.abc import Iterator

import pytest

from fh.edge.connection import CLOSED, Connection, Phase
from fh.edge.fanout import Audience
from fh.edge.heartbeats import Heartbeats
from fh.edge.lifetimes import Due, Lifetimes
from fh.edge.poller import EpollPoller
from fh.edge.settings import EdgeSettings
from fh.edge.writer import Writer
from fh.wire.sse import chunk

BEAT = b'event: ack\ndata: {"status":"alive"}\n\n'
SETTINGS = EdgeSettings(heartbeat_seconds=30, drop_after_seconds=100)


class Owner:
    def note_empty(self, audience: Audience) -> None:
        raise AssertionError(audience)


class Stage:
    def __init__(self) -> None:
        self.broken: list[Connection] = []
        self.lifetimes = Lifetimes(SETTINGS, random.Random(1), 0.0)
        poller = EpollPoller()
        writer = Writer(poller, SETTINGS, on_broken=self.break_off, on_evict=lambda *_: None)
        self.heartbeats = Heartbeats(SETTINGS, self.lifetimes, writer, BEAT)
        self.sockets: list[socket.socket] = []
        self.close = poller.close

    def break_off(self, connection: Connection) -> None:
        self.broken.append(connection)
        connection.descriptor = CLOSED

    def stream(self, *, drop_at: float = 0.0) -> tuple[Connection, socket.socket]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self.sockets += [ours, theirs]
        stream = Connection(ours.fileno())
        stream.phase, stream.drop_at = Phase.STREAM, drop_at
        return stream, theirs

    def due(self, until: int) -> dict[Connection, tuple[int, Due]]:
        return {
            connection: (now, each)
            for now in range(1, until + 1)
            for connection, each in self.lifetimes.due(now)
        }


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()
    for each in made.sockets:
        each.close()


async def test_each_is_sent_one_and_has_the_next_after_the_period(stage: Stage) -> None:
    streams = [stage.stream() for _ in range(1_200)]
    await stage.heartbeats.beat([stream for stream, _ in streams], 10.0)
    assert {theirs.recv(1_000) for _, theirs in streams} == {chunk(BEAT)}
    assert stage.due(100) == {stream: (40, Due.HEARTBEAT) for stream, _ in streams}


async def test_whoever_was_sent_an_event_lately_needs_none(stage: Stage) -> None:
    told, told_end = stage.stream()
    quiet, quiet_end = stage.stream()
    for stream, last_event_at in ((told, 90.0), (quiet, 80.0)):
        audience = Audience(Owner())
        audience.join(stream)
        audience.last_event_at = last_event_at
    await stage.heartbeats.beat([told, quiet], 100.0)
    assert quiet_end.recv(1_000) == chunk(BEAT)
    with pytest.raises(BlockingIOError):
        told_end.recv(1_000)
    assert stage.due(150) == {
        told: (130, Due.HEARTBEAT),
        quiet: (130, Due.HEARTBEAT),
    }


async def test_one_that_ends_before_its_next_heartbeat_is_told_goodbye_in_time(
    stage: Stage,
) -> None:
    ending, _ = stage.stream(drop_at=25.0)
    await stage.heartbeats.beat([ending], 10.0)
    assert stage.due(60) == {ending: (25, Due.FAREWELL)}


async def test_those_that_left_since_are_neither_written_to_nor_kept(stage: Stage) -> None:
    closed, _ = stage.stream()
    number, closed.descriptor = closed.descriptor, CLOSED
    over, over_end = stage.stream()
    over.phase = Phase.ENDING
    gone, gone_end = stage.stream()
    gone_end.close()
    await stage.heartbeats.beat([closed, over, gone], 10.0)
    assert stage.broken == [gone]
    with pytest.raises(BlockingIOError):
        over_end.recv(1_000)
    assert stage.due(60) == {}
    os.fstat(number)  # nobody closed what was not theirs
