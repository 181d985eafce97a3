"""Many kept connections in one epoll, each asking again as soon as it is answered.

The load is closed: a connection has one request under way, or `depth` with pipelining. The first
answer on each connection is read as HTTP; what follows has to be as long, and to begin and end
like it, so that the client stays quicker than the servers it loads.
"""

import os
import re
import select
import socket
import time
from array import array
from dataclasses import dataclass, field

from bench.load.bounds import source_address

MOST_DEPTH = 64
"""Requests that a connection may have under way."""

_READ_BYTES = 262_144
_BATCH = 64
_PATIENCE_SECONDS = 10.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_NO_BODY = b"HTTP/1.1 304"
_STATUS_BYTES = len(_NO_BODY)
_TAIL_BYTES = 16
_EXCERPT_BYTES = 200


class PollRefused(Exception):
    """A server answered something else than it had to, or hung up."""


@dataclass(frozen=True, slots=True)
class PollTarget:
    """Where the polls go: `head` is a whole request, `status` what it has to be answered with.

    In a traced run each request has a header of its own, as from proxies that number requests.
    """

    address: str
    port: int
    head: bytes
    status: int
    traced: bool = False


@dataclass(slots=True)
class Polled:
    """What one round did; the latencies are nanoseconds from request to the answer's last byte.

    With pipelining there is one for each batch.
    """

    answers: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0
    received_bytes: int = 0
    latencies_ns: "array[int]" = field(default_factory=lambda: array("q"))


@dataclass(slots=True)
class _Connection:
    stream: socket.socket
    missing_bytes: int = 0
    sent_ns: int = 0


class Polls:
    """The connections of one client process."""

    def __init__(self, target: PollTarget, *, depth: int = 1, first_index: int = 0) -> None:
        self._target = target
        self._depth = depth
        self._first_index = first_index
        self._begin = b"HTTP/1.1 %d" % target.status
        self._end = b""
        self._answer_bytes = 0
        self._numbers = iter(range(first_index << 32, 1 << 62))
        self._epoll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._space = bytearray(_READ_BYTES)

    def open_all(self, count: int) -> None:
        """Connect `count` times and exchange one request on each.

        Raises:
            PollRefused: the server answers something else than it should, or not in time.
        """
        for index in range(self._first_index, self._first_index + count):
            stream = self._connect(index)
            self._connections[stream.fileno()] = _Connection(stream)
            answer = self._exchange(stream)
            if self._answer_bytes not in {0, len(answer)}:
                raise PollRefused("the answers differ in length")
            self._answer_bytes = len(answer)
            self._end = answer[-_TAIL_BYTES:]
            stream.settimeout(0)
            self._epoll.register(stream.fileno(), select.EPOLLIN)

    def play(self, seconds: float) -> Polled:
        """Ask on every connection for `seconds`, then await what is under way.

        Raises:
            PollRefused: an answer is not the one that it should be, or the server hung up.
        """
        polled = Polled()
        processor_start = time.process_time()
        start = time.monotonic()
        stop_ns = time.monotonic_ns() + int(seconds * 1e9)
        for descriptor, connection in self._connections.items():
            self._ask(descriptor, connection)
        asking = len(self._connections)
        while asking:
            ready = self._epoll.poll(seconds + _PATIENCE_SECONDS, _BATCH)
            if not ready:
                raise PollRefused("the server does not answer any more")
            for descriptor, _events in ready:
                connection = self._connections[descriptor]
                if not self._receive(descriptor, connection):
                    continue
                now_ns = time.monotonic_ns()
                polled.latencies_ns.append(now_ns - connection.sent_ns)
                if now_ns < stop_ns:
                    self._ask(descriptor, connection)
                else:
                    asking -= 1
        polled.seconds = time.monotonic() - start
        polled.processor_seconds = time.process_time() - processor_start
        polled.answers = len(polled.latencies_ns) * self._depth
        polled.received_bytes = polled.answers * self._answer_bytes
        return polled

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections.values():
            connection.stream.close()
        self._connections.clear()
        self._epoll.close()

    def _connect(self, index: int) -> socket.socket:
        address = (self._target.address, self._target.port)
        source = source_address(self._target.address, index)
        try:
            stream = socket.create_connection(
                address, _PATIENCE_SECONDS, None if source is None else (source, 0)
            )
        except OSError as error:
            raise PollRefused(f"connect: {error.strerror}") from error
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Leaving is abrupt: thousands of TIME_WAIT entries would burden the next run.
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        return stream

    def _exchange(self, stream: socket.socket) -> bytes:
        """Send one request; return the answer, whose length says where it ends."""
        stream.sendall(self._requests(1))
        answer = b""
        wanted = 0
        while not wanted or len(answer) < wanted:
            try:
                data = stream.recv(_READ_BYTES)
            except OSError as error:
                raise PollRefused(f"no answer: {error}") from error
            answer += data
            if not data or not answer.startswith(self._begin[: len(answer)]):
                raise PollRefused(f"expected {self._target.status}, got {_excerpt(answer)}")
            wanted = wanted or _length(answer)
        return answer

    def _requests(self, count: int) -> bytes:
        if not self._target.traced:
            return self._target.head * count
        head = self._target.head[: -len(b"\r\n")]
        return b"".join(
            b"%btraceparent: 00-%032x-%016x-01\r\n\r\n" % (head, number, number)
            for number in (next(self._numbers) for _ in range(count))
        )

    def _ask(self, descriptor: int, connection: _Connection) -> None:
        connection.missing_bytes = self._answer_bytes * self._depth
        requests = self._requests(self._depth)
        connection.sent_ns = time.monotonic_ns()
        # A batch fits into an empty send buffer as a whole.
        if os.write(descriptor, requests) != len(requests):
            raise PollRefused("the server leaves requests unread")

    def _receive(self, descriptor: int, connection: _Connection) -> bool:
        """Read what has arrived; return whether the answers are complete."""
        space = self._space
        try:
            count = os.readv(descriptor, [space])
        except OSError as error:
            raise PollRefused(f"the server hung up: {error.strerror}") from error
        if not count:
            raise PollRefused("the server hung up")
        if connection.missing_bytes == self._answer_bytes * self._depth and (
            count >= _STATUS_BYTES and not space.startswith(self._begin)
        ):
            raise PollRefused(f"expected {self._target.status}, got {_excerpt(bytes(space))}")
        connection.missing_bytes -= count
        if connection.missing_bytes > 0:
            return False
        if connection.missing_bytes < 0 or not space.endswith(self._end[-count:], 0, count):
            raise PollRefused("an answer differs from the first one")
        return True


def _length(answer: bytes) -> int:
    """Return how long the whole answer is, 0 while its head is not complete."""
    head_bytes = answer.find(b"\r\n\r\n") + len(b"\r\n\r\n")
    if head_bytes < len(b"\r\n\r\n"):
        return 0
    if answer.startswith(_NO_BODY):
        return head_bytes
    found = _LENGTH.search(answer[:head_bytes])
    if found is None:
        raise PollRefused(f"an answer without a length: {_excerpt(answer)}")
    return head_bytes + int(found[1])


def _excerpt(seen: bytes) -> str:
    return repr(seen[:_EXCERPT_BYTES].decode(errors="replace"))
