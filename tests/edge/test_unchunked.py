"""Streams over HTTP/1.0, which is what some proxies speak to those behind them."""

import socket
from collections.abc import AsyncIterator

import pytest
import trio
import trio.testing
from edge_under_test import (
    ENVIRONMENT,
    SERVER_KEY,
    Client,
    EdgeUnderTest,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
)

S = SERVER_KEY.secret
STREAM = f"/features/{ENVIRONMENT}/{S}"


def lookup() -> MemoryLookup:
    return MemoryLookup({SERVER_KEY: granted([boolean("dark", True)])})


@pytest.fixture
async def edge() -> AsyncIterator[EdgeUnderTest]:
    async with edge_under_test(lookup()) as under_test:
        yield under_test


async def asked(edge: EdgeUnderTest, path: str, headers: str = "") -> tuple[Client, str]:
    """Return a client, and the head that it was answered with."""
    client = await edge.connect()
    await client.send(f"GET {path} HTTP/1.0\r\nHost: x\r\n{headers}\r\n".encode())
    return client, (await client.until(b"\r\n\r\n")).decode()


async def event(client: Client) -> tuple[str, str]:
    """Return name and data of the next event, which is not framed."""
    lines = (await client.until(b"\n\n")).decode().strip().split("\n")
    fields = dict(line.split(": ", 1) for line in lines)
    return fields["event"], fields["data"]


async def nothing_is_open(edge: EdgeUnderTest) -> None:
    with trio.fail_after(5):
        while (now := edge.edge.statistics()).streams or now.connections:
            await trio.testing.wait_all_tasks_blocked()


async def test_events_come_without_chunks(edge: EdgeUnderTest) -> None:
    client, head = await asked(edge, STREAM, "Origin: http://page\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "connection: close\r\n" in head
    assert "content-type: text/event-stream\r\n" in head
    assert "access-control-allow-origin: *\r\n" in head
    assert "transfer-encoding" not in head
    assert [(await event(client))[0] for _ in range(2)] == ["ack", "features"]
    await edge.wait_progress()
    for version in (2, 3):
        await edge.announce(boolean("dark", False, version=version))
        name, data = await event(client)
        assert (name, f'"version":{version}' in data) == ("feature", True)


async def test_its_end_is_that_of_the_connection() -> None:
    async with edge_under_test(lookup(), drop_after_seconds=1.0) as edge:
        client, _ = await asked(edge, STREAM)
        assert (await client.until_closed()).endswith(b'event: bye\ndata: {"status":"closed"}\n\n')
        await client.stream.aclose()
        await nothing_is_open(edge)


async def test_a_key_that_is_unknown_is_told_so(edge: EdgeUnderTest) -> None:
    client, _ = await asked(edge, f"/features/{ENVIRONMENT}/{'x' * 40}")
    assert b"event: failure\n" in await client.until_closed()


async def test_a_client_that_left_is_forgotten(edge: EdgeUnderTest) -> None:
    client, _ = await asked(edge, STREAM)
    await client.send(b"what nobody asked for")
    await client.stream.aclose()
    await nothing_is_open(edge)


async def test_a_client_that_does_not_read_is_given_up() -> None:
    async with edge_under_test(lookup(), slow_bytes=4096, slow_seconds=60) as edge:
        stuck, _ = await asked(edge, STREAM)
        with trio.fail_after(20):
            number = 0
            while not edge.edge.statistics().evicted:
                number += 1
                await edge.announce(boolean(f"f{number}", True))
                if not number % 100:
                    await trio.testing.wait_all_tasks_blocked()
        await nothing_is_open(edge)
        del stuck


async def test_notices_come_without_chunks(edge: EdgeUnderTest) -> None:
    client, head = await asked(edge, f"/ofrep/v1/changes/{ENVIRONMENT}/{S}")
    assert "connection: close\r\n" in head
    assert (await event(client))[0] == "ack"


async def test_polls_are_answered_and_the_connection_ends(edge: EdgeUnderTest) -> None:
    client = await edge.connect()
    await client.send(f"GET /features?apiKey={ENVIRONMENT}/{S} HTTP/1.0\r\n\r\n".encode())
    status, headers, body = await client.answer()
    assert (status, headers["connection"], b'"dark"' in body) == (200, "close", True)
    assert await client.until_closed() == b""


async def test_where_there_is_no_room_it_is_to_come_back() -> None:
    async with edge_under_test(lookup(), most_streams=1) as edge:
        first, _ = await asked(edge, STREAM)
        await event(first)
        _, head = await asked(edge, STREAM)
        assert head.startswith("HTTP/1.1 503 ")


async def test_many_who_come_at_once_find_no_more_room_than_there_is() -> None:
    async with edge_under_test(lookup(), streams_per_key=2) as edge:
        request = f"GET {STREAM} HTTP/1.0\r\n\r\n".encode()
        # Nobody is served before all have asked.
        sockets = [socket.create_connection(("127.0.0.1", edge.port)) for _ in range(5)]
        for each in sockets:
            each.sendall(request)
        clients = [Client(trio.SocketStream(trio.socket.from_stdlib_socket(s))) for s in sockets]
        edge.clients += clients
        heads = [await client.until(b"\r\n\r\n") for client in clients]
        assert sorted(head.split()[1] for head in heads) == [b"200"] * 2 + [b"503"] * 3
