"""One life of Edge: requests in, the right part of Edge to each."""

import random
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import TypeAlias, assert_never

import trio

from fh.contracts.answers import Granted, KeyLookup
from fh.contracts.updates import FeatureUpdates
from fh.edge.bodies import await_body
from fh.edge.census import Backlog, Census, Wanted, take_census
from fh.edge.connection import Connection
from fh.edge.dismissal import Dismissal, chosen
from fh.edge.encoded import EncodedViews
from fh.edge.engine import Engine
from fh.edge.evaluation import FeatureStates
from fh.edge.farewells import say_goodbye
from fh.edge.flags import Flags
from fh.edge.gate import Peer, TurnedAway, peer_address
from fh.edge.handlers import Handlers
from fh.edge.heads import KnownHeads
from fh.edge.messages import Subscribe
from fh.edge.opening import Opening, crosses, is_page, lasts, opening_of, resumed
from fh.edge.orders import Orders
from fh.edge.pages import Pages
from fh.edge.plain import refused_without_tls
from fh.edge.poller import Poller
from fh.edge.relay import Bearer, Relay
from fh.edge.repeated import RepeatedPolls
from fh.edge.request import (
    Asked,
    Elsewhere,
    EvaluateFlag,
    EvaluateFlags,
    OpenSocket,
    OpenStream,
    Poll,
    Preflight,
    Question,
    Refused,
    StreamForm,
    Write,
    decide,
)
from fh.edge.response import (
    BYE,
    DISCOVER,
    HEARTBEAT,
    UNKNOWN_KEY_HOLD_SECONDS,
    Answer,
    Responses,
    come_back,
    refusal,
    refused,
    unknown_key,
)
from fh.edge.sdks import SdkNumbers
from fh.edge.settings import EdgeSettings
from fh.edge.subscriptions import Subscriptions
from fh.edge.unchunked import serve_unchunked
from fh.edge.websocket import serve_socket
from fh.model.sdk_key import SdkKey
from fh.wire.http_head import MalformedHead, RequestHead, TooManyHeaders, parse_head
from fh.wire.sse import chunk

TakeAway: TypeAlias = Callable[[socket.socket, bytes], None]
"""Receives a connected socket and the bytes read from it."""


_DISCOVER_CHUNK = chunk(DISCOVER)


class Life:
    """From one start of Edge to its end: the engine, the subscriptions, and who gets a request.

    Attributes:
        settings: What this Edge was told.
        handlers: Answers questions.
        responses: What answers look like.
        engine: Owns the connections.
        open_sockets: How many WebSockets are served; counted by those who serve them.
    """

    def __init__(
        self,
        lookup: KeyLookup,
        updates: FeatureUpdates,
        settings: EdgeSettings,
        elsewhere: TakeAway | Pages,
        take_other_protocol: TakeAway,
        poller: Poller,
        states: FeatureStates,
        newest: KeyLookup | None,
        orders: Orders,
    ) -> None:
        self.settings = settings
        self._elsewhere = elsewhere
        self._take_other_protocol = take_other_protocol
        self._nursery: trio.Nursery | None = None
        self.open_sockets = 0
        self.draining = trio.Event()
        self.responses = Responses(settings)
        self.engine: Engine = Engine(poller, settings, self, heartbeat=HEARTBEAT, farewell=BYE)
        self._lookup = lookup
        self._orders = orders
        self._chance = random.Random()  # noqa: S311  chooses streams, guards nothing
        self._sdks = SdkNumbers(lambda: {each.sdk for each in self.engine.open_streams()})
        views = EncodedViews(states)
        self._repeated = RepeatedPolls(lookup)
        self._openings = KnownHeads[Opening]()
        self.answer_again = self._repeated.answer
        self.handlers = Handlers(lookup, updates, settings, views, Flags(states), newest, orders)
        self._subscriptions = Subscriptions(lookup, settings, self.engine, views, states, orders)
        self.on_delivery = self._subscriptions.on_delivery

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        """Serve until cancelled, or drained when `draining` is set."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self.obey()
            await nursery.start(self._subscriptions.run)
            nursery.start_soon(self.engine.run)
            task_status.started()
            await self.draining.wait()
            self.engine.gate.is_stopping = True
            await self.engine.drain()
            nursery.cancel_scope.cancel()

    def decide(self, head: RequestHead, peer: Peer) -> Asked | TurnedAway:
        """Return what `head` asks of Edge, or that there is no room for it now."""
        settings = self.settings
        asked = decide(head, root=settings.root, needs_context_sha=settings.surrogate_keys)
        match asked:
            case OpenStream() | OpenSocket() if not settings.streams:
                return Refused(501, "there are no streams here: poll instead")
            case OpenStream(key):
                of_page = is_page(head)
            case OpenSocket(OpenStream(key)):
                of_page = False
            case _:
                return asked
        return self.check(key, peer, is_page=of_page) or asked

    def check(self, key: SdkKey | None, peer: Peer, *, is_page: bool) -> TurnedAway | None:
        """Return why a stream may not be opened now, None if it may."""
        gate = self.engine.gate
        if key is not None and (seconds := self._paused_seconds(key)):
            return gate.put_off(seconds, is_page=is_page)
        return gate.check(key, peer, is_page=is_page)

    def open_relay(self, asked: OpenStream, bearer: Bearer, peer: Peer) -> Relay:
        """Return a stream that the caller writes to its client, and closes with the engine."""
        tag, held = resumed(asked)
        relay = self.engine.open_relay(b"" if held else DISCOVER, bearer, lasts=lasts(asked))
        self.engine.gate.enter(relay, asked.key, peer)
        self._subscribe(relay, asked, tag, held)
        return relay

    # Operators --------------------------------------------------------------------------------

    def obey(self) -> None:
        """Go by the orders that are in force by now."""
        self.engine.gate.is_draining = self._orders.draining
        self._repeated.clear()

    def dismiss(self, dismissal: Dismissal) -> int:
        """Begin to say goodbye to streams; return to how many."""
        streams = chosen(self.engine.open_streams(), dismissal, self._chance)

        def end(stream: Connection) -> None:
            if self._orders.draining or not dismissal.while_draining:
                self.engine.end_stream(stream, BYE)

        assert self._nursery is not None
        begin = partial(
            say_goodbye,
            last=lambda _: False,  # chosen by chance, nobody comes last
            seconds=dismissal.seconds,
            jitter=self._chance,
        )
        self._nursery.start_soon(begin, streams, end)
        return len(streams)

    async def census(self, wanted: Wanted) -> Census:
        """Return who has streams here."""
        now = trio.current_time()
        backlogs = {
            stream: Backlog(waiting_bytes, now - progressed_at)
            for stream, waiting_bytes, progressed_at in self.engine.backlogs()
        }
        return await take_census(self.engine.open_streams(), backlogs, self._sdks.sdk, wanted)

    def _paused_seconds(self, key: SdkKey) -> float:
        if not self._orders.has_pauses:
            return 0.0
        found = self._lookup.find_key(key)
        account_id = found.account_id if isinstance(found, Granted) else None
        return self._orders.paused_seconds(key, account_id)

    # Requests ---------------------------------------------------------------------------------

    def on_request(self, connection: Connection, data: bytes) -> None:
        """Receive one whole request head."""
        peer = partial(peer_address, connection.descriptor)
        if (opening := self._openings.find(data)) is not None:
            self._open_again(connection, opening, peer)
            return
        try:
            head = parse_head(data)
        except MalformedHead:
            self.on_refused(connection, 400, "the request head is malformed")
            return
        except TooManyHeaders:
            self.on_refused(connection, 431, "too many headers")
            return
        asked = refused_without_tls(head, self.settings.plain_paths) or self.decide(head, peer)
        if isinstance(asked, OpenStream) and head.version == "1.0":
            self._serve_unchunked(connection, asked, head)
        elif isinstance(asked, OpenStream):
            opening = opening_of(asked, head)
            if self._openings.came_before(data):
                self._openings.remember(data, opening, len(data))
            self._open_stream(connection, opening, peer)
        else:
            self._do(connection, asked, data, head)

    def _do(
        self,
        connection: Connection,
        asked: OpenSocket | Question | Preflight | Refused | Elsewhere | TurnedAway,
        data: bytes,
        head: RequestHead,
    ) -> None:
        match asked:
            case TurnedAway():
                self._respond(connection, come_back(asked), head, closes=True)
            case Poll():
                self._answer_poll(connection, asked, data, head)
            case Write() | EvaluateFlag() | EvaluateFlags():
                self._await_body(connection, asked, data, head)
            case Preflight():
                self._respond(
                    connection, self.responses.preflight, head, closes=not head.keep_alive
                )
            case Refused():
                self._respond(connection, refused(asked), head, closes=True)
            case OpenSocket():
                self._serve_socket(connection, data, asked)
            case Elsewhere() if isinstance(self._elsewhere, Pages):
                self._turn_to(self._elsewhere, connection, head)
            case Elsewhere():
                taken, rest = self.engine.take(connection)
                self._elsewhere(taken, data + rest)
            case _:
                assert_never(asked)

    def on_refused(self, connection: Connection, status: int, detail: str) -> None:
        """Receive a request that can't be served: too long, too late, or malformed."""
        self._respond(connection, refusal(status, detail), None, closes=True)

    def on_other_protocol(self, connection: Connection) -> None:
        """Receive a connection that begins with TLS or HTTP/2."""
        taken, rest = self.engine.take(connection)
        self._take_other_protocol(taken, rest)

    # Answers ----------------------------------------------------------------------------------

    def _await_body(
        self, connection: Connection, question: Question, data: bytes, head: RequestHead
    ) -> None:
        def on_body(content: bytes, *, closes: bool) -> None:
            self._answer(connection, question, content, head, closes=closes)

        def on_refused(answer: Answer) -> None:
            self._respond(connection, answer, head, closes=True)

        await_body(self.engine, connection, data, head, on_body, on_refused)

    def _answer_poll(
        self, connection: Connection, poll: Poll, data: bytes, head: RequestHead
    ) -> None:
        answer = self.handlers.answer_now(poll, b"")
        if answer is None:
            self._answer_later(connection, poll, b"", head, closes=not head.keep_alive)
            return
        encoded = self.responses.answer_to(head, answer, closes=not head.keep_alive)
        if answer.settled_by and head.keep_alive and self._repeated.came_before(data):
            self._repeated.remember(data, answer.settled_by, encoded)
        self.engine.respond(connection, encoded.on(time.time()), closes=not head.keep_alive)

    def _answer(
        self,
        connection: Connection,
        question: Question,
        body: bytes,
        head: RequestHead,
        *,
        closes: bool,
    ) -> None:
        answer = self.handlers.answer_now(question, body)
        if answer is None:
            self._answer_later(connection, question, body, head, closes=closes)
        else:
            self._respond(connection, answer, head, closes=closes)

    def _answer_later(
        self,
        connection: Connection,
        question: Question,
        body: bytes,
        head: RequestHead,
        *,
        closes: bool,
    ) -> None:
        async def answer_later() -> None:
            answer = await self.handlers.answer(question, body)
            self._respond(connection, answer, head, closes=closes)

        assert self._nursery is not None
        self._nursery.start_soon(answer_later)

    def _turn_to(self, pages: Pages, connection: Connection, head: RequestHead) -> None:
        async def answer_later() -> None:
            answer = await pages.answer(head)
            # Nobody reads a body that may have come with it.
            closes = not head.keep_alive or head.has_body
            self._respond(connection, answer, head, closes=closes)

        assert self._nursery is not None
        self._nursery.start_soon(answer_later)

    def _respond(
        self, connection: Connection, answer: Answer, head: RequestHead | None, *, closes: bool
    ) -> None:
        data = self.responses.answer_to(head, answer, closes=closes).on(time.time())
        self.engine.respond(connection, data, closes=closes)

    def _serve_socket(self, connection: Connection, data: bytes, asked: OpenSocket) -> None:
        stream, rest, peer = self._take_stream(connection)
        assert self._nursery is not None
        self._nursery.start_soon(serve_socket, stream, data + rest, asked, self, peer)

    def _serve_unchunked(
        self, connection: Connection, asked: OpenStream, head: RequestHead
    ) -> None:
        response = self.responses.stream_head(time.time(), cors=crosses(head), chunked=False)
        stream, _, peer = self._take_stream(connection)
        # At once: who comes in the same moment must not find the room that was found for this one.
        relay = self.open_relay(asked, Bearer.CONNECTION, peer)
        assert self._nursery is not None
        self._nursery.start_soon(serve_unchunked, stream, response, relay, self)

    def _take_stream(self, connection: Connection) -> tuple[trio.SocketStream, bytes, Peer]:
        taken, rest = self.engine.take(connection)
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(taken))
        return stream, rest, partial(peer_address, stream.socket.fileno())

    # Streams ----------------------------------------------------------------------------------

    def _open_again(self, connection: Connection, opening: Opening, peer: Peer) -> None:
        asked = opening.asked
        turned_away = self.check(asked.key, peer, is_page=opening.is_page)
        if turned_away is None:
            self._open_stream(connection, opening, peer)
            return
        answer = come_back(turned_away)
        encoded = self.responses.encode(
            answer, cors=opening.cors, closes=True, unbuffered=asked.form is StreamForm.FEATURES
        )
        self.engine.respond(connection, encoded.on(time.time()), closes=True)

    def _open_stream(self, connection: Connection, opening: Opening, peer: Peer) -> None:
        asked = opening.asked
        head = self.responses.stream_head(time.time(), cors=opening.cors)
        first = head if opening.held else head + _DISCOVER_CHUNK
        self.engine.start_stream(connection, first, lasts=lasts(asked))
        self.engine.gate.enter(connection, asked.key, peer)
        if not connection.closed:
            self._subscribe(connection, asked, opening.tag, opening.held)
            self.engine.send_first(connection)

    def _subscribe(
        self, connection: Connection, asked: OpenStream, tag: str, held: str | None
    ) -> None:
        connection.sdk = self._sdks.number(asked.sdk)
        if asked.key is None or self._subscriptions.is_unknown(asked.key):
            self.engine.end_stream(
                connection, unknown_key(asked.form), hold_seconds=UNKNOWN_KEY_HOLD_SECONDS
            )
            return
        self._subscriptions.subscribe(
            Subscribe(connection, asked.key, asked.context, tag, held, asked.form)
        )
