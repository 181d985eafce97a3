"""Who is let in, who is not, and what those are told: never that it is for good."""

import random
from dataclasses import replace
from uuid import UUID

import pytest
import trio
from asgi_client import asgi_under_test
from edge_under_test import (
    CLIENT_KEY,
    SERVER_KEY,
    Client,
    EdgeUnderTest,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
)
from socket_client import handshake, open_socket

from fh.edge.admission import Admission
from fh.edge.connection import Connection
from fh.edge.connections import Connections
from fh.edge.gate import Gate, Reason
from fh.edge.settings import EdgeSettings
from fh.model.sdk_key import SdkKey


def here() -> str:
    return "192.0.2.1"


def not_asked() -> str:
    raise AssertionError("nobody wants to know the address")


def gate(**settings: int) -> Gate:
    chosen = EdgeSettings(**settings)
    admission = Admission(
        chosen, progressed_at=lambda _: None, on_stalled=lambda *_: None, on_late=lambda _: None
    )
    return Gate(chosen, Connections(), admission, random.Random(7))


def reason(of: Gate, key: SdkKey | None = SERVER_KEY, peer=here) -> Reason | None:
    turned_away = of.check(key, peer, is_page=False)
    return turned_away and turned_away.reason


def test_nobody_is_counted_unless_somebody_wants_a_bound() -> None:
    free = gate()
    for number in range(100):
        free.enter(Connection(number), SERVER_KEY, not_asked)
    assert reason(free, peer=not_asked) is None


def test_a_key_has_so_many_streams_and_no_more() -> None:
    of_two = gate(streams_per_key=2)
    streams = [Connection(number) for number in range(2)]
    for stream in streams:
        assert reason(of_two, peer=not_asked) is None
        of_two.enter(stream, SERVER_KEY, not_asked)
    assert reason(of_two) is Reason.KEY
    assert reason(of_two, CLIENT_KEY) is None
    of_two.leave(streams[0])
    of_two.leave(streams[0])
    assert reason(of_two) is None
    assert of_two.counts()["refused_key"] == 1


def test_an_address_has_so_many_streams_whatever_their_keys() -> None:
    of_one = gate(streams_per_address=1)
    of_one.enter(Connection(1), None, here)
    assert reason(of_one) is Reason.ADDRESS
    assert reason(of_one, CLIENT_KEY) is Reason.ADDRESS
    assert reason(of_one, peer=lambda: "192.0.2.2") is None
    # Whoever has no address any more is about to leave.
    of_one.enter(Connection(2), None, str)
    assert reason(of_one, peer=str) is None


def test_clients_are_told_to_come_back_at_different_times() -> None:
    stopping = gate()
    stopping.is_stopping = True
    seconds = {
        turned_away.seconds
        for _ in range(100)
        if (turned_away := stopping.check(SERVER_KEY, here, is_page=False))
    }
    assert seconds == {1, 2, 3, 4, 5}


def one_flag() -> MemoryLookup:
    view = granted([boolean("dark", True)])
    return MemoryLookup({SERVER_KEY: view, CLIENT_KEY: view})


async def ask(edge: EdgeUnderTest, headers: str = "") -> Client:
    client = await edge.connect()
    path = f"/features/{SERVER_KEY.environment_id}/{SERVER_KEY.secret}"
    await client.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    return client


@pytest.mark.parametrize("cap", ["streams_per_key", "streams_per_address"])
async def test_beyond_the_cap_an_sdk_gets_503_and_comes_in_when_another_left(cap: str) -> None:
    async with edge_under_test(one_flag(), **{cap: 1}) as edge:
        stream = await edge.open_stream()
        assert [(await stream.event())[0] for _ in range(2)] == ["ack", "features"]
        status, headers, _ = await (await ask(edge)).answer()
        assert status == 503
        assert 1 <= int(headers["retry-after"]) <= 30
        stream.stream.socket.close()
        with trio.fail_after(5):
            while edge.edge.statistics().streams:
                await trio.lowlevel.checkpoint()
        assert (await (await edge.open_stream()).event())[0] == "ack"
        refused = edge.edge.statistics()
        assert refused.refused_key + refused.refused_address == 1


@pytest.mark.parametrize("header", ["origin: http://page.example\r\n", "sec-fetch-mode: cors\r\n"])
async def test_a_page_gets_a_stream_that_says_when_to_try_again(header: str) -> None:
    # An EventSource would take a 503 for final, and never come back.
    async with edge_under_test(one_flag(), streams_per_key=1) as edge:
        await (await edge.open_stream()).event()
        status, headers, body = await (await ask(edge, header)).answer()
        assert (status, headers["content-type"]) == (200, "text/event-stream")
        retry, *bye = body.decode().split("\n")
        assert 1000 <= int(retry.removeprefix("retry: ")) <= 30_000
        assert bye == ["event: bye", 'data: {"status":"closed"}', "", ""]


async def test_polls_are_not_turned_away() -> None:
    async with edge_under_test(one_flag(), streams_per_key=1, streams_per_address=1) as edge:
        await (await edge.open_stream()).event()
        assert (await edge.poll(SERVER_KEY))[0] == 200


async def test_bad_keys_make_no_environment_with_streams_leave() -> None:
    async with edge_under_test(one_flag(), environments=1) as edge:
        stream = await edge.open_stream()
        assert [(await stream.event())[0] for _ in range(2)] == ["ack", "features"]
        for number in range(5):
            invented = replace(SERVER_KEY, environment_id=UUID(int=number))
            bad = await edge.open_stream(invented)
            assert [(await bad.event())[0] for _ in range(2)] == ["ack", "failure"]
        await edge.announce(boolean("dark", False, version=2))
        assert (await stream.event())[0] == "feature"


async def test_streams_over_http2_are_turned_away_like_others() -> None:
    async with asgi_under_test(one_flag(), streams_per_key=1) as (client, edge):
        path = f"/features/{SERVER_KEY.environment_id}/{SERVER_KEY.secret}"
        async with client.open("GET", path) as (exchange, give):
            assert (await exchange.next())["status"] == 200
            status, headers, _ = await client.ask("GET", path)
            assert status == 503
            assert int(headers["retry-after"]) >= 1
            await give.send({"type": "http.disconnect"})
        assert edge.edge.statistics().refused_key == 1
        async with client.open("GET", path) as (exchange, give):
            assert (await exchange.next())["status"] == 200
            await give.send({"type": "http.disconnect"})


async def test_sockets_count_as_streams_and_are_turned_away_like_others() -> None:
    async with edge_under_test(one_flag(), streams_per_address=1) as edge:
        async with open_socket(edge) as socket:
            assert [(await socket.message())[0] for _ in range(2)] == ["ack", "features"]
            client = await edge.connect()
            await client.send(handshake())
            assert (await client.answer())[0] == 503
            assert (await (await ask(edge)).answer())[0] == 503
        with trio.fail_after(5):
            while edge.edge.statistics().streams:
                await trio.lowlevel.checkpoint()
        assert edge.edge.statistics().refused_address == 2
        assert (await (await edge.open_stream()).event())[0] == "ack"
