"""How long does a poll wait while Edge writes an event to all its streams?

One keep-alive client polls without a pause, first while nothing else happens and then while events
go out to many streams. Edge is the real one; its Dacha holds the environment.
"""

import argparse
import http.client
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from typing import Self

from bench.baselines.contestant import Contestant, DidNotStart, Entry
from bench.baselines.frame import ENVIRONMENT_ID, SECRET, value_bytes_for
from bench.load.bounds import OutOfBounds, require_bounded, require_descriptors
from bench.load.link import LoadFailed, LoadPlan, open_load
from bench.load.marker import padded_value
from bench.load.percentiles import percentile

MOST_MS = 20.0

_LIFE_SECONDS = 600.0
_PAYLOAD_BYTES = 500
_POLL = f"/features?apiKey={ENVIRONMENT_ID}/{SECRET}"
_OK = 200


class Poller:
    """Polls from a thread of its own, one answer after the other."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._poll)
        self.waits_ms: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._connection.close()

    def _poll(self) -> None:
        while not self._over.is_set():
            start = time.perf_counter()
            self._connection.request("GET", _POLL)
            answer = self._connection.getresponse()
            answer.read()
            if answer.status == _OK:
                self.waits_ms.append((time.perf_counter() - start) * 1e3)


def measure(streams: int, events: int) -> tuple[list[float], list[float]]:
    """Return the waits of polls in milliseconds, in order of size: alone, and meanwhile."""
    size = value_bytes_for(_PAYLOAD_BYTES)
    command = [sys.executable, "-m", "bench.edge_host", "--features", "50"]
    entry = Entry(
        "fh", command, "event: features", lambda number: padded_value(number, size).encode()
    )
    with Contestant(entry) as server:
        with Poller(server.port) as alone:
            time.sleep(1)
        plan = LoadPlan(
            server.host,
            server.port,
            server.path,
            server.ready_mark,
            streams,
            life_seconds=_LIFE_SECONDS,
        )
        meanwhile: list[float] = []
        with open_load(plan) as load:
            load.wait_open()
            for number in range(1, events + 1):
                with Poller(server.port) as poller:
                    load.fan_out(number, lambda: server.publish(number), seconds=60)  # noqa: B023 called at once
                meanwhile += poller.waits_ms
    return sorted(alone.waits_ms), sorted(meanwhile)


def main(words: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.meanwhile", description=__doc__)
    parser.add_argument("--streams", type=int, default=19_000, help="default %(default)s")
    parser.add_argument("--events", type=int, default=5, help="default %(default)s")
    parser.add_argument("--check", action="store_true", help=f"fail above {MOST_MS:g} ms")
    options = parser.parse_args(words)
    try:
        require_bounded(options.streams, _LIFE_SECONDS)
        require_descriptors(options.streams)
        alone, meanwhile = measure(options.streams, options.events)
    except OutOfBounds as refusal:
        print(refusal, file=sys.stderr)
        return 2
    except (DidNotStart, LoadFailed) as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"a poll, {options.streams:,} streams   50 % ms   99 %   100 %")
    for name, waits in (("alone", alone), ("during broadcasts", meanwhile)):
        print(
            f"{name:<26} {statistics.median(waits):>8.1f} {percentile(waits, 99):>6.1f} "
            f"{waits[-1]:>7.1f}   ({len(waits):,} polls)"
        )
    return int(options.check and waits[-1] > MOST_MS)


if __name__ == "__main__":
    sys.exit(main())
