"""One life of Edge: requests in, the right part of Edge to each."""

import socket
import time
from collections.abc import Callable
from typing import TypeAlias, assert_never

import trio

from fh.contracts.answers import KeyAnswer, KeyLookup
from fh.edge.connection import Connection
from fh.edge.encoded import EncodedViews
from fh.edge.engine import Engine
from fh.edge.evaluation import FeatureStates
from fh.edge.messages import Subscribe
from fh.edge.poll import answer_poll
from fh.edge.poller import Poller
from fh.edge.request import Elsewhere, OpenStream, Poll, Preflight, Refused, decide
from fh.edge.response import (
    BYE,
    DISCOVER,
    HEARTBEAT,
    UNKNOWN_KEY,
    UNKNOWN_KEY_HOLD_SECONDS,
    Responses,
)
from fh.edge.settings import EdgeSettings
from fh.edge.subscriptions import Subscriptions, load_in_time
from fh.model.sdk_key import SdkKey
from fh.wire.etag import context_tag, parse_last_event_id
from fh.wire.http_head import MalformedHead, RequestHead, TooManyHeaders, parse_head
from fh.wire.sse import chunk

TakeElsewhere: TypeAlias = Callable[[socket.socket, bytes], None]
"""Receives a connected socket and the bytes read from it, when a request is not Edge's."""


class Life:
    """From one start of Edge to its end: the engine, the subscriptions, and who gets a request."""

    def __init__(
        self,
        lookup: KeyLookup,
        settings: EdgeSettings,
        take_elsewhere: TakeElsewhere,
        poller: Poller,
        states: FeatureStates,
    ) -> None:
        self._lookup = lookup
        self._settings = settings
        self._take_elsewhere = take_elsewhere
        self._responses = Responses(settings)
        self._views = EncodedViews(states)
        self._nursery: trio.Nursery | None = None
        self.draining = trio.Event()
        self.engine = Engine(
            poller,
            settings,
            on_request=self._on_request,
            on_refused_head=self._on_refused_head,
            heartbeat=HEARTBEAT,
            farewell=BYE,
        )
        self._subscriptions = Subscriptions(lookup, settings, self.engine, self._views, states)
        self.on_delivery = self._subscriptions.on_delivery

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        """Serve until cancelled, or drained when `draining` is set."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            await nursery.start(self._subscriptions.run)
            nursery.start_soon(self.engine.run)
            task_status.started()
            await self.draining.wait()
            await self.engine.drain()
            nursery.cancel_scope.cancel()

    # Requests ---------------------------------------------------------------------------------

    def _on_request(self, connection: Connection, data: bytes) -> None:
        try:
            head = parse_head(data)
        except MalformedHead:
            self._refuse(connection, 400, "the request head is malformed", cors=False)
            return
        except TooManyHeaders:
            self._refuse(connection, 431, "too many headers", cors=False)
            return
        cors = head.header("origin") is not None
        asked = decide(head)
        match asked:
            case OpenStream():
                self._open_stream(connection, asked, cors=cors)
            case Poll():
                self._poll(connection, asked, head)
            case Preflight():
                data = self._responses.preflight(time.time())
                self.engine.respond(connection, data, closes=not head.keep_alive)
            case Refused(status, detail):
                self._refuse(connection, status, detail, cors=cors)
            case Elsewhere():
                taken, rest = self.engine.take(connection)
                self._take_elsewhere(taken, data + rest)
            case _:
                assert_never(asked)

    def _on_refused_head(self, connection: Connection, status: int) -> None:
        detail = "the request head is too long" if status == 431 else "the request head came late"  # noqa: PLR2004
        self._refuse(connection, status, detail, cors=False)

    def _refuse(self, connection: Connection, status: int, detail: str, *, cors: bool) -> None:
        data = self._responses.refusal(status, detail, time.time(), cors=cors, closes=True)
        self.engine.respond(connection, data, closes=True)

    # Polls ------------------------------------------------------------------------------------

    def _poll(self, connection: Connection, poll: Poll, head: RequestHead) -> None:
        answers: dict[SdkKey, KeyAnswer] = {}
        for key in poll.keys:
            answer = self._lookup.find_key(key)
            if answer is None:
                assert self._nursery is not None
                self._nursery.start_soon(self._poll_later, connection, poll, head)
                return
            answers[key] = answer
        self._answer_poll(connection, poll, head, answers)

    async def _poll_later(self, connection: Connection, poll: Poll, head: RequestHead) -> None:
        answers: dict[SdkKey, KeyAnswer] = {}

        async def load(key: SdkKey) -> None:
            answers[key] = await load_in_time(self._lookup, key, self._settings.load_seconds)

        async with trio.open_nursery() as nursery:
            for key in poll.keys:
                nursery.start_soon(load, key)
        self._answer_poll(connection, poll, head, answers)

    def _answer_poll(
        self,
        connection: Connection,
        poll: Poll,
        head: RequestHead,
        answers: dict[SdkKey, KeyAnswer],
    ) -> None:
        answer = answer_poll(poll, answers, self._views, self._settings.cache_control)
        data = self._responses.answer(
            answer.status,
            answer.headers,
            answer.body,
            time.time(),
            cors=head.header("origin") is not None,
            closes=not head.keep_alive,
        )
        self.engine.respond(connection, data, closes=not head.keep_alive)

    # Streams ----------------------------------------------------------------------------------

    def _open_stream(self, connection: Connection, asked: OpenStream, *, cors: bool) -> None:
        tag_of_context = context_tag(asked.context)
        held = parse_last_event_id(asked.last_event_id, tag_of_context)
        head = self._responses.stream_head(time.time(), cors=cors)
        self.engine.start_stream(connection, head if held else head + chunk(DISCOVER))
        if connection.closed:
            return
        if asked.key is None:
            self.engine.end_stream(connection, UNKNOWN_KEY, hold_seconds=UNKNOWN_KEY_HOLD_SECONDS)
            return
        self._subscriptions.subscribe(
            Subscribe(connection, asked.key, asked.context, tag_of_context, held)
        )
