"""A stream over a WebSocket: the events of SSE as JSON messages, for networks that break SSE.

trio-websocket speaks the protocol, in three tasks for each socket: one reads frames, one throws
away what clients say, one sends what the relay brings. What it leaves open is closed here: how
much a client may say in all, how long it may take to read, and frames that were cut off.
"""

import time
from typing import TYPE_CHECKING, NamedTuple

import structlog
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream
from wsproto.utilities import LocalProtocolError

from fh.edge.gate import Peer, TurnedAway
from fh.edge.relay import Bearer, Relay
from fh.edge.request import OpenSocket
from fh.edge.response import BYE, HEARTBEAT, UNKNOWN_KEY, Answer, come_back, refusal
from fh.http.asgi import PIECE_BYTES
from fh.http.resumed import Resumed
from fh.wire.http_head import find_end
from fh.wire.socket_message import encode_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from fh.edge.life import Life

log = structlog.get_logger()

_MOST_MESSAGE_BYTES = 1024
_MOST_RECEIVED_BYTES = 256 * 1024
"""What a client may send in all: pings for days, but no stream of data that nobody wants."""

_CLOSE_SECONDS = 2.0
_HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: edge\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n\r\n"
)


class _Close(NamedTuple):
    code: int
    reason: str


_TOO_SLOW = _Close(1013, "too slow")
_LAST_EVENTS = {BYE: _Close(1001, "come back"), UNKNOWN_KEY: _Close(4404, "unknown key")}


async def serve_socket(
    stream: trio.abc.HalfCloseableStream,
    data: bytes,
    asked: OpenSocket | TurnedAway,
    life: "Life",
    peer: Peer,
) -> None:
    """Serve `asked` on `stream` until one side ends it; then the stream is closed.

    `data` was read from it already: the whole head of the request, and whatever followed; `peer`
    returns the client's address.
    """
    life.open_sockets += 1
    resumed = Resumed(stream, data[find_end(data) :], send_seconds=life.settings.slow_seconds)
    try:
        if isinstance(asked, OpenSocket):
            # Once more: since it asked, others may have taken the room that it was found.
            asked = life.check(asked.stream.key, peer, is_page=False) or asked
        if isinstance(asked, TurnedAway):
            await _refuse(resumed, come_back(asked), life)
        elif life.open_sockets > life.settings.most_sockets:
            await _refuse(resumed, refusal(503, "too many WebSockets"), life)
        else:
            await _Socket(_Bearer(resumed, asked.nonce), asked, life, peer).serve()
    except* (ConnectionClosed, LocalProtocolError, trio.BrokenResourceError):
        # The client left in the middle of something, or spoke on while the socket was closed.
        pass
    except* Exception:
        # A connection ends here: whatever went wrong on it must not end the others.
        log.exception("socket_failed")
    finally:
        life.open_sockets -= 1
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(stream)


async def _refuse(stream: Resumed, answer: Answer, life: "Life") -> None:
    encoded = life.responses.encode(answer, cors=False, closes=True)
    await stream.send_all(encoded.on(time.time()))
    await stream.send_eof()


class _Socket:
    """One client."""

    def __init__(self, bearer: "_Bearer", asked: OpenSocket, life: "Life", peer: Peer) -> None:
        self._bearer = bearer
        self._engine = life.engine
        self._open_relay = life.open_relay
        self._asked = asked
        self._peer = peer
        self._pong_seconds = life.settings.slow_seconds
        self._awaits_pong = False

    async def serve(self) -> None:
        """Serve until one side ends it."""
        relay = self._open_relay(self._asked.stream, Bearer.SOCKET, self._peer)
        self._bearer.on_progress = relay.progressed
        try:
            async with trio.open_nursery() as nursery:
                request = await wrap_server_stream(
                    nursery, self._bearer, max_message_size=_MOST_MESSAGE_BYTES
                )
                websocket = await request.accept()
                close = await self._pass_on(relay, websocket)
                if websocket.closed is None and not self._bearer.cut_off:
                    with trio.move_on_after(_CLOSE_SECONDS):
                        await websocket.aclose(*close)
                nursery.cancel_scope.cancel()
        finally:
            self._engine.close(relay)
        if not self._bearer.cut_off:
            await self._bearer.linger()

    async def _pass_on(self, relay: Relay, websocket: WebSocketConnection) -> _Close:
        """Send events until there are no more, or the client left; return why it is over."""
        last = b""
        with relay.alive:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_ignore_messages, websocket, nursery.cancel_scope)
                try:
                    while events := await relay.receive():
                        for event in events:
                            await websocket.send_message(encode_message(event))
                        last = events[-1]
                        if HEARTBEAT in events and not self._awaits_pong:
                            nursery.start_soon(self._expect_pong, relay, websocket)
                except ConnectionClosed:
                    return _TOO_SLOW  # Nobody will read it: the client is leaving.
                nursery.cancel_scope.cancel()
        return _LAST_EVENTS.get(last, _TOO_SLOW)

    async def _expect_pong(self, relay: Relay, websocket: WebSocketConnection) -> None:
        # A proxy in between takes whatever is sent, long after the client behind it is gone.
        self._awaits_pong = True
        try:
            with trio.fail_after(self._pong_seconds):
                await websocket.ping()
        except trio.TooSlowError:
            log.debug("socket_without_pong")
            self._engine.close(relay)
        except ConnectionClosed:
            pass
        self._awaits_pong = False


async def _ignore_messages(websocket: WebSocketConnection, until_left: trio.CancelScope) -> None:
    try:
        while True:
            await websocket.get_message()
    except ConnectionClosed:
        until_left.cancel()


class _Bearer(trio.abc.Stream):
    """What carries the frames.

    Attributes:
        cut_off: A frame has left in part, or is leaving: anything after it would be read as its
            rest.
        on_progress: Called when the client has taken a piece.
    """

    def __init__(self, stream: Resumed, nonce: str) -> None:
        self.cut_off = False
        self.on_progress: Callable[[], None] = lambda: None
        self._stream = stream
        self._handshake = _HANDSHAKE.format(nonce).encode("ascii")
        self._answered = trio.Event()
        self._allowed_bytes = _MOST_RECEIVED_BYTES

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return the handshake, checked already, then what the client sends."""
        if self._handshake:
            handshake, self._handshake = self._handshake, b""
            await trio.lowlevel.checkpoint()
            return handshake
        # What comes before the answer would be taken for a part of the handshake, and lost.
        await self._answered.wait()
        data = await self._stream.receive_some(max_bytes)
        self._allowed_bytes -= len(data)
        return data if self._allowed_bytes >= 0 else b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send one frame, or the answer to the handshake.

        Raises:
            BrokenResourceError: the client is gone, or does not read.
        """
        self._answered.set()
        self.cut_off = True
        for start in range(0, len(data), PIECE_BYTES):
            await self._stream.send_all(data[start : start + PIECE_BYTES])
            self.on_progress()
        self.cut_off = False

    async def wait_send_all_might_not_block(self) -> None:
        """Return when sending may make progress."""
        await self._stream.wait_send_all_might_not_block()

    async def linger(self) -> None:
        """Say that nothing more comes and wait for the client's end, but not for long.

        Closed with unread input, the connection would be reset, and the last frame lost.
        """
        with trio.move_on_after(_CLOSE_SECONDS):
            try:
                await self._stream.send_eof()
                while await self.receive_some():
                    pass
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()
