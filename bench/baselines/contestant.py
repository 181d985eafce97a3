"""A server under test: a process of its own, its port, its trigger and what it uses.

Every message to its stdin is one order to publish: on a SEQPACKET socket, so that no contestant
needs a framing of its own, or, for runtimes that don't know those, as a line on a stream. It
prints `port N`, perhaps after other lines, when it serves.
"""

import os
import re
import selectors
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from bench.baselines.frame import STREAM_PATHS
from bench.load.process import family

PREPARE: Final = b"?"
"""In front of an order: to be made ready, not published yet."""

MADE: Final = b"made"
"""The answer to that."""

GO: Final = b"!"
"""The order to publish the oldest that was made ready."""

_ENDING_SECONDS = 10
_ANSWER_SECONDS = 10
_PREPARING_SECONDS = 120
_READ_BYTES = 4_096
_PORT = re.compile(rb"^port (\d+)\r?\n", re.MULTILINE)


class DidNotStart(Exception):
    """The server ended, or did not say its port in time; the text is its own."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How a contestant is started, recognised and triggered.

    `ready_mark` are the first bytes of an open stream; `order` is the message that makes the
    server publish the event of a number. With `user_keys` it evaluates for users of their own.
    One that `prepares` makes events ready ahead, apart from publishing them; one that `reads_lines`
    gets its orders as lines.
    """

    name: str
    command: Sequence[str]
    ready_mark: str
    order: Callable[[int], bytes]
    user_keys: bool = False
    path: str = STREAM_PATHS
    prepares: bool = False
    reads_lines: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


class Contestant:
    """A running server; it ends with the block."""

    def __init__(self, entry: Entry, *, start_seconds: float = 60) -> None:
        self.name = entry.name
        self.host = "127.0.0.1"
        self.path = entry.path
        self.ready_mark = entry.ready_mark
        self.first_number = 1
        self.user_keys = entry.user_keys
        self._entry = entry
        self._made = 0
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 closed in __exit__
        kind = socket.SOCK_STREAM if entry.reads_lines else socket.SOCK_SEQPACKET
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, kind)
        self._orders.settimeout(_PREPARING_SECONDS)
        with theirs:
            self._process = subprocess.Popen(
                entry.command,
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**os.environ, **entry.environment},
            )
        self.pid: int | None = self._process.pid
        try:
            self.port = self._wait_port(time.monotonic() + start_seconds)
        except BaseException:
            self._end()
            raise
        self.pids = family(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def prepare(self, number: int) -> None:
        """Have event `number` made ready; events are published in the order of their making."""
        if self._entry.prepares:
            self._orders.sendall(PREPARE + self._entry.order(number))
            self._orders.recv(_READ_BYTES)
            self._made += 1

    def publish(self, number: int) -> int:
        """Order the server to publish event `number`; return the instant in monotonic ns."""
        order = GO if self._made else self._entry.order(number)
        self._made = max(0, self._made - 1)
        instant_ns = time.monotonic_ns()
        self._orders.sendall(order + b"\n" if self._entry.reads_lines else order)
        return instant_ns

    def ask(self, question: bytes) -> bytes:
        """Return what the server answers on its stdin, which is a socket."""
        self._orders.settimeout(_ANSWER_SECONDS)
        self._orders.send(question)
        return self._orders.recv(_READ_BYTES)

    def complaints(self) -> str:
        """Return what the server wrote to stderr."""
        self._errors.flush()
        self._errors.seek(0)
        return self._errors.read().strip()

    def _wait_port(self, deadline: float) -> int:
        assert self._process.stdout
        said = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                data = os.read(self._process.stdout.fileno(), _READ_BYTES)
                if not data:
                    self._process.wait(_ENDING_SECONDS)
                    raise DidNotStart(self.complaints() or "it ended without a word")
                said += data
                if found := _PORT.search(said):
                    return int(found[1])
        raise DidNotStart("it did not say its port in time")

    def _end(self) -> None:
        self._orders.close()
        try:
            self._process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()
        self._errors.close()
