"""What does TLS cost, and what HTTP/2? The same Edge, the same events, on different bearers.

Each bearer has a process of its own, so that memory is not shared among them; rounds take turns,
so that what the machine does meanwhile hits all alike. The certificate is made with openssl's
command and has a key on P-256.
"""

import argparse
import select
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Self

from bench.baselines.contestant import Contestant, Entry
from bench.baselines.frame import STREAM_PATH, value_bytes_for
from bench.load.bearers import Http1Link, Http2Link, Link
from bench.load.bounds import OutOfBounds, require_bounded, require_descriptors
from bench.load.marker import marker_text, padded_value
from bench.load.process import process_memory, processor_ns

_READY = b"event: features\n"
_WAIT_SECONDS = 60
_OPENING_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Bearer:
    """A way to carry streams: so many of them on each connection."""

    name: str
    streams_per_link: int
    connect: Callable[[Contestant], Link]


@dataclass(slots=True)
class Trial:
    """One Edge whose clients all use one bearer; ends with the block."""

    bearer: Bearer
    server: Contestant
    links: list[Link] = field(default_factory=list)
    memory_bytes: float = 0.0
    opening_us: float = 0.0
    delivery_us: list[float] = field(default_factory=list)
    middle_ms: list[float] = field(default_factory=list)
    last_ms: list[float] = field(default_factory=list)
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
        for link in self.links:
            link.close()
        self._poll.close()

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self.links) * self.bearer.streams_per_link

    def open(self, count: int) -> None:
        """Open about `count` streams; see what each takes of the server.

        Raises:
            TimeoutError: not all of them got their features in time.
        """
        assert self.server.pid is not None
        before = process_memory(self.server.pid).resident_bytes
        used_ns = processor_ns(self.server.pid)
        links = max(1, count // self.bearer.streams_per_link)
        for start in range(0, links, _OPENING_AT_ONCE):
            opened = [self._connect() for _ in range(min(_OPENING_AT_ONCE, links - start))]
            self._await(opened)
        self.opening_us = (processor_ns(self.server.pid) - used_ns) / 1e3 / self.streams
        after = process_memory(self.server.pid).resident_bytes
        self.memory_bytes = (after - before) / self.streams

    def play(self, events: int) -> None:
        """Publish events, each when the one before has arrived everywhere.

        Raises:
            TimeoutError: one did not arrive everywhere in time.
        """
        assert self.server.pid is not None
        for _ in range(events):
            self._number += 1
            for link in self.links:
                link.expect(marker_text(self._number).encode())
            used_ns = processor_ns(self.server.pid)
            published_ns = self.server.publish(self._number)
            stamps = self._await(self.links)
            used_ns = processor_ns(self.server.pid) - used_ns
            self.delivery_us.append(used_ns / 1e3 / self.streams)
            self.middle_ms.append((median(stamps) - published_ns) / 1e6)
            self.last_ms.append((max(stamps) - published_ns) / 1e6)

    def _connect(self) -> Link:
        link = self.bearer.connect(self.server)
        link.expect(_READY)
        self.links.append(link)
        self._poll.register(link.fileno(), select.EPOLLIN)
        return link

    def _await(self, links: Sequence[Link]) -> list[int]:
        """Return when each stream of `links` had what it expects, in monotonic nanoseconds."""
        by_descriptor = {link.fileno(): link for link in links}
        missing = len(links) * self.bearer.streams_per_link
        stamps: list[int] = []
        deadline = time.monotonic() + _WAIT_SECONDS
        # What TLS has decrypted already is not reported by the kernel any more.
        ready = list(by_descriptor)
        while missing:
            for descriptor in ready:
                if link := by_descriptor.get(descriptor):
                    seen = link.read()
                    missing -= seen
                    stamps += [time.monotonic_ns()] * seen
            if missing:
                reported = self._poll.poll(max(0.0, deadline - time.monotonic()))
                if not reported:
                    raise TimeoutError(f"{missing} streams over {self.bearer.name} still wait")
                ready = [descriptor for descriptor, _ in reported]
        return stamps


def main(words: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.bearers",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
    )
    parser.add_argument("--streams", type=int, default=1000, help="of each kind (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds in turns (%(default)s)")
    parser.add_argument("--events", type=int, default=10, help="events a round (%(default)s)")
    parser.add_argument("--payload-bytes", type=int, default=500, help="of an event (%(default)s)")
    options = parser.parse_args(words)
    if shutil.which("openssl") is None:
        print("there is no openssl to make a certificate with", file=sys.stderr)
        return 2
    try:
        require_bounded(options.streams, _WAIT_SECONDS)
        require_descriptors(3 * options.streams)
    except OutOfBounds as refusal:
        print(refusal, file=sys.stderr)
        return 2
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        certificate, key = _certificate(directory)
        command = [sys.executable, "-m", "bench.secure_host", str(certificate), str(key)]
        trials = []
        for bearer in _bearers(certificate):
            server = stack.enter_context(
                Contestant(_entry(bearer.name, command, options.payload_bytes))
            )
            trials.append(stack.enter_context(Trial(bearer, server)))
        for trial in trials:
            trial.open(options.streams)
        for _ in range(options.rounds):
            for trial in trials:
                trial.play(options.events)
        _report(trials, options.streams, options.payload_bytes)
    return 0


def _report(trials: Sequence[Trial], streams: int, payload_bytes: int) -> None:
    print(f"{streams:,} streams of each kind, events of {payload_bytes:,} bytes")
    print(f"{'':<22} KiB each   µs to open   µs a delivery   middle one   last one (medians)")
    for trial in trials:
        print(
            f"{trial.bearer.name:<22} {trial.memory_bytes / 1024:>8.1f} {trial.opening_us:>12.0f} "
            f"{median(trial.delivery_us):>15.1f} {median(trial.middle_ms):>9.1f} ms "
            f"{median(trial.last_ms):>7.1f} ms"
        )


def _bearers(certificate: Path) -> Sequence[Bearer]:
    def context(protocol: str) -> ssl.SSLContext:
        trusting = ssl.create_default_context(cafile=str(certificate))
        trusting.set_alpn_protocols([protocol])
        return trusting

    http1, http2 = context("http/1.1"), context("h2")

    def plain(server: Contestant) -> Link:
        return Http1Link(server.host, server.port, STREAM_PATH, None)

    def over_tls(server: Contestant) -> Link:
        return Http1Link(server.host, server.port, STREAM_PATH, http1)

    def over_http2(streams: int) -> Callable[[Contestant], Link]:
        return lambda server: Http2Link(
            server.host, server.port, STREAM_PATH, http2, streams=streams
        )

    return (
        Bearer("HTTP/1.1", 1, plain),
        Bearer("HTTP/1.1 over TLS", 1, over_tls),
        Bearer("HTTP/2 over TLS", 1, over_http2(1)),
        Bearer("HTTP/2, 50 together", 50, over_http2(50)),
    )


def _entry(name: str, command: Sequence[str], payload_bytes: int) -> Entry:
    value_bytes = value_bytes_for(payload_bytes)
    return Entry(
        name,
        command,
        _READY.decode(),
        lambda number: padded_value(number, value_bytes).encode(),
    )


def _certificate(directory: Path) -> tuple[Path, Path]:
    certificate, key = directory / "bench.crt", directory / "bench.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-addext", "subjectAltName=DNS:localhost"),
            *("-out", str(certificate), "-keyout", str(key)),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    return certificate, key


if __name__ == "__main__":
    sys.exit(main())
