"""What Edge answers to whoever speaks TLS or HTTP/2 for it."""

import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import trio
import trio.testing
from edge_under_test import (
    CLIENT_KEY,
    ENVIRONMENT,
    SERVER_KEY,
    EdgeUnderTest,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
)

from fh.edge import asgi
from fh.edge.asgi import EdgeApp
from fh.edge.edge import Edge
from fh.edge.settings import EdgeSettings
from fh.http.asgi import ClientTooSlow
from fh.model.roles import Role
from fh.wire.http_body import MOST_BODY_BYTES
from fh.wire.http_head import MOST_HEADERS

STREAM = f"/features/{ENVIRONMENT}/{SERVER_KEY.secret}"
POLL = f"/features?apiKey={ENVIRONMENT}/{SERVER_KEY.secret}"
WRITE = f"/features/{ENVIRONMENT}/{SERVER_KEY.secret}/flag"
PROBES = frozenset({"/health/liveness"})
ORIGIN = ("origin", "https://elsewhere.example")


def lookup(*roles: Role) -> MemoryLookup:
    view = granted([boolean("flag", False)], roles=(Role.READ, *roles))
    return MemoryLookup({SERVER_KEY: view, CLIENT_KEY: view})


@dataclass
class Exchange:
    """One request to an application, from the side of whoever speaks HTTP."""

    give: trio.MemorySendChannel
    take: trio.MemoryReceiveChannel
    reads: bool = True
    received: list[dict] = field(default_factory=list)

    async def send(self, message: dict) -> None:
        """What the application calls."""
        await trio.lowlevel.checkpoint()
        if not self.reads:
            await trio.sleep_forever()
        await self.give.send(message)

    async def next(self) -> dict:
        with trio.fail_after(5):
            message = await self.take.receive()
        self.received.append(message)
        return message

    async def event(self) -> tuple[str, Any]:
        message = await self.next()
        assert message["type"] == "http.response.body"
        if not message["body"]:
            assert not message["more_body"]
            return "", None
        lines = message["body"].decode().strip().split("\n")
        fields = dict(line.split(": ", 1) for line in lines)
        return fields["event"], json.loads(fields["data"])

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head, body = await self.next(), b""
        assert head["type"] == "http.response.start"
        while True:
            message = await self.next()
            body += message["body"]
            if not message["more_body"]:
                break
        headers = [(name.decode(), value.decode()) for name, value in head["headers"]]
        assert len(dict(headers)) == len(headers)
        return head["status"], dict(headers), body


@dataclass
class Client:
    """Asks `app`; a request lives as long as its context."""

    app: EdgeApp
    elsewhere: list[tuple[dict, Any, Any]]

    @asynccontextmanager
    async def open(
        self,
        method: str,
        target: str,
        *headers: tuple[str, str],
        scheme: str = "https",
        version: str = "2",
        body: bytes | None = b"",
        kind: str = "http",
    ) -> AsyncIterator[tuple[Exchange, trio.MemorySendChannel]]:
        path, _, query = target.partition("?")
        scope = {
            "type": kind,
            "method": method,
            "scheme": scheme,
            "http_version": version,
            "raw_path": path.encode(),
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers],
        }
        exchange = Exchange(*trio.open_memory_channel(math.inf))
        give, take = trio.open_memory_channel(math.inf)
        if body is not None:
            await give.send({"type": "http.request", "body": body, "more_body": False})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.app, scope, take.receive, exchange.send)
            yield exchange, give
            with trio.fail_after(5):
                while nursery.child_tasks:
                    await trio.testing.wait_all_tasks_blocked()

    async def ask(self, method: str, target: str, *headers: tuple[str, str], **options: Any):
        async with self.open(method, target, *headers, **options) as (exchange, _):
            return await exchange.answer()


@asynccontextmanager
async def asgi_under_test(
    found: MemoryLookup | None = None, **settings: Any
) -> AsyncIterator[tuple[Client, EdgeUnderTest]]:
    async with edge_under_test(found or lookup(), **settings) as under_test:
        yield client_of(under_test.edge, **settings), under_test


def client_of(edge: Edge, **settings: Any) -> Client:
    elsewhere: list[tuple[dict, Any, Any]] = []

    async def behind(scope: dict, receive: Any, send: Any) -> None:
        elsewhere.append((scope, receive, send))
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return Client(EdgeApp(edge, EdgeSettings(**settings), behind), elsewhere)


def kinds(edge: EdgeUnderTest) -> tuple[int, int]:
    statistics = edge.edge.statistics()
    assert statistics is not None
    return statistics.streams, statistics.connections


# Answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.1", "2"])
async def test_a_poll_is_answered_as_on_a_socket(version: str) -> None:
    async with asgi_under_test() as (client, edge):
        status, headers, body = await client.ask("GET", POLL, version=version)
        on_socket = await edge.poll(SERVER_KEY)
        del on_socket[1]["date"]  # whoever speaks HTTP adds it
        assert (status, headers, body) == on_socket
        known = ("if-none-match", headers["etag"])
        status, headers, body = await client.ask("GET", POLL, known, version=version)
        assert (status, body) == (304, b"")
        assert "content-length" not in headers


async def test_a_long_answer_leaves_in_pieces() -> None:
    features = [boolean(f"flag{number:04}", True) for number in range(1000)]
    async with asgi_under_test(MemoryLookup({SERVER_KEY: granted(features)})) as (client, _):
        async with client.open("GET", POLL) as (exchange, _):
            _, headers, body = await exchange.answer()
        assert int(headers["content-length"]) == len(body) > 100_000
        assert max(len(message.get("body", b"")) for message in exchange.received) == 16_384


async def test_answers_to_pages_from_elsewhere_say_that_they_may_read() -> None:
    async with asgi_under_test() as (client, _):
        for target in (POLL, "/features", STREAM.replace("s" * 40, "unknown")):
            _, headers, _ = await client.ask("GET", target, ORIGIN)
            assert headers["access-control-allow-origin"] == "*"
        status, headers, _ = await client.ask("OPTIONS", WRITE, ORIGIN)
        assert status == 200
        assert "PUT" in headers["access-control-allow-methods"]
        assert headers["access-control-allow-origin"] == "*"


async def test_refusals_are_those_of_a_socket() -> None:
    async with asgi_under_test() as (client, _):
        assert (await client.ask("GET", "/features"))[0] == 400
        assert (await client.ask("DELETE", POLL))[0] == 405
        assert (await client.ask("GET", "/features/nonsense/x"))[0] == 404
        many = [(f"x-{number}", "x") for number in range(MOST_HEADERS + 1)]
        assert (await client.ask("GET", POLL, *many))[0] == 431


async def test_headers_of_a_connection_are_no_part_of_http2() -> None:
    target = STREAM.replace("/features/", "/features/ws/")
    upgrade = (("upgrade", "websocket"), ("connection", "upgrade"))
    async with asgi_under_test() as (client, _):
        status, headers, _ = await client.ask("GET", target, *upgrade, version="1.1")
        assert (status, headers["upgrade"]) == (426, "websocket")
        status, headers, _ = await client.ask("GET", target, *upgrade)
        assert status == 426
        assert not {"upgrade", "connection"} & headers.keys()


async def test_a_whole_websocket_handshake_is_refused_here() -> None:
    target = STREAM.replace("/features/", "/features/ws/")
    headers = (
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    )
    async with asgi_under_test() as (client, _):
        assert (await client.ask("GET", target, *headers, version="1.1"))[0] == 400
        async with client.open("GET", target, kind="websocket") as (exchange, _):
            assert (await exchange.next())["type"] == "websocket.close"


async def test_what_is_not_edge_s_goes_elsewhere() -> None:
    async with asgi_under_test() as (client, _):
        assert (await client.ask("GET", "/mr-api/x", body=None))[0] == 204
        assert [scope["path"] for scope, _, _ in client.elsewhere] == ["/mr-api/x"]
        await client.app({"type": "lifespan"}, *(len, len))
        assert client.elsewhere[1] == ({"type": "lifespan"}, len, len)


async def test_a_target_may_have_all_of_an_address() -> None:
    async with asgi_under_test() as (client, _):
        status, _, _ = await client.ask("GET", f"https://host{POLL}", version="1.1")
        assert status == 200
        assert (await client.ask("GET", POLL.replace("?", "#?")))[0] == 400


# Bodies -----------------------------------------------------------------------------------------


async def test_a_test_write_is_handed_on() -> None:
    async with asgi_under_test(lookup(Role.CHANGE_VALUE, Role.UNLOCK)) as (client, edge):
        body = b'{"value":true,"lock":false}'
        assert (await client.ask("PUT", WRITE, body=body))[0] == 200
        async with client.open("PUT", WRITE, body=None) as (exchange, give):
            for number in range(len(body)):
                await give.send(
                    {
                        "type": "http.request",
                        "body": body[number : number + 1],
                        "more_body": number + 1 < len(body),
                    }
                )
            assert (await exchange.answer())[0] == 200
        assert [update.feature_key for update in edge.updates.submitted] == ["flag", "flag"]


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
async def test_a_body_that_is_too_large_is_refused(announced: bool) -> None:
    headers = [("content-length", str(MOST_BODY_BYTES + 1))] if announced else []
    async with asgi_under_test() as (client, _):
        async with client.open("PUT", WRITE, *headers, body=None) as (exchange, give):
            if not announced:
                part = {"type": "http.request", "body": b"x" * 1000, "more_body": True}
                for _ in range(MOST_BODY_BYTES // 1000 + 1):
                    await give.send(part)
            assert (await exchange.answer())[0] == 413
        assert client.app._bodies_bytes == 0


async def test_a_body_that_comes_late_is_refused(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with (
        asgi_under_test() as (client, _),
        client.open("PUT", WRITE, body=None) as (exchange, give),
    ):
        await give.send({"type": "http.request", "body": b"{", "more_body": True})
        with trio.fail_after(20):
            message = await exchange.take.receive()
        assert message["status"] == 408


async def test_too_many_bodies_at_a_time_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "_MOST_BODIES_BYTES", 1500)
    part = {"type": "http.request", "body": b"x" * 1000, "more_body": True}
    async with (
        asgi_under_test() as (client, _),
        client.open("PUT", WRITE, body=None) as (first, give_first),
    ):
        await give_first.send(part)
        async with client.open("PUT", WRITE, body=None) as (second, give_second):
            await trio.testing.wait_all_tasks_blocked()
            await give_second.send(part)
            status, headers, _ = await second.answer()
            assert (status, headers["retry-after"]) == (503, "1")
        await give_first.send({"type": "http.request", "body": b"", "more_body": False})
        assert (await first.answer())[0] == 400  # it is no JSON


async def test_who_leaves_before_the_end_of_a_body_writes_nothing() -> None:
    async with asgi_under_test(lookup(Role.CHANGE_VALUE)) as (client, edge):
        async with client.open("PUT", WRITE, body=None) as (exchange, give):
            body = b'{"value":true}'
            await give.send({"type": "http.request", "body": body, "more_body": True})
            await give.send({"type": "http.disconnect"})
        assert exchange.take.statistics().current_buffer_used == 0
        assert edge.updates.submitted == []
        assert client.app._bodies_bytes == 0


# Streams ----------------------------------------------------------------------------------------


async def test_a_stream_is_told_what_a_socket_is_told() -> None:
    async with asgi_under_test() as (client, edge):
        async with client.open("GET", STREAM, ORIGIN) as (exchange, give):
            head = await exchange.next()
            headers = dict(head["headers"])
            assert head["status"] == 200
            assert headers[b"content-type"] == b"text/event-stream"
            assert headers[b"x-accel-buffering"] == b"no"
            assert headers[b"access-control-allow-origin"] == b"*"
            assert b"transfer-encoding" not in headers
            first = await exchange.next()
            text = first["body"]
            if b"event: features" not in text:
                text += (await exchange.next())["body"]
            assert text.startswith(b'event: ack\ndata: {"status":"discover"}\n\n')
            assert b"event: features\n" in text
            for version in (2, 3):
                await edge.announce(boolean("flag", version == 2, version=version))
                name, data = await exchange.event()
                assert (name, data["version"]) == ("feature", version)
            assert kinds(edge) == (1, 1)
            await give.send({"type": "http.disconnect"})
        assert kinds(edge) == (0, 0)


async def test_what_a_client_goes_on_sending_is_thrown_away() -> None:
    async with asgi_under_test() as (client, edge):
        async with client.open("GET", STREAM, body=None) as (_, give):
            for _ in range(100):
                part = {"type": "http.request", "body": b"x" * 1000, "more_body": True}
                await give.send(part)
            await trio.testing.wait_all_tasks_blocked()
            assert give.statistics().current_buffer_used == 0
            await give.send({"type": "http.disconnect"})
        assert kinds(edge) == (0, 0)


async def test_an_unknown_key_hears_so_and_then_the_stream_ends(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with asgi_under_test(MemoryLookup()) as (client, edge):
        async with client.open("GET", STREAM) as (exchange, _):
            await exchange.next()
            text = b""
            while message := await exchange.next():
                text += message["body"]
                if not message["more_body"]:
                    break
        assert text.endswith(
            b'data: {"status":"Unrecognized API key. Please stop requesting."}\n\n'
        )
        assert kinds(edge) == (0, 0)


async def test_at_shutdown_a_stream_hears_bye_and_a_new_one_is_told_to_come_back() -> None:
    async with asgi_under_test() as (client, edge):
        async with client.open("GET", STREAM) as (exchange, _):
            await exchange.next()
            await exchange.next()
            await trio.testing.wait_all_tasks_blocked()
            edge.edge.drain()
            status, headers, _ = await client.ask("GET", STREAM)
            assert (status, headers["retry-after"]) == (503, "1")
            name = "features"
            while name != "bye":
                name, _ = await exchange.event()
            assert await exchange.event() == ("", None)
        with trio.fail_after(5):
            while edge.edge.life is not None:
                await trio.testing.wait_all_tasks_blocked()
        # Now there is no Edge at all: what is not Edge's is still served.
        for target in (STREAM, POLL):
            status, headers, _ = await client.ask("GET", target)
            assert (status, headers["retry-after"]) == (503, "1")
        assert (await client.ask("GET", "/mr-api/x"))[0] == 204


async def test_a_client_that_takes_nothing_is_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with asgi_under_test(slow_seconds=7) as (client, edge):
        began = trio.current_time()
        with pytest.RaisesGroup(pytest.RaisesGroup(ClientTooSlow)):
            async with client.open("GET", STREAM) as (exchange, _):
                exchange.reads = False
                await trio.sleep_forever()
        assert 6 < trio.current_time() - began < 9
        assert kinds(edge) == (0, 0)


async def test_a_client_that_falls_too_far_behind_is_evicted_with_an_orderly_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with asgi_under_test(slow_bytes=4096) as (client, edge):
        async with client.open("GET", STREAM) as (exchange, _):
            await exchange.next()
            exchange.reads = False
            for number in range(200):
                await edge.announce(boolean(f"flag{number}", True))
            # The send under way ends with the stream; the client reads again in time.
            exchange.reads = True
            last = exchange.received[-1]
            while last.get("more_body", True):
                last = await exchange.next()
            assert last["body"] == b""
        statistics = edge.edge.statistics()
        assert statistics is not None
        assert (statistics.evicted, statistics.streams) == (1, 0)


# Without TLS ------------------------------------------------------------------------------------


async def test_only_some_paths_are_served_without_tls() -> None:
    async with asgi_under_test(plain_paths=PROBES) as (client, edge):
        for target in (POLL, STREAM, "/mr-api/x", "/health/liveness/more"):
            status, _, body = await client.ask("GET", target, scheme="http")
            assert status == 400
            assert b"https" in body
        assert (await client.ask("GET", "/health/liveness?x=y", scheme="http"))[0] == 204
        assert (await client.ask("GET", POLL))[0] == 200
        assert kinds(edge) == (0, 0)


async def test_a_socket_of_edge_s_own_serves_no_more_than_these() -> None:
    async with edge_under_test(lookup(), plain_paths=PROBES) as edge:
        status, headers, body = await edge.poll(SERVER_KEY)
        assert (status, headers["connection"]) == (400, "close")
        assert b"https" in body
        client = await edge.connect()
        await client.send(b"GET /health/liveness HTTP/1.1\r\nHost: x\r\n\r\n")
        with trio.fail_after(5):
            while not edge.elsewhere:
                await trio.testing.wait_all_tasks_blocked()
