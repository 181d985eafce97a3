"""Connections change hands between two ends of a channel, with what was read of them."""

import os
import socket
from contextlib import asynccontextmanager, contextmanager

import pytest
import trio
from edge_under_test import ENVIRONMENT, SERVER_KEY, MemoryLookup, boolean, edge_under_test, granted
from structlog.testing import capture_logs

from fh.edge.hand_over import Giver, open_channel, take_over


@contextmanager
def connection():
    """Yield a client's end and the server's end of a connection over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    client.settimeout(5)
    with client, server:
        yield client, server


def fill(end: socket.socket) -> None:
    """Send until there is no room."""
    while True:
        end.send(b"x" * 1000)


class Taken:
    """What was taken over, and by whom."""

    def __init__(self):
        self.elsewhere = []
        self.other = []
        self.error = None
        self.arrived = trio.Event()

    def take_elsewhere(self, taken, data):
        if self.error is not None:
            raise self.error
        self._keep(self.elsewhere, taken, data)

    def take_other_protocol(self, taken, data):
        self._keep(self.other, taken, data)

    def _keep(self, where, taken, data):
        where.append((taken, data))
        self.arrived.set()
        self.arrived = trio.Event()

    async def wait_for(self, where, count):
        with trio.fail_after(5):
            while len(where) < count:
                await self.arrived.wait()
        return where[count - 1]

    def close(self):
        for taken, _ in (*self.elsewhere, *self.other):
            taken.close()


@asynccontextmanager
async def channel():
    """Yield the worker's end, and what the parent took at the other."""
    parent, worker = open_channel()
    taken = Taken()
    with trio.socket.from_stdlib_socket(parent) as parent, worker:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(take_over, parent, taken.take_elsewhere, taken.take_other_protocol)
            yield worker, taken
            worker.close()
            with trio.fail_after(5):  # the end of the channel is its own
                while nursery.child_tasks:  # noqa: ASYNC110  nothing else tells
                    await trio.sleep(0.01)
    taken.close()


async def test_a_connection_is_served_by_who_takes_it_over():
    async with channel() as (worker, taken):
        with connection() as (client, server):
            Giver(worker).give_elsewhere(server, b"GET / HTTP/1.1\r\n\r\n")
            assert server.fileno() == -1
            theirs, data = await taken.wait_for(taken.elsewhere, 1)
            assert data == b"GET / HTTP/1.1\r\n\r\n"
            assert not os.get_inheritable(theirs.fileno())
            theirs.sendall(b"hello")
            assert client.recv(100) == b"hello"
            client.sendall(b"more")
            assert theirs.recv(100) == b"more"
            theirs.close()
            assert client.recv(100) == b""


async def test_the_kinds_are_told_apart_and_the_order_is_kept():
    async with channel() as (worker, taken):
        giver = Giver(worker)
        for number in range(20):
            with connection() as (_, server):
                give = giver.give_other_protocol if number % 2 else giver.give_elsewhere
                give(server, b"%d" % number)
        await taken.wait_for(taken.elsewhere, 10)
        await taken.wait_for(taken.other, 10)
        assert [data for _, data in taken.elsewhere] == [b"%d" % n for n in range(0, 20, 2)]
        assert [data for _, data in taken.other] == [b"%d" % n for n in range(1, 20, 2)]


@pytest.mark.parametrize("size", [0, 1, 65_536 + 16_384])
async def test_all_that_was_read_goes_along(size):
    async with channel() as (worker, taken):
        data = os.urandom(size)
        with connection() as (_, server):
            Giver(worker).give_elsewhere(server, data)
        assert (await taken.wait_for(taken.elsewhere, 1))[1] == data


async def test_without_room_a_request_is_refused_and_another_protocol_closed():
    parent, worker = open_channel()
    with parent, worker:
        giver = Giver(worker)
        worker.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        with pytest.raises(BlockingIOError):
            fill(worker)
        with connection() as (client, server):
            giver.give_elsewhere(server, b"GET / HTTP/1.1\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(1000), b""))
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nretry-after: 1\r\n" in answer
        with connection() as (client, server):
            giver.give_other_protocol(server, b"\x16\x03\x01")
            assert client.recv(100) == b""


async def test_without_a_parent_a_request_is_refused():
    parent, worker = open_channel()
    parent.close()
    with worker, connection() as (client, server):
        Giver(worker).give_elsewhere(server, b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 503 ")


async def test_what_was_given_before_the_worker_died_is_taken():
    parent, worker = open_channel()
    taken = Taken()
    with connection() as (client, server):
        with worker:
            for _ in range(3):
                with connection() as (_, another):
                    Giver(worker).give_elsewhere(another, b"a")
            Giver(worker).give_elsewhere(server, b"b")
        with trio.socket.from_stdlib_socket(parent) as parent, trio.fail_after(5):
            await take_over(parent, taken.take_elsewhere, taken.take_other_protocol)
        assert [data for _, data in taken.elsewhere] == [b"a", b"a", b"a", b"b"]
        taken.elsewhere[3][0].sendall(b"here")
        assert client.recv(100) == b"here"
        taken.close()


async def test_a_taker_that_fails_costs_that_connection_only():
    async with channel() as (worker, taken):
        taken.error = RuntimeError("oops")
        with connection() as (client, server), capture_logs() as logs:
            Giver(worker).give_elsewhere(server, b"a")
            await trio.to_thread.run_sync(client.recv, 100)
        assert [each["event"] for each in logs] == ["handed_over_connection_failed"]
        taken.error = None
        with connection() as (_, server):
            Giver(worker).give_elsewhere(server, b"b")
        assert (await taken.wait_for(taken.elsewhere, 1))[1] == b"b"


async def test_a_message_without_its_connection_is_passed_over():
    async with channel() as (worker, taken):
        with capture_logs() as logs:
            worker.send(b"\x01GET / HTTP/1.1\r\n\r\n")
            with connection() as (_, server):
                Giver(worker).give_elsewhere(server, b"a")
            assert (await taken.wait_for(taken.elsewhere, 1))[1] == b"a"
        assert [each["event"] for each in logs] == ["handed_over_connection_lost"]


async def test_an_edge_goes_on_with_what_was_read_already():
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted([boolean("a", True)])})) as edge:
        request = f"GET /features?apiKey={ENVIRONMENT}/{SERVER_KEY.secret} HTTP/1.1\r\nHost: x\r\n"
        for cut in (0, 1, len(request), len(request) + 2):
            whole = f"{request}\r\n".encode()
            with connection() as (client, server):
                if whole[cut:]:
                    client.sendall(whole[cut:])
                edge.edge.take(server, whole[:cut])
                answer = await trio.to_thread.run_sync(client.recv, 100)
                assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_an_edge_that_does_not_run_closes_what_it_is_given():
    async with edge_under_test() as edge:
        pass
    with connection() as (client, server):
        edge.edge.take(server, b"GET / HTTP/1.1\r\n")
        assert client.recv(1) == b""
