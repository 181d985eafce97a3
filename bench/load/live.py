"""Streams that live: they come back when they are sent away, as SDKs do, and leave at a rate.

One epoll and a few bytes a stream. What a stream holds outlives its connections (see
`holdings`), so nothing that happened while it was away is forgiven.
"""

import errno
import heapq
import os
import random
import select
import socket
import time
from array import array
from collections import deque
from dataclasses import dataclass
from typing import Final

from bench.client.events import Unreadable
from bench.load.bounds import STREAMS_PER_ADDRESS, source_address
from bench.load.histogram import Histogram
from bench.load.holdings import Holdings
from bench.load.told import Kind, News, Telling

_READ_BYTES: Final = 4_096
_BATCH: Final = 64
"""Streams per `epoll_wait`: few, so that a stamp is at most some 0.3 ms late."""

_IP_BIND_ADDRESS_NO_PORT: Final = 24  # absent from the socket module before Python 3.14
_INTEREST: Final = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
_GONE: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
_INCOMING: Final = select.EPOLLIN | _GONE
_AGAIN_SECONDS: Final = (0.1, 0.5)
_LONGEST_WAIT_SECONDS: Final = 0.1
_HEAD_END: Final = b"\r\n\r\n"
_LONGEST_HEAD_BYTES: Final = 16_384
_ABRUPT: Final = b"\1\0\0\0\0\0\0\0"  # struct linger: on, no seconds

_AWAY, _UNSENT, _HEAD, _BODY, _LIVE = range(5)


@dataclass(frozen=True, slots=True)
class LivePlan:
    """What the streams of one process are.

    `requests` are the heads of the environments' requests, without the empty line; stream number
    `n` is of environment `n % len(requests)`. `features` are the keys that versions are held of.
    """

    address: str
    port: int
    requests: tuple[bytes, ...]
    features: tuple[str, ...]
    streams: int
    first_index: int = 0
    window: int = 128


class LiveStreams:
    """The streams of one client process; `turn` moves all of them on.

    Attributes:
        holdings: What they hold, and what they went through.
        openings: From the first step of a connection to a stream that was told what there is.
    """

    def __init__(self, plan: LivePlan, epoll: select.epoll) -> None:
        self.holdings = Holdings(
            plan.streams,
            environments=len(plan.requests),
            width=len(plan.features),
            first_index=plan.first_index,
        )
        self.openings = Histogram()
        self._plan = plan
        self._epoll = epoll
        self._telling = Telling({key: slot for slot, key in enumerate(plan.features)})
        self._descriptor = array("i", [-1]) * plan.streams
        self._phase = bytearray(plan.streams)
        self._was_met = bytearray(plan.streams)
        self._began_ns = array("q", bytes(8 * plan.streams))
        self._last_id: list[bytes] = [b""] * plan.streams
        self._by_descriptor: dict[int, int] = {}
        self._rests: dict[int, bytes] = {}
        self._wanting: deque[int] = deque()
        self._returns: list[tuple[float, int]] = []
        self._sources: dict[int, str | None] = {}
        self._opening = 0
        self._live = 0
        self._met = 0
        self._jitter = random.Random(plan.first_index)
        self._leaves_per_second = 0.0
        self._away_seconds = 0.0
        self._leaves_due = 0.0
        self._turned_at = time.monotonic()

    @property
    def live(self) -> int:
        """How many are open and were told everything."""
        return self._live

    @property
    def met(self) -> int:
        """How many of them were so at least once."""
        return self._met

    def open_all(self) -> None:
        """Let every stream connect, as far as the window allows."""
        self._wanting.extend(range(self._plan.streams))

    def churn(self, leaves_per_second: float, away_seconds: float) -> None:
        """From now on let so many streams leave, each for so long."""
        self._leaves_per_second, self._away_seconds = leaves_per_second, away_seconds
        self._leaves_due = 0.0

    def turn(self) -> list[int]:
        """Wait for something to happen and deal with it; return the descriptors of others."""
        now = time.monotonic()
        self._keep_time(now)
        others = []
        ready = self._epoll.poll(self._wait_seconds(now), _BATCH)
        now_ns = time.monotonic_ns()
        for descriptor, events in ready:
            number = self._by_descriptor.get(descriptor)
            if number is None:
                others.append(descriptor)
                continue
            if self._phase[number] == _UNSENT:
                events = self._ask(number, descriptor, events)  # noqa: PLW2901  what is left to do
            if events & _INCOMING:
                self._read(number, descriptor, events, now_ns)
        return others

    def close(self) -> None:
        """Close every stream."""
        for number in tuple(self._by_descriptor.values()):
            self._close(number)

    def _wait_seconds(self, now: float) -> float:
        if self._wanting and self._opening < self._plan.window:
            return 0.0
        if self._returns:
            return min(max(self._returns[0][0] - now, 0.0), _LONGEST_WAIT_SECONDS)
        return _LONGEST_WAIT_SECONDS

    def _keep_time(self, now: float) -> None:
        elapsed, self._turned_at = now - self._turned_at, now
        self._leaves_due += elapsed * self._leaves_per_second
        while self._leaves_due >= 1:
            self._leaves_due -= 1
            self._leave(self._jitter.randrange(self._plan.streams), now)
        while self._returns and self._returns[0][0] <= now:
            self._wanting.append(heapq.heappop(self._returns)[1])
        while self._wanting and self._opening < self._plan.window:
            self._connect(self._wanting.popleft())

    def _leave(self, number: int, now: float) -> None:
        if self._phase[number] != _LIVE:
            return
        self._close(number, abruptly=self._jitter.random() < 0.5)
        self.holdings.counts.left += 1
        if self._jitter.random() < 0.5:
            # Another client in its place: it holds nothing yet.
            self._last_id[number] = b""
            self.holdings.clear(number)
        heapq.heappush(self._returns, (now + self._away_seconds, number))

    def _come_back(self, number: int) -> None:
        """Close what there is of a stream, and let it connect again after a pause."""
        self._close(number)
        pause = self._jitter.uniform(*_AGAIN_SECONDS)
        heapq.heappush(self._returns, (time.monotonic() + pause, number))

    # One connection ----------------------------------------------------------------------------

    def _connect(self, number: int) -> None:
        plan = self._plan
        family = socket.AF_INET6 if ":" in plan.address else socket.AF_INET
        stream = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        if source := self._source(plan.first_index + number):
            stream.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            stream.bind((source, 0))
        status = stream.connect_ex((plan.address, plan.port))
        # From here on a number: an object for each socket would weigh more than what it holds.
        descriptor = stream.detach()
        self._descriptor[number] = descriptor
        self._by_descriptor[descriptor] = number
        self._phase[number] = _UNSENT
        self._began_ns[number] = time.monotonic_ns()
        self._opening += 1
        self._epoll.register(descriptor, _INTEREST)
        if status not in {0, errno.EINPROGRESS}:
            self.holdings.counts.refused += 1
            self._come_back(number)

    def _source(self, index: int) -> str | None:
        block = index // STREAMS_PER_ADDRESS
        if block not in self._sources:
            self._sources[block] = source_address(self._plan.address, index)
        return self._sources[block]

    def _request(self, number: int) -> bytes:
        request = self._plan.requests[self.holdings.environment(number)]
        if last_id := self._last_id[number]:
            return b"%bLast-Event-ID: %b\r\n\r\n" % (request, last_id)
        return request + b"\r\n"

    def _ask(self, number: int, descriptor: int, events: int) -> int:
        """Send the request of a stream that is connected; return the events still to deal with."""
        if events & select.EPOLLOUT and not events & _GONE:
            try:
                # It fits into an empty send buffer as a whole.
                os.write(descriptor, self._request(number))
            except OSError:
                return events | select.EPOLLERR
            self._phase[number] = _HEAD
        return events

    def _read(self, number: int, descriptor: int, events: int, now_ns: int) -> None:
        """Read all there is; a stream that has ended comes back."""
        while True:
            try:
                data = os.read(descriptor, _READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._on_end(number)
                return
            self.holdings.counts.received_bytes += len(data)
            if not self._take_in(number, data, now_ns):
                self._come_back(number)
                return
            if len(data) < _READ_BYTES and not events & _GONE:  # nothing is left
                return

    def _on_end(self, number: int) -> None:
        if self._phase[number] == _LIVE:
            self.holdings.counts.ended += 1
        else:
            self.holdings.counts.refused += 1
        self._come_back(number)

    def _take_in(self, number: int, data: bytes, now_ns: int) -> bool:
        """Take what arrived; return whether it was worth it."""
        if self._rests:
            data = self._rests.pop(number, b"") + data
        if self._phase[number] == _HEAD:
            head, end, data = data.partition(_HEAD_END)
            if not end and len(head) < _LONGEST_HEAD_BYTES:
                self._rests[number] = head
                return True
            if not self._accept(number, head, now_ns):
                return False
        if not data:
            return True
        try:
            news, rest = self._telling.read(data)
        except Unreadable:
            self.holdings.counts.garbled += 1
            return False
        if rest:
            self._rests[number] = rest
        for each in news:
            self._take(number, each, now_ns)
        return True

    def _accept(self, number: int, head: bytes, now_ns: int) -> bool:
        """Look at the head of an answer; return whether a stream follows."""
        status = head[9:12]
        if status == b"200" and b"transfer-encoding: chunked" in head.lower():
            self._phase[number] = _BODY
            if self._last_id[number]:
                # What it shows to hold it is not told again: it may be told nothing at all.
                self._begin(number, now_ns)
            return True
        if status.startswith(b"5"):
            self.holdings.counts.unavailable += 1
        elif status.startswith(b"4"):
            self.holdings.counts.denied += 1
        else:
            self.holdings.counts.garbled += 1
        return False

    def _take(self, number: int, news: News, now_ns: int) -> None:
        if news.kind is Kind.LIST and self._phase[number] == _BODY:
            self._begin(number, now_ns)
        if news.event_id:
            self._last_id[number] = news.event_id
        self.holdings.take(number, news, now_ns)

    def _begin(self, number: int, now_ns: int) -> None:
        self._phase[number] = _LIVE
        self._opening -= 1
        self._live += 1
        self._met += not self._was_met[number]
        self._was_met[number] = True
        self.holdings.counts.opened += 1
        self.openings.add_between(self._began_ns[number], now_ns)

    def _close(self, number: int, *, abruptly: bool = True) -> None:
        descriptor = self._descriptor[number]
        if descriptor < 0:
            return
        phase = self._phase[number]
        self._live -= phase == _LIVE
        self._opening -= phase in {_UNSENT, _HEAD, _BODY}
        self._phase[number] = _AWAY
        self._descriptor[number] = -1
        self._rests.pop(number, None)
        del self._by_descriptor[descriptor]
        stream = socket.socket(fileno=descriptor)
        if abruptly:
            # Tens of thousands of TIME_WAIT entries would burden the next run.
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPT)
        stream.close()
