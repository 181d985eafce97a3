"""A face on a real socket, in front of a small application; connections come as Edge gives them."""

import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import trio

from fh.http.asgi import paced
from fh.http.conversation import Terms
from fh.http.secure_face import FaceLimits, SecureFace
from fh.http.speakers import TakeUpgrade
from tests.http.h2_client import WAIT_SECONDS, open_tls

BIG = b"0123456789abcdef" * 65_536
SEND_SECONDS = 10


@dataclass
class App:
    """An ASGI application with a path for each thing that a test needs to happen."""

    ticks: list[trio.Event] = field(default_factory=list)
    ended: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        send = paced(send, SEND_SECONDS)
        try:
            match scope["path"]:
                case "/echo":
                    await answer(send, 200, await read(receive))
                case "/refuse":
                    await answer(send, 413, b"too large")
                case "/big":
                    await answer(send, 200, BIG)
                case "/stream":
                    await self._stream(receive, send)
                case "/bug":
                    raise RuntimeError("a bug")
                case "/pause":
                    await send({"type": "http.response.start", "status": 200, "headers": []})
                    await send({"type": "http.response.body", "body": b"x", "more_body": True})
                    self.ticks.append(trio.Event())
                    await self.ticks[-1].wait()
                    await send({"type": "http.response.body"})
                case "/half":
                    await send({"type": "http.response.start", "status": 200, "headers": []})
                    raise RuntimeError("a bug")
                case path:
                    text = f"{scope['method']} {path} {scope['scheme']} {scope['http_version']}"
                    await answer(send, 200, text.encode())
        finally:
            self.ended += 1

    async def _stream(self, receive: Any, send: Any) -> None:
        """Send a line for every tick until the client is gone; the second tick is the last."""
        async with trio.open_nursery() as nursery:

            async def watch() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                nursery.cancel_scope.cancel()

            nursery.start_soon(watch)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for name in (b"one", b"two"):
                tick = trio.Event()
                self.ticks.append(tick)
                await tick.wait()
                line = b"event: " + name + b"\ndata: x\n\n"
                await send({"type": "http.response.body", "body": line, "more_body": True})
            await send({"type": "http.response.body"})
            nursery.cancel_scope.cancel()


async def answer(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def read(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


class H1Client:
    """HTTP/1.1 on any stream, for answers with a length."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.received = b""

    async def ask(
        self, method: str, path: str, *headers: str, body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        lines = [f"{method} {path} HTTP/1.1", "host: localhost", *headers]
        if body:
            lines.append(f"content-length: {len(body)}")
        await self.stream.send_all("\r\n".join([*lines, "", ""]).encode() + body)
        return await self.answer()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self.until(b"\r\n\r\n")).decode()
        status_line, *lines = head.strip().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in pairs}
        size = int(headers.get("content-length", "0"))
        with trio.fail_after(WAIT_SECONDS):
            while len(self.received) < size:
                assert await self.read()
        body, self.received = self.received[:size], self.received[size:]
        return int(status_line.split()[1]), headers, body

    async def until(self, end: bytes) -> bytes:
        with trio.fail_after(WAIT_SECONDS):
            while end not in self.received:
                assert await self.read(), f"closed after {self.received!r}"
        position = self.received.index(end) + len(end)
        found, self.received = self.received[:position], self.received[position:]
        return found

    async def read(self) -> bool:
        try:
            data = await self.stream.receive_some(65_536)
        except trio.BrokenResourceError:
            data = b""
        self.received += data
        return bool(data)

    async def until_closed(self) -> bytes:
        with trio.fail_after(WAIT_SECONDS):
            while await self.read():
                pass
        return self.received


@dataclass
class FaceUnderTest:
    face: SecureFace
    app: App
    port: int

    @asynccontextmanager
    async def h1(self, context: ssl.SSLContext) -> AsyncIterator[H1Client]:
        stream = await open_tls(self.port, context)
        try:
            yield H1Client(stream)
        finally:
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)

    async def wait_idle(self, *, connections: int = 0) -> None:
        """Wait until there are no requests, and no more connections than these."""
        with trio.fail_after(WAIT_SECONDS):
            while self.face.statistics().requests or (
                self.face.statistics().connections > connections
            ):
                await trio.testing.wait_all_tasks_blocked(0.005)


@asynccontextmanager
async def face_under_test(
    context: Callable[[], ssl.SSLContext | None] | None = None,
    *,
    limits: FaceLimits | None = None,
    terms: Terms | None = None,
    take_upgrade: TakeUpgrade | None = None,
) -> AsyncIterator[FaceUnderTest]:
    app = App()
    face = SecureFace(
        app, context or (lambda: None), limits=limits, terms=terms, take_upgrade=take_upgrade
    )
    listener = trio.socket.from_stdlib_socket(socket.create_server(("127.0.0.1", 0)))

    async def hand_over() -> None:
        while True:
            accepted, _ = await listener.accept()
            nursery.start_soon(take, accepted)

    async def take(accepted: trio.socket.SocketType) -> None:
        data = await accepted.recv(16_384)
        descriptor = accepted.detach()
        taken = socket.socket(fileno=descriptor)
        taken.setblocking(False)
        face.take(taken, data)

    with listener:
        async with trio.open_nursery() as nursery:
            await nursery.start(face.run)
            nursery.start_soon(hand_over)
            try:
                yield FaceUnderTest(face, app, listener.getsockname()[1])
            finally:
                nursery.cancel_scope.cancel()
