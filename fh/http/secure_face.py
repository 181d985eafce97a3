"""An application over TLS and HTTP/2, on connections that somebody else accepted.

A connection that begins with a TLS handshake speaks within it what its client prefers of HTTP/2
and HTTP/1.1; one that begins with HTTP/2 speaks that without TLS.
"""

import socket
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
import trio

from fh.http.asgi import AsgiApp, Receive, Scope, Send
from fh.http.conversation import Bearer, Offer, Terms
from fh.http.conversations import Conversations
from fh.http.lingering import Lingering
from fh.http.secure_stream import HandshakeFailed, HandshakeFault, Protocol, SecureStream
from fh.http.speakers import TakeUpgrade

log = structlog.get_logger()

_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n"


@dataclass(frozen=True, slots=True)
class FaceLimits:
    """What clients may take up, all of them together; times are for each."""

    connections: int = 10_000
    requests: int = 20_000
    handshakes: int = 500
    handshake_seconds: float = 10.0
    send_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class FaceStatistics:
    """Counts of this moment and since the start; failures by the fault's name."""

    connections: int
    requests: int
    handshakes_under_way: int
    handshakes: int
    handshake_failures: Mapping[str, int]


class SecureFace:
    """Serves `app`; a service. `take` gives it a connection."""

    def __init__(
        self,
        app: AsgiApp,
        context: Callable[[], ssl.SSLContext | None],
        *,
        limits: FaceLimits | None = None,
        terms: Terms | None = None,
        take_upgrade: TakeUpgrade | None = None,
    ) -> None:
        """Serve TLS with what `context` returns at the time; None is none.

        `take_upgrade` decides about requests that leave HTTP/1.1 for another protocol.
        """
        self._app = app
        self._context = context
        self._limits = limits or FaceLimits()
        self._conversations = Conversations(
            Offer(self._answer, terms or Terms(), take_upgrade=take_upgrade),
            most=self._limits.connections,
            send_seconds=self._limits.send_seconds,
        )
        self._requests = 0
        self._half_open: dict[trio.CancelScope, None] = {}
        self._handshakes = 0
        self._failures: Counter[str] = Counter()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled, or until the last request is answered after `drain`."""
        await self._conversations.run(task_status=task_status)

    def drain(self) -> None:
        """Let the requests under way be answered; then `run` returns."""
        self._conversations.drain()

    def take(self, taken: socket.socket, data: bytes) -> None:
        """Serve a connection of which `data` was read already."""
        is_plain = data.startswith(_HTTP2_PREFACE)
        if not is_plain and self._context() is None:
            log.debug("tls_refused", reason="no certificate is configured")
            taken.close()
        elif not self._conversations.start(
            taken, data, self._speak_plainly if is_plain else self._speak_secretly
        ):
            log.debug("connection_refused", connections=len(self._conversations))
            taken.close()

    def statistics(self) -> FaceStatistics:
        """Return the counts of this moment."""
        return FaceStatistics(
            connections=len(self._conversations),
            requests=self._requests,
            handshakes_under_way=len(self._half_open),
            handshakes=self._handshakes,
            handshake_failures={
                fault.value: self._failures[fault.value] for fault in HandshakeFault
            },
        )

    async def _speak_plainly(self, transport: Lingering) -> None:
        await self._conversations.speak(Bearer(transport, transport, "h2"))

    async def _speak_secretly(self, transport: Lingering) -> None:
        context = self._context()
        if context is None:
            return
        stream = SecureStream(transport, context)
        try:
            protocol = await self._shake_hands(stream)
        except HandshakeFailed as failure:
            self._failures[failure.fault.value] += 1
            log.debug("handshake_failed", fault=failure.fault.value, detail=str(failure))
            return
        self._handshakes += 1
        await self._conversations.speak(Bearer(transport, stream, protocol, is_secure=True))

    async def _shake_hands(self, stream: SecureStream) -> Protocol:
        if len(self._half_open) >= self._limits.handshakes:
            # The oldest makes room: who means it has long been done.
            oldest = next(iter(self._half_open))
            del self._half_open[oldest]
            oldest.cancel()
        scope = trio.move_on_after(self._limits.handshake_seconds)
        self._half_open[scope] = None
        try:
            with scope:
                return await stream.shake_hands()
        finally:
            self._half_open.pop(scope, None)
        is_late = scope.deadline <= trio.current_time()
        raise HandshakeFailed(HandshakeFault.SLOW if is_late else HandshakeFault.CROWDED)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._requests >= self._limits.requests:
            headers = [(b"retry-after", b"1"), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        self._requests += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._requests -= 1
