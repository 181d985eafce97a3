"""Whatever arrives at the door, it costs its sender only.

Each round a crowd of clients sends hostile bytes, cut anywhere, some leaving in the middle. Then a
poll and a stream that were there all the time have to work as ever, and in the end everything is
given back. Rounds are made from their number alone; `FH_FUZZ_SECONDS=600` goes on for ten minutes,
`FH_FUZZ_FIRST=17` begins at the round that failed.
"""

import gc
import itertools
import json
import os
import random
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trio.testing
from edge_under_test import (
    CLIENT_KEY,
    ENVIRONMENT,
    SERVER_KEY,
    Client,
    EdgeUnderTest,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
    targeted_at,
)
from hostile_requests import LAST, hostile_bytes, in_pieces
from strict_answers import AnswerReader
from structlog.testing import capture_logs

from fh.edge.connection import Connection
from fh.model.roles import Role

ROUNDS = 8
CROWD = 60
HEAD_SECONDS = 1
FIRST = int(os.environ.get("FH_FUZZ_FIRST", "0"))
SECONDS = float(os.environ.get("FH_FUZZ_SECONDS", "0"))
ABORTING = struct.pack("ii", 1, 0)
ELSEWHERE = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

pytestmark = pytest.mark.timeout(SECONDS + 120)


def rounds() -> Iterator[int]:
    """The numbers of the rounds: a few, or as many as there is time for."""
    until = time.monotonic() + SECONDS
    for number in itertools.count(FIRST):
        if number >= FIRST + ROUNDS and time.monotonic() > until:
            return
        yield number


def lookup() -> MemoryLookup:
    features = [boolean("dark", True), targeted_at("userkey", "fred", b'"for fred"')]
    view = granted(features, roles=[Role.READ, Role.CHANGE_VALUE, Role.LOCK, Role.UNLOCK])
    return MemoryLookup({SERVER_KEY: view, CLIENT_KEY: view})


def descriptors() -> int:
    """Return how many descriptors this process has, 0 where the system does not say."""
    directory = Path("/proc/self/fd")
    return len(list(directory.iterdir())) if directory.is_dir() else 0


def connections_in_memory() -> int:
    gc.collect()
    return sum(isinstance(each, Connection) for each in gc.get_objects())


async def is_back_to(edge: EdgeUnderTest, connections: int, streams: int) -> None:
    with trio.fail_after(20):
        while True:
            now = edge.edge.statistics()
            if now is not None and (now.connections, now.streams, now.slow) == (
                connections,
                streams,
                0,
            ):
                return
            await trio.testing.wait_all_tasks_blocked(0.01)


async def answer_elsewhere(edge: EdgeUnderTest) -> None:
    """Play whoever takes the requests that are not Edge's."""
    while True:
        await trio.testing.wait_all_tasks_blocked(0.001)
        while edge.elsewhere:
            taken, data = edge.elsewhere.pop()
            assert data
            with suppress(OSError):
                taken.send(ELSEWHERE)
                taken.shutdown(socket.SHUT_WR)
            taken.close()


async def converse(edge: EdgeUnderTest, dice: random.Random) -> None:
    """Send hostile bytes; whatever comes back has to be whole answers, or a close."""
    data = hostile_bytes(dice)
    leaves_early = dice.random() < 0.3
    if not leaves_early:
        data += LAST
    pieces = in_pieces(data, dice)
    if leaves_early:
        pieces = pieces[: dice.randint(0, len(pieces))]
    reader = AnswerReader()
    async with await trio.open_tcp_stream("127.0.0.1", edge.port) as stream:
        sent_all = trio.Event()

        async def send() -> None:
            with suppress(trio.BrokenResourceError):
                for piece in pieces:
                    await stream.send_all(piece)
                    for _ in range(dice.choice([0, 1, 3])):
                        await trio.lowlevel.checkpoint()
            sent_all.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            if leaves_early:
                await sent_all.wait()
                if dice.random() < 0.5:
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORTING)
                return
            try:
                was_reset = await listen(stream, reader)
            except AssertionError as error:
                error.add_note(f"sent in {len(pieces)} pieces: {data!r}")
                raise
            nursery.cancel_scope.cancel()
    # A reset may cut an answer short: the kernel throws away what was not read yet.
    assert was_reset or reader.complete or reader.stream, (data, reader)


async def listen(stream: trio.SocketStream, reader: AnswerReader) -> bool:
    """Read until the server closes, waits, or streams; return whether the connection was reset."""
    while True:
        received = None
        with trio.move_on_after(HEAD_SECONDS + 4):
            try:
                received = await stream.receive_some(65536)
            except trio.BrokenResourceError:
                return True
        if not received:
            # After a whole answer it may wait for the next request, and for nothing else.
            if received is None and not (reader.answers and reader.complete):
                raise AssertionError(f"neither an answer nor an end after {reader.answers}")
            return False
        reader.feed(received)
        answer = reader.stream
        if answer is not None and not answer.complete:
            assert answer.events is not None
            names = {event.name for event in answer.events.events}
            assert names <= {"ack", "features", "feature", "failure", "bye"}
            return False


class Wellbeing:
    """A stream and a kept connection, which nothing that others do may disturb."""

    def __init__(self, edge: EdgeUnderTest, stream: Client, polls: Client) -> None:
        self._edge = edge
        self._stream = stream
        self._polls = polls
        self._version = 1

    async def check(self) -> None:
        self._version += 1
        await self._edge.announce(boolean("dark", True, version=self._version))
        name, data = "", ""
        while '"dark"' not in data:
            name, _, data = await self._stream.event()
        assert (name, json.loads(data)["version"]) == ("feature", self._version)
        await self._polls.send(
            f"GET /features?apiKey={ENVIRONMENT}/{SERVER_KEY.secret} HTTP/1.1\r\n"
            f"Host: x\r\nx-featurehub: userkey=fred\r\n\r\n".encode()
        )
        status, _, body = await self._polls.answer()
        assert status == 200
        [environment] = json.loads(body)
        assert [feature["key"] for feature in environment["features"]] == ["dark", "rolled"]


@pytest.mark.parametrize("portable", [False, True], ids=["epoll", "portable"])
async def test_hostile_bytes_cost_their_sender_only(portable: bool) -> None:
    with capture_logs() as logs:
        async with (
            edge_under_test(
                lookup(), portable_engine=portable, head_seconds=HEAD_SECONDS, slow_seconds=2
            ) as edge,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(answer_elsewhere, edge)
            stream = await edge.open_stream()
            assert [(await stream.event())[0] for _ in range(2)] == ["ack", "features"]
            wellbeing = Wellbeing(edge, stream, await edge.connect())
            await wellbeing.check()
            before, connections_before = descriptors(), connections_in_memory()
            for number in rounds():
                dice = random.Random(number)
                # Whatever has to be loaded keeps its connection busy for a while.
                edge.lookup.cold = dice.random() < 0.5
                edge.updates.away = dice.random() < 0.2
                async with trio.open_nursery() as crowd:
                    for _ in range(CROWD):
                        crowd.start_soon(converse, edge, random.Random(dice.random()))
                    for version in range(number * 10, number * 10 + 10):
                        await edge.announce(boolean("noise", True, version=version))
                        await trio.lowlevel.checkpoint()
                await wellbeing.check()
            await is_back_to(edge, connections=2, streams=1)
            assert descriptors() <= before
            # Loops that wait remember the last that they had to do with.
            assert connections_in_memory() <= connections_before + 3
            await wellbeing.check()
            nursery.cancel_scope.cancel()
    bad = [entry for entry in logs if entry["log_level"] in {"error", "critical"}]
    bad += [entry for entry in logs if "exc_info" in entry or "crash" in entry["event"]]
    assert bad == []
