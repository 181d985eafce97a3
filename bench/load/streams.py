"""Many streams in one epoll: opens them at a bounded pace and stamps what arrives.

Edge-triggered, so that the kernel looks at a stream once per arrival, and stamped once per
`epoll_wait`: what it returns had arrived by then, however long reading it takes afterwards.
"""

import errno
import os
import select
import socket
import time
from array import array
from collections import defaultdict
from dataclasses import dataclass, field

from bench.baselines.frame import environment_id
from bench.load.bounds import source_address
from bench.load.marker import ENVIRONMENT_STEP, scan
from bench.load.opening import StreamRefused, excerpt, is_ready
from bench.load.outcomes import BY_STRATEGY, context_header, offset_due

_READ_BYTES = 4_096
_BATCH = 64
"""Streams per `epoll_wait`: few, so that a stamp is at most some 0.2 ms late."""

_IP_BIND_ADDRESS_NO_PORT = 24  # absent from the socket module before Python 3.14
_INTEREST = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET


@dataclass(frozen=True, slots=True)
class Target:
    """Where the streams go, and how an open one is recognised.

    `head` ends where more headers may follow. In it `{environment}` stands for the id of the
    stream's environment, one of `environments` in turns, and `{channel}` for its place among them.
    With `user_keys` each stream has a context of its own.
    """

    address: str
    port: int
    head: bytes
    ready_mark: bytes
    user_keys: bool = False
    environments: int = 1

    @property
    def checks(self) -> bool:
        """Whether what arrives tells by an offset whose it is."""
        return self.user_keys or self.environments > 1


@dataclass(frozen=True, slots=True)
class Opened:
    """All streams are open and ready."""

    streams: int
    seconds: float


@dataclass(slots=True)
class Delivered:
    """What arrived of the events `first` to `last`.

    `receipts` holds monotonic nanoseconds for each event, one per stream that got it; `finished`
    streams got the last one. `by_strategy` of the arrivals brought the strategy's value,
    `wrong_outcomes` another than was due: another context's, or another environment's.
    """

    first: int
    last: int
    receipts: "dict[int, array[int]]" = field(default_factory=lambda: defaultdict(_stamps))
    finished: int = 0
    duplicates: int = 0
    ended_streams: int = 0
    by_strategy: int = 0
    wrong_outcomes: int = 0
    received_bytes: int = 0
    processor_seconds: float = 0.0


def _stamps() -> "array[int]":
    return array("q")


class Streams:
    """The streams of one client process."""

    def __init__(self, target: Target, *, first_index: int = 0) -> None:
        self._target = target
        self._first_index = first_index
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._unsent: dict[int, int] = {}
        self._opening: dict[int, bytes] = {}
        self._rests: dict[int, bytes] = {}
        self._newest: dict[int, int] = {}
        self._offsets: dict[int, int] = {}

    def open_all(self, count: int, *, window: int, deadline: float) -> Opened:
        """Open `count` streams, at most `window` of them under way; return when all are ready.

        `deadline` is in monotonic seconds.

        Raises:
            StreamRefused: a stream was refused or ended, or the deadline passed.
        """
        start = time.monotonic()
        begun = 0
        while begun < count or self._opening:
            while begun < count and len(self._opening) < window:
                self._begin(self._first_index + begun)
                begun += 1
            left = deadline - time.monotonic()
            if left <= 0:
                raise StreamRefused(
                    f"{len(self._newest):,} of {count:,} streams were ready at the deadline"
                )
            for descriptor, events in self._epoll.poll(left, _BATCH):
                if descriptor in self._opening:
                    self._advance(descriptor, events)
                elif not self._drain(descriptor, events, Delivered(0, 0), 0):
                    raise StreamRefused("an open stream ended while others were being opened")
        return Opened(count, time.monotonic() - start)

    def receive(self, last: int, *, deadline: float, first: int | None = None) -> Delivered:
        """Return when event `last` has reached every stream, or at the deadline.

        Earlier ones from `first` on are stamped, too; a newer one may have taken their place.
        `deadline` is in monotonic seconds. What has not arrived by then is missing.
        """
        delivered = Delivered(last if first is None else first, last)
        outstanding = len(self._newest)
        processor_start = time.process_time()
        while outstanding > delivered.finished:
            left = deadline - time.monotonic()
            # What has arrived by the deadline counts, however late this process is to look.
            ready = self._epoll.poll(max(left, 0), _BATCH)
            if left <= 0 and not ready:
                break
            now_ns = time.monotonic_ns()
            for descriptor, events in ready:
                if not self._drain(descriptor, events, delivered, now_ns):
                    delivered.ended_streams += 1
                    outstanding -= self._newest[descriptor] < last
                    self._forget(descriptor)
        delivered.processor_seconds = time.process_time() - processor_start
        return delivered

    def close(self) -> None:
        """Close every stream."""
        for descriptor in list(self._sockets):
            self._forget(descriptor)
        self._epoll.close()

    def _begin(self, index: int) -> None:
        target = self._target
        family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
        stream = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        # Leaving is abrupt: tens of thousands of TIME_WAIT entries would burden the next run.
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if source := source_address(target.address, index):
            stream.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            stream.bind((source, 0))
        status = stream.connect_ex((target.address, target.port))
        if status not in {0, errno.EINPROGRESS}:
            stream.close()
            raise StreamRefused(f"connect: {os.strerror(status)}")
        descriptor = stream.fileno()
        self._sockets[descriptor] = stream
        self._opening[descriptor] = b""
        self._unsent[descriptor] = index
        self._epoll.register(descriptor, _INTEREST)

    def _advance(self, descriptor: int, events: int) -> None:
        stream = self._sockets[descriptor]
        if status := stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise StreamRefused(f"connect: {os.strerror(status)}")
        seen = self._opening[descriptor]
        if descriptor in self._unsent and events & select.EPOLLOUT:
            # It fits into an empty send buffer as a whole.
            stream.send(self._head(self._unsent.pop(descriptor), descriptor))
        while True:
            try:
                data = stream.recv(_READ_BYTES)
            except BlockingIOError:
                break
            if not data:
                raise StreamRefused(f"a stream ended before it was ready: {excerpt(seen)}")
            seen += data
        self._opening[descriptor] = seen
        if is_ready(seen, self._target.ready_mark):
            del self._opening[descriptor]
            numbers, rest = scan(seen)
            if self._target.checks:
                numbers = [number % ENVIRONMENT_STEP for number in numbers]
            self._newest[descriptor] = max(numbers, default=0)
            if rest:
                self._rests[descriptor] = rest

    def _head(self, index: int, descriptor: int) -> bytes:
        target = self._target
        place = index % target.environments
        head = target.head.replace(b"{environment}", environment_id(place).encode())
        head = head.replace(b"{channel}", b"%d" % place)
        if target.checks:
            self._offsets[descriptor] = offset_due(
                index, environments=target.environments, user_keys=target.user_keys
            )
        if target.user_keys:
            head += context_header(index).encode()
        return head + b"\r\n"

    def _drain(self, descriptor: int, events: int, delivered: Delivered, now_ns: int) -> bool:
        """Read all there is; return whether the stream is still open."""
        ending = events & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR)
        if not ending and not events & select.EPOLLIN:
            return True
        while True:
            try:
                data = os.read(descriptor, _READ_BYTES)
            except BlockingIOError:
                return True
            except ConnectionError:
                return False
            if not data:
                return False
            self._count(descriptor, data, delivered, now_ns)
            if len(data) < _READ_BYTES and not ending:  # less than asked for: nothing is left
                return True

    def _count(self, descriptor: int, data: bytes, delivered: Delivered, now_ns: int) -> None:
        delivered.received_bytes += len(data)
        if self._rests and (earlier := self._rests.pop(descriptor, b"")):
            data = earlier + data
        numbers, rest = scan(data)
        if rest:
            self._rests[descriptor] = rest
        if self._offsets:
            numbers = [self._checked(descriptor, number, delivered) for number in numbers]
        for number in numbers:
            if number <= self._newest[descriptor]:
                delivered.duplicates += 1
                continue
            self._newest[descriptor] = number
            if delivered.first <= number <= delivered.last:
                delivered.receipts[number].append(now_ns)
                delivered.finished += number == delivered.last

    def _checked(self, descriptor: int, number: int, delivered: Delivered) -> int:
        """Return the event's number, having looked at what it was offset by."""
        offset = number // ENVIRONMENT_STEP * ENVIRONMENT_STEP
        delivered.by_strategy += offset >= BY_STRATEGY
        delivered.wrong_outcomes += offset != self._offsets[descriptor]
        return number - offset

    def _forget(self, descriptor: int) -> None:
        self._newest.pop(descriptor, None)
        self._rests.pop(descriptor, None)
        self._offsets.pop(descriptor, None)
        self._opening.pop(descriptor, None)
        self._sockets.pop(descriptor).close()
