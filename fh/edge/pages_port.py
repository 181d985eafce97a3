"""A port of its own for the pages that operators read, beside the one for SDKs."""

import socket
import time

import trio

from fh.edge.bodies import await_body
from fh.edge.connection import Connection
from fh.edge.door import Door
from fh.edge.engine import Engine
from fh.edge.pages import Pages
from fh.edge.poller import new_poller
from fh.edge.response import BYE, HEARTBEAT, Answer, Responses, refusal
from fh.edge.settings import EdgeSettings
from fh.wire.http_head import MalformedHead, RequestHead, TooManyHeaders, parse_head


class PagesPort:
    """Serves `pages` and nothing else behind `listener`; a service."""

    def __init__(self, pages: Pages, settings: EdgeSettings, listener: socket.socket) -> None:
        self._pages = pages
        self._settings = settings
        self._responses = Responses(settings)
        self._engine: Engine | None = None
        self._nursery: trio.Nursery | None = None
        # Descriptors are numbered for the whole process: SDKs may have taken all the low ones.
        self.door = Door(listener, self._adopt, descriptors=1 << 30)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        async with trio.open_nursery() as self._nursery:
            poller = new_poller(portable=self._settings.portable_engine)
            self._engine = Engine(poller, self._settings, self, heartbeat=HEARTBEAT, farewell=BYE)
            self._nursery.start_soon(self._engine.run)
            task_status.started()

    def answer_again(self, data: bytes) -> bytes | None:  # noqa: ARG002  part of `Requests`
        """Return None: operators don't ask that often."""
        return None

    def on_request(self, connection: Connection, data: bytes) -> None:
        """Receive one whole request head."""
        try:
            head = parse_head(data)
        except MalformedHead:
            self.on_refused(connection, 400, "the request head is malformed")
            return
        except TooManyHeaders:
            self.on_refused(connection, 431, "too many headers")
            return
        if self._pages.takes_body(head) and self._engine is not None:
            self._await_body(self._engine, connection, data, head)
        else:
            # Nobody reads a body that may have come with it.
            closes = not head.keep_alive or head.has_body
            self._begin_answer(connection, head, b"", closes=closes)

    def on_refused(self, connection: Connection, status: int, detail: str) -> None:
        """Receive a request that can't be served."""
        self._respond(connection, refusal(status, detail), closes=True)

    def on_other_protocol(self, connection: Connection) -> None:
        """Receive a connection that begins with TLS or HTTP/2."""
        if self._engine is not None:
            self._engine.close(connection)

    def _await_body(
        self, engine: Engine, connection: Connection, data: bytes, head: RequestHead
    ) -> None:
        def on_body(content: bytes, *, closes: bool) -> None:
            self._begin_answer(connection, head, content, closes=closes)

        def on_refused(answer: Answer) -> None:
            self._respond(connection, answer, closes=True)

        await_body(engine, connection, data, head, on_body, on_refused)

    def _begin_answer(
        self, connection: Connection, head: RequestHead, body: bytes, *, closes: bool
    ) -> None:
        async def answer() -> None:
            answer = await self._pages.answer(head, body)
            self._respond(connection, answer, closes=closes, bare=head.method == "HEAD")

        assert self._nursery is not None
        self._nursery.start_soon(answer)

    def _respond(
        self, connection: Connection, answer: Answer, *, closes: bool, bare: bool = False
    ) -> None:
        if self._engine is not None:
            encoded = self._responses.encode(answer, cors=False, closes=closes, bare=bare)
            self._engine.respond(connection, encoded.on(time.time()), closes=closes)

    def _adopt(self, descriptor: int) -> None:
        if self._engine is None:
            socket.socket(fileno=descriptor).close()
        else:
            self._engine.adopt(descriptor)
