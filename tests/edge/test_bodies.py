"""Requests with a body, on a real socket: how they arrive, and what they may not do."""

import trio
import trio.testing
from edge_under_test import ENVIRONMENT, SERVER_KEY, MemoryLookup, boolean, edge_under_test, granted

from fh.edge import intake
from fh.model.roles import Role
from fh.wire.http_body import MOST_BODY_BYTES

VIEW = granted([boolean("flag", False)], roles=(Role.READ, Role.CHANGE_VALUE))
PATH = f"/features/{ENVIRONMENT}/{SERVER_KEY.secret}/flag"
BODY = b'{"value":true}'


def head(*headers: str) -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"PUT {PATH} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode()


async def test_a_body_may_come_byte_by_byte() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: VIEW})) as under_test:
        client = await under_test.connect()
        for byte in head(f"content-length: {len(BODY)}") + BODY:
            await client.send(bytes([byte]))
        assert (await client.answer())[0] == 200


async def test_a_body_may_come_in_chunks_and_then_the_connection_ends() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: VIEW})) as under_test:
        client = await under_test.connect()
        chunks = b"5\r\n" + BODY[:5] + b"\r\n9\r\n" + BODY[5:] + b"\r\n0\r\n\r\n"
        await client.send(head("transfer-encoding: chunked") + chunks + b"GET /features HTTP/1.1")
        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert await client.until_closed() == b""
        assert len(under_test.updates.submitted) == 1


async def test_who_waits_for_a_go_ahead_gets_it() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: VIEW})) as under_test:
        client = await under_test.connect()
        await client.send(head(f"content-length: {len(BODY)}", "Expect: 100-continue"))
        assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(BODY)
        assert (await client.answer())[0] == 200


async def test_a_body_that_comes_late_is_refused() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: VIEW}), head_seconds=0.5) as under_test:
        client = await under_test.connect()
        await client.send(head("content-length: 100") + b"{")
        status, _, body = await client.answer()
        assert (status, b"body came late" in body) == (408, True)
        assert await client.until_closed() == b""


async def test_too_much_is_refused_before_it_is_read() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: VIEW})) as under_test:
        client = await under_test.connect()
        await client.send(head(f"content-length: {MOST_BODY_BYTES + 1}"))
        assert (await client.answer())[0] == 413
        client = await under_test.connect()
        await client.send(head("transfer-encoding: chunked") + b"nonsense\r\n")
        assert (await client.answer())[0] == 400
        client = await under_test.connect()
        await client.send(head("transfer-encoding: chunked", "content-length: 3") + b"0\r\n\r\n")
        assert (await client.answer())[0] == 400


async def test_many_large_bodies_at_a_time_have_a_limit_and_are_forgotten(monkeypatch) -> None:
    monkeypatch.setattr(intake, "_MOST_BODIES_BYTES", 300_000)
    large = b'{"value":' + b" " * 200_000
    async with edge_under_test(MemoryLookup({SERVER_KEY: VIEW})) as under_test:
        first = await under_test.connect()
        await first.send(head(f"content-length: {len(large) + 5}") + large)
        assert under_test.edge.life is not None
        with trio.fail_after(5):
            while under_test.edge.life.engine._intake._bodies_bytes < len(large):
                await trio.testing.wait_all_tasks_blocked()
        second = await under_test.connect()
        with trio.move_on_after(5):  # Refused in the middle: the rest may not be taken.
            await second.send(head(f"content-length: {len(large) + 5}") + large)
        status, headers, _ = await second.answer()
        assert (status, headers["retry-after"]) == (503, "1")
        await first.send(b"true}")
        assert (await first.answer())[0] == 200
        third = await under_test.connect()
        await third.send(head(f"content-length: {len(large) + 5}") + large + b"true}")
        assert (await third.answer())[0] == 200


async def test_a_client_that_leaves_in_the_middle_costs_nothing() -> None:
    async with edge_under_test(MemoryLookup({SERVER_KEY: VIEW})) as under_test:
        client = await under_test.connect()
        await client.send(head("content-length: 100") + b"{")
        await client.stream.aclose()
        assert (await under_test.poll(SERVER_KEY))[0] == 200
        assert under_test.updates.submitted == []
