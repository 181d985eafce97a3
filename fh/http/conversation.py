"""HTTP on one connection, from its first request to its last.

hypercorn speaks the protocols. What is decided here: a connection may be quiet for as long as a
request is under way, and for a while without one; nothing that goes wrong with one request stays
with another; and the last request can be awaited.
"""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from typing import Any, TypeAlias

import structlog
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState

from fh.http.asgi import AsgiApp, ClientTooSlow, Message, Scope, Send
from fh.http.inbox import Inbox
from fh.http.lingering import Lingering
from fh.http.secure_stream import Protocol
from fh.http.speakers import HandedOver, Http1, Http2, TakeUpgrade
from fh.wire.http_head import MOST_HEAD_BYTES

log = structlog.get_logger()

_READ_BYTES = 64 * 1024
_STREAMS = 128

Put: TypeAlias = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Terms:
    """What clients may do.

    Attributes:
        first_seconds: Until the first request is complete, its body left out.
        idle_seconds: Without a request, after the first.
        requests: On one connection; None for any number.
    """

    first_seconds: float = 10.0
    idle_seconds: float = 60.0
    requests: int | None = None


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a conversation is carried on: `stream`, which stands on `transport`."""

    transport: Lingering
    stream: trio.abc.HalfCloseableStream
    protocol: Protocol = "http/1.1"
    is_secure: bool = False


class Offer:
    """What all conversations of one face have in common."""

    def __init__(
        self, app: AsgiApp, terms: Terms, *, take_upgrade: TakeUpgrade | None = None
    ) -> None:
        self.app: AppWrapper = ASGIWrapper(app)
        self.terms = terms
        self.take_upgrade = take_upgrade
        self.context = WorkerContext(None)
        self.config = _config(terms)


class Conversation:
    """One connection on which what a face offers is asked for; a task that runs once.

    It stands in for hypercorn's TaskGroup, so that requests are tasks of its own.
    """

    def __init__(self, offer: Offer, bearer: Bearer) -> None:
        self._terms = offer.terms
        self._bearer = bearer
        self._nursery: trio.Nursery | None = None
        self._listening = trio.CancelScope()
        self._sending = trio.Lock()
        self._requests = 0
        self._draining = False
        self._speaker = self._begin(offer)

    async def run(self) -> None:
        """Speak until one side ends it; then the connection is closed, or somebody else's."""
        handed_over: HandedOver | None = None
        self._listening.deadline = trio.current_time() + self._terms.first_seconds
        async with trio.open_nursery() as self._nursery:
            try:
                await self._listen()
            except HandedOver as left:
                handed_over = left
            except Exception as error:  # noqa: BLE001  a client can make hypercorn raise about anything
                self._fail(error)
            await self._guard(self._speaker.handle, Closed())
        if handed_over is not None:
            await handed_over.take(self._bearer.stream, handed_over.data)
            return
        if isinstance(self._speaker, Http2):
            await self._guard(self._speaker.say_goodbye)
        await self._bearer.stream.aclose()

    def drain(self) -> None:
        """Answer what is under way, then end."""
        self._draining = True
        if isinstance(self._speaker, Http2):
            self._speaker.is_draining = True
        if not self._requests:
            self._listening.cancel()

    def abort(self) -> None:
        """End at once."""
        self._bearer.transport.abort()
        self._listening.cancel()

    # What hypercorn calls ---------------------------------------------------------------------

    async def spawn_app(self, app: AppWrapper, config: Config, scope: Scope, send: Send) -> Put:
        """Start a request; return what hands it the rest of what its client sends."""
        assert self._nursery is not None
        inbox = Inbox(config.max_app_queue_size)
        self._requests += 1
        self._listening.deadline = inf
        self._nursery.start_soon(self._serve, app, scope, inbox, send)
        return inbox.put

    def spawn(self, func: Callable[..., Awaitable[None]], *args: Any) -> None:
        """Start a task of the protocol's own."""
        assert self._nursery is not None
        self._nursery.start_soon(self._guard, func, *args)

    async def _send(self, event: Event) -> None:
        match event:
            case RawData(data):
                # Cut off, it would spoil whatever others send after it. It does not take for
                # ever: the transport gives up who takes nothing.
                with trio.CancelScope(shield=True):
                    async with self._sending:
                        await self._send_all(data)
            case Closed():
                self._listening.cancel()
            case _:
                pass  # Whether it is idle, is known here.

    # ------------------------------------------------------------------------------------------

    def _begin(self, offer: Offer) -> Http1 | Http2:
        client, server = self._bearer.transport.addresses
        speaker = (Http2 if self._bearer.protocol == "h2" else Http1)(
            offer.app,
            offer.config,
            offer.context,
            self,  # type: ignore[arg-type]  # nobody enters it
            ConnectionState({}),
            self._bearer.is_secure,
            client,
            server,
            self._send,
        )
        if isinstance(speaker, Http1):
            speaker.take_upgrade = offer.take_upgrade
        return speaker

    async def _listen(self) -> None:
        with self._listening:
            await self._speaker.initiate()
            while True:
                try:
                    data = await self._bearer.stream.receive_some(_READ_BYTES)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return
                if not data:
                    return
                await self._speaker.handle(RawData(bytes(data)))

    async def _serve(self, app: AppWrapper, scope: Scope, inbox: Inbox, send: Send) -> None:
        failed = False
        try:
            await app(scope, inbox.receive, send, trio.to_thread.run_sync, trio.from_thread.run)
        except* ClientTooSlow:
            self.abort()
        except* Exception:
            # A request ends here, and with it what its client can't tell from a whole answer.
            log.exception("request_failed")
            failed = True
        await self._guard(send, None)
        self._requests -= 1
        if failed or (self._draining and not self._requests):
            self._listening.cancel()
        elif not self._requests:
            self._listening.deadline = trio.current_time() + self._terms.idle_seconds

    async def _guard(self, func: Callable[..., Awaitable[None]], *args: Any) -> None:
        try:
            await func(*args)
        except Exception as error:  # noqa: BLE001  a client can make hypercorn raise about anything
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        # Not a line a client, for it may provoke as many as it likes.
        log.debug("connection_failed", kind=type(error).__name__, reason=str(error))
        self._listening.cancel()

    async def _send_all(self, data: bytes) -> None:
        try:
            await self._bearer.stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.abort()


def _config(terms: Terms) -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = None
    config.include_server_header = False
    config.h11_max_incomplete_size = MOST_HEAD_BYTES
    config.h2_max_concurrent_streams = _STREAMS
    # Once it is reached, HTTP/2 ends at once, and streams with it.
    config.keep_alive_max_requests = sys.maxsize if terms.requests is None else terms.requests
    return config
