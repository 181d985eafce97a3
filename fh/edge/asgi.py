"""Edge as an ASGI application: for connections on which somebody else speaks HTTP.

It decides and answers as on Edge's own sockets; streams are relays, passed on by a task each.
"""

from collections.abc import Callable
from functools import partial

import trio

from fh.edge.edge import Edge
from fh.edge.gate import Peer, TurnedAway
from fh.edge.life import Life
from fh.edge.opening import crosses
from fh.edge.pages import Pages
from fh.edge.plain import refused_without_tls
from fh.edge.relay import Bearer, Relay, pieces
from fh.edge.request import (
    Asked,
    Elsewhere,
    OpenSocket,
    OpenStream,
    Poll,
    Preflight,
    Question,
    Refused,
    decide,
)
from fh.edge.response import Answer, Headers, come_back, refusal, refused
from fh.edge.settings import EdgeSettings
from fh.edge.unread import MOST_BYTES, UnreadAnswers
from fh.http.asgi import PIECE_BYTES, AsgiApp, ClientTooSlow, Receive, Scope, Send, paced
from fh.wire.http_body import MOST_BODY_BYTES
from fh.wire.http_head import MOST_HEADERS, RequestHead, split_target

_MOST_BODIES_BYTES = 64 * 1024 * 1024
"""What all bodies that are under way may have together."""

_OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade"})
"""Headers that HTTP/2 does not have; there connections are the business of who speaks it."""

_AWAY = refusal(503, "starting or stopping, try again shortly")
_NO_SOCKETS = refusal(400, "a WebSocket is opened with a request of HTTP/1.1 on its own connection")


class _Gone(Exception):
    """The client left before its request was complete."""


class EdgeApp:
    """What Edge serves is answered here, everything else by `elsewhere`."""

    def __init__(self, edge: Edge, settings: EdgeSettings, elsewhere: AsgiApp | Pages) -> None:
        self._edge = edge
        self._settings = settings
        self._elsewhere = elsewhere
        self._bodies_bytes = 0
        self._unread = UnreadAnswers[trio.CancelScope](self._give_up, MOST_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or what else `scope` is about.

        Raises:
            ClientTooSlow: the client takes nothing; its connection has to end.
        """
        if scope["type"] == "http":
            await self._serve(scope, receive, paced(send, self._settings.slow_seconds))
        elif scope["type"] == "websocket":
            await _refuse_socket(receive, send)
        elif not isinstance(self._elsewhere, Pages):
            await self._elsewhere(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = _head(scope)
        life = self._edge.life
        peer = partial(_peer_address, scope)
        asked: Asked | TurnedAway = (
            decide(head, root=self._settings.root) if life is None else life.decide(head, peer)
        )
        if scope["scheme"] != "https":
            asked = refused_without_tls(head, self._settings.plain_paths) or asked
        if isinstance(asked, Elsewhere):
            if isinstance(self._elsewhere, Pages):
                await _respond(send, await self._elsewhere.answer(head), head, ())
            else:
                await self._elsewhere(scope, receive, send)
            return
        if life is None:
            await _respond(send, _AWAY, head, ())
            return
        shared = life.responses.headers_for(head)
        if len(head.headers) > MOST_HEADERS:
            await _respond(send, refusal(431, "too many headers"), head, shared)
            return
        match asked:
            case OpenStream():
                cors = life.responses.cors if crosses(head) else ()
                await _stream(life, asked, peer, receive, send, cors)
            case TurnedAway():
                await _respond(send, come_back(asked), head, shared)
            case Preflight():
                await _respond(send, life.responses.preflight, head, shared)
            case Refused():
                await _respond(send, refused(asked), head, shared)
            case OpenSocket():
                await _respond(send, _NO_SOCKETS, head, shared)
            case _:
                await self._answer(life, asked, head, receive, send, shared)

    async def _answer(
        self,
        life: Life,
        question: Question,
        head: RequestHead,
        receive: Receive,
        send: Send,
        shared: Headers,
    ) -> None:
        body: bytes | Answer = b""
        if not isinstance(question, Poll):
            try:
                body = await self._body(head, receive)
            except _Gone:
                return
        if isinstance(body, Answer):
            answer = body
        else:
            answer = life.handlers.answer_now(question, body) or await life.handlers.answer(
                question, body
            )
        with trio.CancelScope() as reading:
            self._unread.keep(reading, len(answer.body))
            try:
                note = partial(self._unread.progressed, reading)
                await _respond(send, answer, head, shared, note)
            finally:
                self._unread.forget(reading)
        if reading.cancelled_caught:
            raise ClientTooSlow

    def _give_up(self, reading: trio.CancelScope) -> None:
        self._unread.forget(reading)
        reading.cancel()

    async def _body(self, head: RequestHead, receive: Receive) -> bytes | Answer:
        """Return the whole body, or the refusal of one that is too large or too late.

        Raises:
            _Gone: the client left.
        """
        announced = head.header("content-length") or "0"
        if announced.isdigit() and int(announced) > MOST_BODY_BYTES:
            return refusal(413, "the body is too large")
        parts: list[bytes] = []
        size = 0
        try:
            with trio.move_on_after(self._settings.head_seconds):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise _Gone
                    part = message.get("body", b"")
                    parts.append(part)
                    size += len(part)
                    self._bodies_bytes += len(part)
                    if size > MOST_BODY_BYTES:
                        return refusal(413, "the body is too large")
                    if self._bodies_bytes > _MOST_BODIES_BYTES:
                        return refusal(503, "too many large requests at a time")
                    if not message.get("more_body", False):
                        return b"".join(parts)
        finally:
            self._bodies_bytes -= size
        return refusal(408, "the request body came late")


async def _stream(
    life: Life, asked: OpenStream, peer: Peer, receive: Receive, send: Send, cors: Headers
) -> None:
    relay = life.open_relay(asked, Bearer.REQUEST, peer)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_wait_gone, receive, nursery.cancel_scope)
            await _start(send, 200, (*life.responses.stream, *cors))
            await _pass_on(relay, send)
            # An orderly end, also for who was too slow: without it a client would wait on.
            await _send_body(send, b"")
            nursery.cancel_scope.cancel()
    finally:
        life.engine.close(relay)


async def _pass_on(relay: Relay, send: Send) -> None:
    with relay.alive:
        while events := await relay.receive():
            for piece in pieces(events):
                await _send_body(send, piece, more=True)
                relay.progressed()


async def _wait_gone(receive: Receive, until_gone: trio.CancelScope) -> None:
    # Also reads what nobody asked for: left unread it would hold up everything behind it.
    while (await receive())["type"] != "http.disconnect":
        pass
    until_gone.cancel()


async def _respond(
    send: Send,
    answer: Answer,
    head: RequestHead,
    shared: Headers,
    on_progress: Callable[[], None] = lambda: None,
) -> None:
    headers = (*answer.headers, *shared)
    if head.version == "2":
        headers = tuple(pair for pair in headers if pair[0] not in _OF_THE_CONNECTION)
    if answer.status != 304:  # noqa: PLR2004  it has no body, and so no length
        headers = (*headers, ("content-length", str(len(answer.body))))
    await _start(send, answer.status, headers)
    body, taken = b"" if head.method == "HEAD" else answer.body, 0
    # Cut here, where it can be told that a piece was taken.
    while len(body) - taken > PIECE_BYTES:
        await _send_body(send, body[taken : taken + PIECE_BYTES], more=True)
        taken += PIECE_BYTES
        on_progress()
    await _send_body(send, body[taken:])


async def _start(send: Send, status: int, headers: Headers) -> None:
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def _send_body(send: Send, body: bytes, *, more: bool = False) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def _refuse_socket(receive: Receive, send: Send) -> None:
    await receive()  # that it wants to connect
    await send({"type": "websocket.close"})


def _peer_address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _head(scope: Scope) -> RequestHead:
    target = scope["raw_path"].decode("latin-1")
    if query := scope["query_string"].decode("latin-1"):
        target += f"?{query}"
    raw_path, query = split_target(target)
    headers = tuple(
        (name.decode("latin-1").lower(), value.decode("latin-1"))
        for name, value in scope["headers"]
    )
    return RequestHead(
        method=scope["method"],
        raw_path=raw_path,
        query=query,
        version=scope["http_version"],
        headers=headers,
        keep_alive=True,
    )
