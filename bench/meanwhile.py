"""How long does a poll wait while Edge writes an event to all its streams?

One keep-alive client polls without a pause, first while nothing else happens and then while events
go out to many streams. Edge is the real one; its Dacha holds the environment.
"""

import http.client
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import click
import msgspec

from bench.baselines.contestant import Contestant, DidNotStart, Entry
from bench.baselines.frame import ENVIRONMENT_ID, SECRET, value_bytes_for
from bench.command import FAILED, conclude, refusals, with_output
from bench.load.bounds import require_bounded, require_descriptors
from bench.load.link import LoadFailed, LoadPlan, open_load
from bench.load.marker import padded_value
from bench.load.percentiles import percentile
from bench.result import Better, Column, Result, Row, Target, begin_result

MOST_MS: Final = 20.0
COLUMNS: Final = (
    Column("50 %", "how long half of the polls waited", "ms", Better.LOWER, 1),
    Column("99 %", "the same, 99 of 100 polls", "ms", Better.LOWER, 1),
    Column("100 %", "the same, all of them", "ms", Better.LOWER, 1),
    Column("polls", "polls that were answered with 200"),
)

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
    """Return the waits of polls in milliseconds, in order of size: alone, and meanwhile.

    Raises:
        DidNotStart: Edge did not.
        LoadFailed: the streams did not open, or no poll was answered.
    """
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
    if not alone.waits_ms or not meanwhile:
        raise LoadFailed("no poll was answered")
    return sorted(alone.waits_ms), sorted(meanwhile)


def as_result(
    streams: int, events: int, alone: Sequence[float], meanwhile: Sequence[float]
) -> Result:
    """Return the result; waits are in milliseconds, in order of size."""
    begun = begin_result(
        "meanwhile",
        "how long does a poll wait during a broadcast?",
        options={"streams": streams, "events": events, "payload_bytes": _PAYLOAD_BYTES},
        columns=COLUMNS,
    )
    rows = (_row("alone", alone), _row("during broadcasts", meanwhile))
    longest = Target("the longest wait of a poll during broadcasts, ms", meanwhile[-1], MOST_MS)
    return msgspec.structs.replace(begun, rows=rows, targets=(longest,))


def _row(name: str, waits: Sequence[float]) -> Row:
    return Row(
        name,
        {
            "50 %": statistics.median(waits),
            "99 %": percentile(waits, 99),
            "100 %": waits[-1],
            "polls": len(waits),
        },
    )


@click.command("meanwhile")
@click.option(
    "--streams",
    type=click.IntRange(1),
    default=19_000,
    show_default=True,
    help="Streams that every event goes to.",
)
@click.option(
    "--events", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Broadcasts."
)
@with_output
def command(
    streams: int, events: int, json_file: Path | None, html_file: Path | None, *, check: bool
) -> None:
    """How long does a poll wait while Edge writes an event to all its streams?

    One keep-alive client polls 50 features without a pause, first while nothing else happens, then
    while events go out to many streams of the same process.

    \b
    Examples:
      fh bench meanwhile
      fh bench meanwhile --streams 5000 --events 5 --check
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    with refusals():
        require_bounded(streams, _LIFE_SECONDS)
        require_descriptors(streams)
    try:
        alone, meanwhile = measure(streams, events)
    except (DidNotStart, LoadFailed) as failure:
        click.echo(failure, err=True)
        sys.exit(FAILED)
    result = as_result(streams, events, alone, meanwhile)
    conclude(result, json_file=json_file, html_file=html_file, check=check)
