"""Streams that all leave and come back at once, and are content when they have their features.

One epoll in each process. What a stream brings is counted, not kept: the features begin with a
chunk that says how long they are. Whoever is turned away comes back when it was told to.
"""

import errno
import heapq
import os
import re
import select
import socket
import time
from dataclasses import dataclass, field
from typing import Final

from bench.load.bounds import source_address

_READ_BYTES: Final = 256 * 1024
_BATCH: Final = 256
_IP_BIND_ADDRESS_NO_PORT: Final = 24  # absent from the socket module before Python 3.14
_INTEREST: Final = select.EPOLLIN | select.EPOLLRDHUP
_RECEIVE_BUFFER_BYTES: Final = 64 * 1024
"""On this machine what a client has not read yet is in the same kernel's memory as the server's.

Less than the loopback's segments of 64 KB would have every window wait for a timer.
"""

_FEATURES: Final = re.compile(rb"([0-9a-f]+)\r\n(event: features\nid: ([^\n]*)\n)")
_HEADER: Final = re.compile(rb"\r\nretry-after: (\d+)", re.IGNORECASE)
_OK: Final = b"HTTP/1.1 200"
_UNAVAILABLE: Final = b"HTTP/1.1 503"
_ENDED_PAUSE_SECONDS: Final = 1.0
_LONGEST_START_BYTES: Final = 8192


class HerdLost(Exception):
    """A stream was answered what it never should be, or was not served in time."""


@dataclass(frozen=True, slots=True)
class HerdTarget:
    """Where the herd goes; `path` has the SDK key in it."""

    address: str
    port: int
    path: str

    def head(self, last_event_id: str = "") -> bytes:
        """Return the request of a stream; one that holds everything says so."""
        held = f"last-event-id: {last_event_id}\r\n" if last_event_id else ""
        return (
            f"GET {self.path} HTTP/1.1\r\nhost: bench\r\naccept: text/event-stream\r\n{held}\r\n"
        ).encode()


@dataclass(slots=True)
class Came:
    """How a herd fared: `served_seconds` are those from the start to each one's last byte."""

    served_seconds: list[float] = field(default_factory=list)
    turned_away: int = 0
    ended_early: int = 0
    connected_seconds: float = 0.0
    received_bytes: int = 0
    processor_seconds: float = 0.0


@dataclass(slots=True)
class _Stream:
    index: int
    stream: socket.socket
    started: bytes = b""  # until the length of the features is known
    missing_bytes: int = -1


def learn_last_event_id(target: HerdTarget) -> str:
    """Return the id of the features that a stream is sent.

    Raises:
        HerdLost: there are none.
    """
    with socket.create_connection((target.address, target.port), timeout=10) as stream:
        stream.sendall(target.head())
        seen = b""
        while not (found := _FEATURES.search(seen)):
            data = stream.recv(_READ_BYTES)
            if not data or len(seen) > _LONGEST_START_BYTES:
                raise HerdLost(f"no features begin with {seen[:200]!r}")
            seen += data
    return found[3].decode()


class Herd:
    """The streams of one process; closed with `close`."""

    def __init__(self, target: HerdTarget, *, first_index: int = 0) -> None:
        self._target = target
        self._first_index = first_index
        self._epoll = select.epoll()
        self._streams: dict[int, _Stream] = {}
        self._unconnected: set[int] = set()
        self._buffer = bytearray(_READ_BYTES)
        self._due: list[tuple[float, int]] = []
        self._head = b""

    def settle(self, count: int, last_event_id: str, *, window: int, deadline: float) -> None:
        """Open `count` streams that hold everything already; return when all are answered.

        Raises:
            HerdLost: one was not, by `deadline` in monotonic seconds.
        """
        self._head = self._target.head(last_event_id)
        begun = 0
        waiting: set[int] = set()
        while begun < count or waiting:
            while begun < count and len(waiting) < window:
                waiting.add(self._begin(self._first_index + begun))
                begun += 1
            left = deadline - time.monotonic()
            if left <= 0:
                raise HerdLost(f"{len(waiting) + count - begun:,} of {count:,} were not answered")
            for descriptor, events in self._epoll.poll(left, _BATCH):
                if self._sent(descriptor, events):
                    data = self._streams[descriptor].stream.recv(_LONGEST_START_BYTES)
                    if not data.startswith(_OK):
                        raise HerdLost(f"the server answered {data[:200]!r}")
                    waiting.discard(descriptor)

    def come_back(self, *, deadline: float) -> Came:
        """Close every stream and open it again at once; return when all have their features.

        Raises:
            HerdLost: one had not, by `deadline` in monotonic seconds.
        """
        came = Came()
        indexes = [stream.index for stream in self._streams.values()]
        for descriptor in tuple(self._streams):
            self._forget(descriptor)
        self._head = self._target.head()
        start, processor_start = time.monotonic(), time.process_time()
        for index in indexes:
            self._begin(index)
        while len(came.served_seconds) < len(indexes):
            now = time.monotonic()
            if now >= deadline:
                missing = len(indexes) - len(came.served_seconds)
                raise HerdLost(f"{missing:,} of {len(indexes):,} streams had no features in time")
            while self._due and self._due[0][0] <= now:
                self._begin(heapq.heappop(self._due)[1])
            until = min(deadline, self._due[0][0]) if self._due else deadline
            for descriptor, events in self._epoll.poll(max(0.0, until - now), _BATCH):
                if self._sent(descriptor, events):
                    self._read(descriptor, came, start)
            if not came.connected_seconds and not self._unconnected:
                came.connected_seconds = time.monotonic() - start
        came.processor_seconds = time.process_time() - processor_start
        return came

    def close(self) -> None:
        """Close every stream."""
        for descriptor in tuple(self._streams):
            self._forget(descriptor)
        self._epoll.close()

    def _begin(self, index: int) -> int:
        target = self._target
        family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
        stream = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        # Leaving is abrupt: tens of thousands of TIME_WAIT entries would burden the next run.
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        if source := source_address(target.address, index):
            stream.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            stream.bind((source, 0))
        status = stream.connect_ex((target.address, target.port))
        if status not in {0, errno.EINPROGRESS}:
            stream.close()
            raise HerdLost(f"connect: {os.strerror(status)}")
        descriptor = stream.fileno()
        self._streams[descriptor] = _Stream(index, stream)
        self._unconnected.add(descriptor)
        self._epoll.register(descriptor, select.EPOLLOUT)
        return descriptor

    def _sent(self, descriptor: int, events: int) -> bool:
        """Send the request of a stream that is connected by now; return whether it was before."""
        if descriptor not in self._unconnected:
            return True
        stream = self._streams[descriptor].stream
        if status := stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise HerdLost(f"connect: {os.strerror(status)}")
        if events & select.EPOLLOUT:
            # It fits into an empty send buffer as a whole.
            stream.send(self._head)
            self._unconnected.remove(descriptor)
            self._epoll.modify(descriptor, _INTEREST)
        return False

    def _read(self, descriptor: int, came: Came, start: float) -> None:
        stream = self._streams[descriptor]
        try:
            if stream.missing_bytes < 0:
                data = stream.stream.recv(_LONGEST_START_BYTES)
                count = len(data)
                stream.started += data
                self._look_for_features(stream)
            else:
                # Counted, not looked at, and so not copied out of the kernel.
                count = stream.stream.recv_into(self._buffer, _READ_BYTES, socket.MSG_TRUNC)
                if not stream.missing_bytes:
                    if not count:
                        self._forget(descriptor)
                    return
                stream.missing_bytes = max(0, stream.missing_bytes - count)
        except BlockingIOError:
            return
        except ConnectionError:
            count = 0
        came.received_bytes += count
        if stream.missing_bytes == 0:
            came.served_seconds.append(time.monotonic() - start)
            stream.started = b""
        elif not count:
            self._come_later(descriptor, came)

    def _look_for_features(self, stream: _Stream) -> None:
        started = stream.started
        if not started.startswith((_OK[: len(started)], _UNAVAILABLE[: len(started)])):
            raise HerdLost(f"the server answered {started[:200]!r}")
        if found := _FEATURES.search(started):
            size = int(found[1], 16) + len(b"\r\n")
            stream.missing_bytes = max(0, size - (len(started) - found.start(2)))
        elif b"event: failure" in started or len(started) > 2 * _LONGEST_START_BYTES:
            raise HerdLost(f"the server refuses the key: {started[:200]!r}")

    def _come_later(self, descriptor: int, came: Came) -> None:
        stream = self._streams[descriptor]
        pause_seconds = _ENDED_PAUSE_SECONDS
        if stream.started.startswith(_UNAVAILABLE):
            came.turned_away += 1
            found = _HEADER.search(stream.started)
            pause_seconds = float(found[1]) if found else pause_seconds
        else:
            came.ended_early += 1
        heapq.heappush(self._due, (time.monotonic() + pause_seconds, stream.index))
        self._forget(descriptor)

    def _forget(self, descriptor: int) -> None:
        self._unconnected.discard(descriptor)
        self._streams.pop(descriptor).stream.close()
