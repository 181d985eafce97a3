"""Edge as an application, asked by a test in the place of whoever speaks HTTP."""

import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

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

from fh.edge.asgi import EdgeApp
from fh.edge.edge import Edge
from fh.edge.settings import EdgeSettings
from fh.model.roles import Role

STREAM = f"/features/{ENVIRONMENT}/{SERVER_KEY.secret}"
POLL = f"/features?apiKey={ENVIRONMENT}/{SERVER_KEY.secret}"
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
