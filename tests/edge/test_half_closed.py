"""Clients that shut down their side once they have asked, as scripts do."""

import socket

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

from fh.model.roles import Role

PUT = (
    f"PUT /features/{ENVIRONMENT}/{SERVER_KEY.secret}/flag HTTP/1.1\r\nHost: x\r\n"
    'content-length: 14\r\n\r\n{"value":true}'
).encode()
POLL = (
    f"GET /features?apiKey={ENVIRONMENT}/{SERVER_KEY.secret} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
)
EVERY_ENGINE = pytest.mark.parametrize("portable_engine", [False, True])


def slow(*keys: str) -> MemoryLookup:
    """Flags that are looked up as soon as the gate is opened."""
    view = granted([boolean(key, False) for key in keys], roles=(Role.READ, Role.CHANGE_VALUE))
    return MemoryLookup({SERVER_KEY: view}, cold=True, gate=trio.Event())


async def at_rest() -> None:
    """Wait until the server has seen all there is; one that spins never has."""
    with trio.fail_after(5):
        await trio.testing.wait_all_tasks_blocked()


async def asking(edge: EdgeUnderTest, request: bytes) -> Client:
    client = await edge.connect()
    client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    await client.send(request)
    with trio.fail_after(5):
        while not edge.lookup.asked:
            await trio.testing.wait_all_tasks_blocked()
    return client


def open_gate(edge: EdgeUnderTest) -> None:
    assert edge.lookup.gate is not None
    edge.lookup.gate.set()


@EVERY_ENGINE
async def test_what_was_asked_is_answered(portable_engine: bool) -> None:
    async with edge_under_test(slow("flag"), portable_engine=portable_engine) as edge:
        client = await asking(edge, PUT)
        await client.stream.send_eof()
        await at_rest()
        open_gate(edge)
        assert (await client.answer())[0] == 200
        assert await client.until_closed() == b""
        assert len(edge.updates.submitted) == 1


@EVERY_ENGINE
@pytest.mark.parametrize("early", [True, False])
async def test_it_may_read_its_answer_slowly(
    portable_engine: bool,
    early: bool,
) -> None:
    lookup = slow(*(f"flag{number}" for number in range(5000)))
    settings = {"portable_engine": portable_engine, "send_buffer_bytes": 4608}
    async with edge_under_test(lookup, **settings) as edge:
        client = await asking(edge, POLL)
        if early:
            await client.stream.send_eof()
            await at_rest()
        open_gate(edge)
        await at_rest()
        assert edge.edge.statistics().slow == 1
        if not early:
            await client.stream.send_eof()
            await at_rest()
        status, _, body = await client.answer()
        assert (status, body[-2:]) == (200, b"}]")
        assert await client.until_closed() == b""


async def test_half_a_request_is_none() -> None:
    async with edge_under_test(slow("flag")) as edge:
        for half in (PUT[:-1], PUT[:40], b""):
            client = await edge.connect()
            await client.send(half)
            await client.stream.send_eof()
            assert await client.until_closed() == b""
        assert edge.lookup.asked == 0


async def test_a_client_that_is_gone_is_not_kept() -> None:
    async with edge_under_test(slow("flag")) as edge:
        client = await asking(edge, PUT)
        await client.stream.aclose()
        await at_rest()
        open_gate(edge)
        with trio.fail_after(5):
            while edge.edge.statistics().connections:
                await trio.testing.wait_all_tasks_blocked()
