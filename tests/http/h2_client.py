"""A client that speaks HTTP/2 on any trio stream, as small as tests need it."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    SettingsAcknowledged,
    StreamEnded,
    StreamReset,
)
from h2.settings import SettingCodes

WAIT_SECONDS = 10


@dataclass
class H2Answer:
    """What has arrived of one answer."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.headers[":status"])


class H2Client:
    """One connection. It reads only while something is waited for, and every wait is bounded."""

    def __init__(self, stream: trio.abc.Stream, *, scheme: str) -> None:
        self.stream = stream
        self.connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.answers: dict[int, H2Answer] = {}
        self.goodbye: ConnectionTerminated | None = None
        self.closed = False
        self.gives_window = True
        self.acknowledged = False
        self._scheme = scheme

    async def start(self) -> None:
        self.connection.initiate_connection()
        await self.flush()
        await self.until(lambda: self.acknowledged)

    async def flush(self) -> None:
        if data := self.connection.data_to_send():
            await self.stream.send_all(data)

    async def open(
        self,
        method: str,
        path: str,
        headers: tuple[tuple[str, str], ...] = (),
        *,
        ends: bool = True,
        flush: bool = True,
    ) -> int:
        """Send a request's head, or prepare it only; return the number of its stream."""
        number = self.connection.get_next_available_stream_id()
        target = () if method == "CONNECT" else ((":scheme", self._scheme), (":path", path))
        fields = [(":method", method), *target, (":authority", "localhost"), *headers]
        self.connection.send_headers(number, fields, end_stream=ends)
        self.answers[number] = H2Answer()
        if flush:
            await self.flush()
        return number

    async def send(self, number: int, data: bytes, *, ends: bool = True) -> None:
        """Send a body, or as much as the server wants of it."""
        answer = self.answers[number]
        while data and answer.reset is None:
            window = self.connection.local_flow_control_window(number)
            part, data = data[: min(window, 16_384)], data[min(window, 16_384) :]
            if part:
                self.connection.send_data(number, part, end_stream=ends and not data)
                await self.flush()
            else:
                await self.until(
                    lambda: (
                        answer.reset is not None
                        or bool(self.connection.local_flow_control_window(number))
                    )
                )

    async def ask(
        self,
        method: str,
        path: str,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> H2Answer:
        """Send a request and wait for all of its answer."""
        number = await self.open(method, path, headers, ends=not body)
        if body:
            await self.send(number, body)
        return await self.answer(number)

    async def answer(self, number: int) -> H2Answer:
        answer = self.answers[number]
        await self.until(lambda: answer.ended or answer.reset is not None)
        return answer

    async def event(self, number: int) -> tuple[str, str]:
        """Return name and data of the next server-sent event on a stream; the end has no name."""
        answer = self.answers[number]
        await self.until(lambda: b"\n\n" in answer.body or answer.ended)
        if answer.ended and b"\n\n" not in answer.body:
            return "", ""
        text, _, answer.body = answer.body.partition(b"\n\n")
        fields = dict(line.split(": ", 1) for line in text.decode().split("\n"))
        return fields["event"], fields["data"]

    async def until(self, holds: Callable[[], bool]) -> None:
        with trio.fail_after(WAIT_SECONDS):
            while not holds():
                assert await self.read(), "the server closed the connection"

    async def until_closed(self) -> None:
        with trio.fail_after(WAIT_SECONDS):
            while await self.read():
                pass

    async def read(self) -> bool:
        """Take in what arrives next; return False at the end."""
        try:
            data = await self.stream.receive_some(65_536)
        except trio.BrokenResourceError:
            data = b""
        if not data:
            self.closed = True
            return False
        for event in self.connection.receive_data(bytes(data)):
            match event:
                case ResponseReceived(stream_id=number, headers=headers):
                    self.answers[number].headers = dict(headers)
                case DataReceived(stream_id=number, data=part):
                    self.answers[number].body += part
                    if self.gives_window:
                        length = event.flow_controlled_length
                        self.connection.acknowledge_received_data(length, number)
                case StreamEnded(stream_id=number):
                    self.answers[number].ended = True
                case StreamReset(stream_id=number, error_code=code):
                    self.answers[number].reset = code
                case ConnectionTerminated():
                    self.goodbye = event
                case SettingsAcknowledged():
                    self.acknowledged = True
        await self.flush()
        return True

    @property
    def offers_websockets(self) -> bool:
        settings = self.connection.remote_settings
        return bool(settings.get(SettingCodes.ENABLE_CONNECT_PROTOCOL))


async def open_tls(port: int, context: ssl.SSLContext) -> trio.SSLStream[trio.SocketStream]:
    """Return a connection whose handshake is done."""
    plain = await trio.open_tcp_stream("127.0.0.1", port)
    stream = trio.SSLStream(plain, context, server_hostname="localhost")
    try:
        with trio.fail_after(WAIT_SECONDS):
            await stream.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(plain)
        raise
    return stream


@asynccontextmanager
async def speaking_h2(port: int, context: ssl.SSLContext | None) -> AsyncIterator[H2Client]:
    """Connect, over TLS if there is a context for it."""
    if context is None:
        stream: trio.abc.Stream = await trio.open_tcp_stream("127.0.0.1", port)
    else:
        secure = await open_tls(port, context)
        assert secure.selected_alpn_protocol() == "h2"
        stream = secure
    client = H2Client(stream, scheme="http" if context is None else "https")
    try:
        await client.start()
        yield client
    finally:
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(stream)
