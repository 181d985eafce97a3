"""Bytes that leave in parts, whatever parts the kernel takes, and descriptors that come back."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import trio
import trio.testing

from fh.edge import writer as writer_module
from fh.edge.connection import Connection
from fh.edge.engine import Engine
from fh.edge.fanout import Audience, Events
from fh.edge.poller import EpollPoller
from fh.edge.settings import EdgeSettings
from fh.edge.writer import Eviction, Writer
from fh.wire.sse import chunk

EVENT = chunk(b"event: feature\ndata: {}\n\n")


class Stage:
    """A writer, and who it gave up."""

    def __init__(self, **settings: float) -> None:
        self.poller = EpollPoller()
        self.broken: list[Connection] = []
        self.evicted: list[tuple[Connection, str]] = []
        self.writer = Writer(
            self.poller,
            EdgeSettings(**settings),
            on_broken=self.broken.append,
            on_evict=lambda connection, reason: self.evicted.append((connection, reason)),
        )


@contextmanager
def connected(stage: Stage) -> Iterator[tuple[Connection, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        stage.poller.watch(ours.fileno())
        yield Connection(ours.fileno()), theirs
        stage.poller.close()


def everything(reader: socket.socket) -> bytes:
    try:
        return reader.recv(65536)
    except BlockingIOError:
        return b""


@pytest.mark.parametrize("cut", range(len(EVENT)))
async def test_an_event_cut_anywhere_goes_on_where_it_was_cut(cut: int) -> None:
    stage = Stage()
    with connected(stage) as (connection, reader):
        assert os.write(connection.descriptor, EVENT[:cut]) == cut
        stage.writer.keep_tail(connection, EVENT, cut)
        stage.writer.keep_events(connection, Events({"a": b"a1", "b": b"b1"}))
        stage.writer.keep_events(connection, Events({"a": b"a2"}))
        assert stage.writer.slow == 1
        assert stage.writer.flush(connection)
        # Of each feature the newest, in the order in which those became due.
        assert everything(reader) == EVENT + chunk(b"b1") + chunk(b"a2")
        assert (stage.writer.slow, stage.broken, stage.evicted) == (0, [], [])


@pytest.mark.parametrize("most_bytes", range(1, len(EVENT) + 2))
async def test_a_kernel_that_takes_a_few_bytes_at_a_time_gets_all(
    most_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage()
    write = os.write
    monkeypatch.setattr(
        writer_module.os, "write", lambda fd, data: write(fd, bytes(data[:most_bytes]))
    )
    monkeypatch.setattr(
        writer_module.os, "writev", lambda fd, parts: write(fd, b"".join(parts)[:most_bytes])
    )
    with connected(stage) as (connection, reader):
        whole = stage.writer.write(connection, "first", EVENT)
        assert whole == (most_bytes >= len(EVENT))
        if not whole:
            stage.writer.keep_events(connection, Events({"next": b"next"}))
        while connection.tail is not None:
            stage.writer.flush(connection)
        assert everything(reader) == EVENT + (b"" if whole else chunk(b"next"))
        assert (stage.writer.slow, stage.broken, stage.evicted) == (0, [], [])


async def test_what_is_held_back_leaves_as_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    written: list[bytes] = []
    writev = os.writev

    def noted(descriptor: int, parts: list[bytes]) -> int:
        written.append(b"".join(parts))
        return writev(descriptor, parts)

    monkeypatch.setattr(writer_module.os, "writev", noted)
    with connected(stage) as (connection, reader):
        stage.writer.hold(connection, b"head ")
        assert not stage.writer.write(connection, "features", b"features")
        assert stage.writer.release(connection)
        assert written == [b"head features"]
        assert everything(reader) == b"head features"


async def test_whoever_gets_a_descriptor_again_gets_nothing_of_its_last_owner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One tenant's client leaves in the middle of a broadcast, another's gets its number."""
    monkeypatch.setattr("fh.edge.fanout._WRITES_PER_TURN", 1)
    monkeypatch.setattr("fh.edge.fanout._AT_ONCE", 0)
    engine = Engine(EpollPoller(), EdgeSettings(), Silent(), heartbeat=b"", farewell=b"")
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def connect() -> socket.socket:
            client = stack.enter_context(socket.create_connection(listener.getsockname()))
            client.setblocking(False)
            return client

        def accept() -> int:
            accepted, _ = listener.accept()
            accepted.setblocking(False)
            return accepted.detach()

        audience = Audience(Silent())
        clients = [connect() for _ in range(5)]
        for _ in clients:
            descriptor = accept()
            engine.adopt(descriptor)
            connection = engine._connections.find(descriptor)
            assert connection is not None
            engine.start_stream(connection, b"head")
            engine.send_first(connection)
            audience.join(connection)
        assert [everything(client) for client in clients] == [b"head"] * 5
        stranger = connect()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.run)
            engine.publish(audience, "secret", b"of one tenant")
            while not (received := everything(clients[0])):
                await trio.lowlevel.checkpoint()
            assert received == chunk(b"of one tenant")
            assert everything(clients[-1]) == b""  # its turn has not come
            last = audience.members[-1]
            number = last.descriptor
            engine.close(last)
            reused = accept()
            assert reused == number
            engine.adopt(reused)
            await trio.testing.wait_all_tasks_blocked()
            assert everything(clients[-2]) == chunk(b"of one tenant")
            assert everything(stranger) == b""
            nursery.cancel_scope.cancel()


class Silent:
    """Answers no request and cares for nobody."""

    def on_request(self, connection: Connection, data: bytes) -> None:
        """See `Requests`."""

    def on_refused(self, connection: Connection, status: int, detail: str) -> None:
        """See `Requests`."""

    def on_other_protocol(self, connection: Connection) -> None:
        """See `Requests`."""

    def note_empty(self, audience: Audience) -> None:
        """See `AudienceOwner`."""


PARTS = (b"5\r\nhead", b"[shared by many]", b"\n\n\r\n")


@pytest.mark.parametrize("most_bytes", [1, 7, len(PARTS[0]), 20, 1000])
async def test_parts_leave_whole_and_in_order_and_are_never_copied(
    most_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage()
    monkeypatch.setattr(
        writer_module.os, "writev", lambda fd, parts: os.write(fd, b"".join(parts)[:most_bytes])
    )
    with connected(stage) as (connection, reader):
        stage.writer.hold(connection, b"first ")
        assert not stage.writer.write_parts(connection, PARTS)
        assert any(each is PARTS[1] for each in connection.backlog.values())
        stage.writer.keep_events(connection, Events({"a": b"a1"}))
        whole = stage.writer.release(connection)
        stage.writer.keep_events(connection, Events({"a": b"a2"} if not whole else {}))
        while connection.tail is not None:
            if connection.tail.obj is PARTS[1]:
                assert len(connection.tail) <= len(PARTS[1])
            stage.writer.flush(connection)
        assert everything(reader) == b"first " + b"".join(PARTS) + chunk(b"a1" if whole else b"a2")
        assert (stage.writer.slow, stage.evicted) == (0, [])


async def test_parts_of_any_size_are_no_reason_to_give_a_client_up() -> None:
    stage = Stage(slow_bytes=10)
    with connected(stage) as (connection, _):
        stage.writer.hold(connection, b"first ")
        stage.writer.write_parts(connection, (b"x" * 100, b"y" * 100))
        stage.writer.keep_events(connection, Events({"a": b"1"}))
        assert stage.evicted == []
        stage.writer.keep_events(connection, Events({"b": b"2" * 10}))
        assert stage.evicted == []
        stage.writer.keep_events(connection, Events({"c": b"3"}))
        assert stage.evicted == [(connection, Eviction.OVERFULL)]


async def test_what_comes_together_is_let_in_whatever_its_size_and_shared_by_all_who_keep_it() -> (
    None
):
    stage = Stage(slow_bytes=10)
    events = Events({"a": b"1" * 100, "b": b"2" * 100})
    with connected(stage) as (first, _), connected(Stage()) as (second, _):
        for connection in (first, second):
            stage.writer.hold(connection, b"what is being sent")
            stage.writer.keep_events(connection, events)
        assert first.backlog == {"a": chunk(b"1" * 100), "b": chunk(b"2" * 100)}
        assert second.backlog is not None
        assert all(second.backlog[key] is data for key, data in first.backlog.items())
        assert stage.evicted == []
        # The newest of a feature replaces what waits of it, so it is no more than before.
        stage.writer.keep_events(first, Events({"a": b"3" * 100, "b": b"4"}))
        assert stage.evicted == []
        stage.writer.keep_events(first, Events({"b": b"5"}))
        assert stage.evicted == [(first, Eviction.OVERFULL)]
