"""What does a WebSocket cost beside a stream over SSE? The same Edge, the same events.

Each kind has a process of its own, so that memory is not shared among them; rounds take turns, so
that what the machine does meanwhile hits both alike.
"""

import argparse
import select
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from types import TracebackType
from typing import Self

from bench.baselines.contestant import Contestant, Entry
from bench.baselines.frame import ENVIRONMENT_ID, SECRET, STREAM_PATH, value_bytes_for
from bench.load.bounds import OutOfBounds, require_bounded, require_descriptors
from bench.load.marker import marker_text, padded_value
from bench.load.process import process_memory, processor_ns

_READ_BYTES = 65_536
_WAIT_SECONDS = 30
_OPENING_AT_ONCE = 64
_UPGRADE = (
    "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to be told, what is asked for it, and what its first features begin with."""

    name: str
    head: bytes
    ready_mark: bytes


SSE = Kind("SSE", f"GET {STREAM_PATH} HTTP/1.1\r\nhost: x\r\n\r\n".encode(), b"event: features\n")
WEBSOCKET = Kind(
    "WebSocket",
    f"GET /features/ws/{ENVIRONMENT_ID}/{SECRET} HTTP/1.1\r\nhost: x\r\n{_UPGRADE}\r\n".encode(),
    b'"event":"features"',
)


@dataclass(slots=True)
class Trial:
    """One Edge with clients of one kind; ends with the block."""

    kind: Kind
    server: Contestant
    clients: list[socket.socket] = field(default_factory=list)
    memory_bytes: float = 0.0
    delivery_us: list[float] = field(default_factory=list)
    last_ms: list[float] = field(default_factory=list)
    middle_ms: list[float] = field(default_factory=list)
    _poll: select.epoll = field(default_factory=select.epoll)
    _number: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client in self.clients:
            client.close()
        self._poll.close()

    def open(self, count: int) -> None:
        """Open `count` streams and see what memory each takes of the server.

        Raises:
            TimeoutError: not all of them got their features in time.
        """
        assert self.server.pid is not None
        before = process_memory(self.server.pid).resident_bytes
        for start in range(0, count, _OPENING_AT_ONCE):
            opened = [self._connect() for _ in range(min(_OPENING_AT_ONCE, count - start))]
            self._await(opened, self.kind.ready_mark)
        after = process_memory(self.server.pid).resident_bytes
        self.memory_bytes = (after - before) / count

    def play(self, events: int) -> None:
        """Publish events, each when the one before has arrived everywhere.

        Raises:
            TimeoutError: one did not arrive everywhere in time.
        """
        assert self.server.pid is not None
        for _ in range(events):
            self._number += 1
            used_ns = processor_ns(self.server.pid)
            published_ns = self.server.publish(self._number)
            stamps = self._await(self.clients, marker_text(self._number).encode())
            used_ns = processor_ns(self.server.pid) - used_ns
            self.delivery_us.append(used_ns / 1e3 / len(self.clients))
            self.middle_ms.append((median(stamps) - published_ns) / 1e6)
            self.last_ms.append((max(stamps) - published_ns) / 1e6)

    def _connect(self) -> socket.socket:
        client = socket.create_connection((self.server.host, self.server.port))
        client.sendall(self.kind.head)
        client.settimeout(0)
        self.clients.append(client)
        self._poll.register(client, select.EPOLLIN)
        return client

    def _await(self, clients: Sequence[socket.socket], mark: bytes) -> list[int]:
        """Return when `mark` had arrived at each client, in monotonic nanoseconds."""
        waiting = {client.fileno(): client for client in clients}
        seen = dict.fromkeys(waiting, b"")
        stamps: list[int] = []
        deadline = time.monotonic() + _WAIT_SECONDS
        while waiting:
            ready = self._poll.poll(max(0.0, deadline - time.monotonic()))
            now_ns = time.monotonic_ns()
            if not ready:
                raise TimeoutError(f"{len(waiting)} {self.kind.name} clients still wait")
            for descriptor, _ in ready:
                if descriptor not in waiting:
                    continue
                seen[descriptor] += waiting[descriptor].recv(_READ_BYTES)
                if mark in seen[descriptor]:
                    stamps.append(now_ns)
                    del waiting[descriptor]
        return stamps


def main(words: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.sockets", description=__doc__)
    parser.add_argument("--streams", type=int, default=1000, help="of each kind (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds in turns (%(default)s)")
    parser.add_argument("--events", type=int, default=10, help="events a round (%(default)s)")
    parser.add_argument("--payload-bytes", type=int, default=500, help="of an event (%(default)s)")
    options = parser.parse_args(words)
    try:
        require_bounded(options.streams, _WAIT_SECONDS)
        require_descriptors(2 * options.streams)
    except OutOfBounds as refusal:
        print(refusal, file=sys.stderr)
        return 2
    value_bytes = value_bytes_for(options.payload_bytes)

    def entry(kind: Kind) -> Entry:
        return Entry(
            kind.name,
            [sys.executable, "-m", "bench.edge_host"],
            kind.ready_mark.decode(),
            lambda number: padded_value(number, value_bytes).encode(),
        )

    with (
        Contestant(entry(SSE)) as plain,
        Contestant(entry(WEBSOCKET)) as upgraded,
        Trial(SSE, plain) as streams,
        Trial(WEBSOCKET, upgraded) as sockets,
    ):
        trials = (streams, sockets)
        for trial in trials:
            trial.open(options.streams)
        for _ in range(options.rounds):
            for trial in trials:
                trial.play(options.events)
        print(f"{options.streams:,} of each, events of {options.payload_bytes:,} bytes")
        print("           KiB each   µs a delivery   middle one   last one (medians)")
        for trial in trials:
            print(
                f"{trial.kind.name:<10} {trial.memory_bytes / 1024:>8.1f} "
                f"{median(trial.delivery_us):>15.1f} {median(trial.middle_ms):>9.1f} ms "
                f"{median(trial.last_ms):>7.1f} ms"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
