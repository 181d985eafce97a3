"""What clients send: request heads, the bodies of the requests that have one, and TLS."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fh.edge.connection import Connection, Phase
from fh.edge.lifetimes import Lifetimes
from fh.wire.http_body import BodyTooLarge, MalformedBody, RequestBody
from fh.wire.http_head import MOST_HEAD_BYTES, find_end

_HEAD = Phase.HEAD  # looked up once: an enum's member costs as much as a call
_TLS_HANDSHAKE = 0x16
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_MOST_ANSWERS_BYTES = 64 * 1024
"""From here on the answers to pipelined requests are written before there are more."""

_MOST_BODIES_BYTES = 64 * 1024 * 1024
"""What all bodies that are under way may have together."""


class Requests(Protocol):
    """Who decides what becomes of a request."""

    def answer_again(self, data: bytes) -> bytes | None:
        """Return the answer to a request head that came before, or None: then it is handed over.

        The connection stays open after it.
        """

    def on_request(self, connection: Connection, data: bytes) -> None:
        """Receive one whole request head."""

    def on_refused(self, connection: Connection, status: int, detail: str) -> None:
        """Receive a request that can't be served: too long, too late, or malformed."""

    def on_other_protocol(self, connection: Connection) -> None:
        """Receive a connection that begins with TLS or HTTP/2."""


@dataclass(frozen=True, slots=True)
class AwaitedBody:
    """A body that is on its way, and who receives its content."""

    body: RequestBody
    on_body: Callable[[bytes], None]


class Intake:
    """Cuts what arrives into requests, one at a time for each connection."""

    def __init__(
        self,
        lifetimes: Lifetimes,
        requests: Requests,
        *,
        respond_again: Callable[[Connection, bytes], None],
        close: Callable[[Connection], None],
    ) -> None:
        self._respond_again = respond_again
        self._close = close
        self._lifetimes = lifetimes
        self._requests = requests
        self._pumped: Connection | None = None
        self._bodies_bytes = 0

    def take_in(self, connection: Connection, data: bytes) -> None:
        """Go on with what arrived on `connection`."""
        if connection.phase is _HEAD and not connection.buffer:
            # Almost always one whole head, and one that came before.
            answer = self._requests.answer_again(data)
            if answer is not None:
                self._respond_again(connection, answer)
                return
        match connection.phase:
            case Phase.HEAD:
                connection.buffer = connection.buffer + data if connection.buffer else data
                self.pump(connection)
            case Phase.BODY:
                self._feed(connection, data)
            case Phase.BUSY:
                # The next request, ahead of the answer: kept, but not more than a head's worth.
                connection.buffer += data
                if len(connection.buffer) > MOST_HEAD_BYTES:
                    self._close(connection)
            case Phase.STREAM | Phase.ENDING | Phase.LINGERING:
                pass  # Thrown away: left in the socket it would keep the poller spinning.

    def pump(self, connection: Connection) -> None:
        """Take every whole head out of the buffer, as long as each is answered at once."""
        if self._pumped is connection:
            return
        self._pumped = connection
        while connection.phase is Phase.HEAD and connection.buffer:
            if answers := self._answers_again(connection):
                self._respond_again(connection, answers)
                continue
            data = connection.buffer
            if data[0] == _TLS_HANDSHAKE or data.startswith(_HTTP2_PREFACE):
                self._requests.on_other_protocol(connection)
                break
            end = find_end(data, connection.searched_bytes)
            if 0 <= end <= MOST_HEAD_BYTES:
                connection.buffer = data[end:]
                self._begin_answer(connection)
                self._requests.on_request(connection, data[:end])
            elif len(data) > MOST_HEAD_BYTES:
                self._begin_answer(connection)
                self._requests.on_refused(connection, 431, "the request head is too long")
            else:
                connection.searched_bytes = len(data)
                break
        self._pumped = None

    def _answers_again(self, connection: Connection) -> bytes:
        """Take pipelined heads that came before from the buffer; return all answers, one write."""
        data = connection.buffer
        answers: list[bytes] = []
        size = start = 0
        searched_bytes = connection.searched_bytes
        while size < _MOST_ANSWERS_BYTES:
            end = find_end(data, searched_bytes)
            if end < 0 or end - start == len(data):
                break  # One head alone was looked up when it arrived.
            answer = self._requests.answer_again(data[start:end])
            if answer is None:
                break
            answers.append(answer)
            size += len(answer)
            searched_bytes = start = end
        if answers:
            connection.buffer = data[start:]
            connection.searched_bytes = 0
        return b"".join(answers)

    def await_body(
        self,
        connection: Connection,
        awaited: AwaitedBody,
        until: float,
        interim: Callable[[bytes], None] | None,
    ) -> None:
        """Collect the body of the request that `connection` just sent the head of.

        `until` is the deadline; `interim` writes to a client that waits for a go-ahead.
        """
        connection.phase = Phase.BODY
        connection.awaited = awaited
        self._lifetimes.put(connection, until)
        rest, connection.buffer = connection.buffer, b""
        if interim is not None and not rest and not awaited.body.complete:
            interim(_CONTINUE)
        if not connection.closed:
            self._feed(connection, rest)

    def is_late(self, connection: Connection) -> None:
        """Refuse a request that took too long to arrive.

        A head that is not whole may be that of a stream, and to streams of some SDKs any status
        from 400 to 499 is final: they are told nothing, and try again.
        """
        if connection.phase is not Phase.BODY:
            self._close(connection)
            return
        self._begin_answer(connection)
        self._requests.on_refused(connection, 408, "the request body came late")

    def forget(self, connection: Connection) -> None:
        """Throw away what arrived on a connection that is gone."""
        connection.buffer = b""
        if connection.awaited is not None:
            self._bodies_bytes -= connection.awaited.body.size
            connection.awaited = None

    def _feed(self, connection: Connection, data: bytes) -> None:
        awaited = connection.awaited
        assert awaited is not None
        before = awaited.body.size
        refused: tuple[int, str] | None = None
        try:
            connection.buffer = awaited.body.feed(data)
        except MalformedBody as error:
            refused = 400, f"the body is malformed: {error}"
        except BodyTooLarge:
            refused = 413, "the body is too large"
        self._bodies_bytes += awaited.body.size - before
        if refused is None and self._bodies_bytes > _MOST_BODIES_BYTES:
            refused = 503, "too many large requests at a time"
        if refused is not None:
            self._begin_answer(connection)
            self._requests.on_refused(connection, *refused)
        elif awaited.body.complete:
            content = awaited.body.content
            self._begin_answer(connection)
            awaited.on_body(content)

    def _begin_answer(self, connection: Connection) -> None:
        connection.phase = Phase.BUSY
        connection.searched_bytes = 0
        if connection.awaited is not None:
            self._bodies_bytes -= connection.awaited.body.size
            connection.awaited = None
        self._lifetimes.forget(connection)
