"""What happens when everybody comes back at once, as after a restart of the network between?

The product's workers hold streams that have everything; then all clients leave and come back in
the same moment, and each is owed the whole environment. Memory is that of all the server's
processes, without the part that they share, and the kernel's for sockets; the clients are on the
same machine, and so what they have not read yet is part of it.
"""

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from msgspec.structs import replace

from bench.baselines.contestant import Contestant, DidNotStart, Entry
from bench.baselines.frame import ENVIRONMENT_ID, SECRET
from bench.command import conclude, refusals, with_output
from bench.deployment.process import family_of
from bench.load.bounds import require_bounded, require_descriptors
from bench.load.herd import Came, HerdLost, HerdTarget, learn_last_event_id
from bench.load.herd_clients import (
    ComeBack,
    HerdClients,
    HerdPlan,
    PollUnknownKeys,
    Settle,
    open_herd_clients,
)
from bench.load.percentiles import percentile
from bench.load.process import KernelMemory, kernel_memory, process_memory, processor_ns
from bench.load.refused_polls import NotRefused, RefusedPolls
from bench.result import Better, Cell, Column, Row, Target, begin_result

MOST_SHARE: Final = 30.0
MOST_SECONDS: Final = 30.0
LEAST_REFUSALS_A_SECOND: Final = 50_000.0
_LOOK_SECONDS: Final = 0.25
_SETTLING_SECONDS: Final = 1.0
_WARM_UP_SECONDS: Final = 1.0
_BAD_KEYS: Final = 16
_MIB: Final = 1024 * 1024

COLUMNS: Final = (
    Column("served", "streams that have their features again", better=Better.HIGHER),
    Column("seconds", "until the last has them", "s", Better.LOWER, 1),
    Column("50 %", "until half of all have them", "s", Better.LOWER, 1),
    Column("CPU", "processor time of the server's processes for all that", "s", Better.LOWER, 1),
    Column("connects/s", "connections made a second, until all were", better=Better.HIGHER),
    Column("turned away", "answered 503; they come back when told to", better=Better.LOWER),
    Column("ended early", "ended before they had their features", better=Better.LOWER),
    Column("before", "the server's memory before, with the kernel's for sockets", "MiB"),
    Column("on top", "what the herd added at most", "MiB", Better.LOWER, 1),
    Column("in sockets", "how much of that was on its way", "MiB", Better.LOWER, 1),
    Column("share", "that, as a share of what was before", "%", Better.LOWER, 1),
    Column("refused polls/s", "polls with unknown keys, refused", better=Better.HIGHER),
    Column("questions", "what those had MR asked", better=Better.LOWER),
)


@dataclass(frozen=True, slots=True)
class _Memory:
    processes_bytes: int
    kernel: KernelMemory

    @classmethod
    def now(cls, pids: list[int]) -> "_Memory":
        return cls(sum(process_memory(pid).proportional_bytes for pid in pids), kernel_memory())

    def on_top_of(self, earlier: "_Memory") -> tuple[int, int]:
        """Return the bytes that came, and how many of them are what waits in sockets.

        As many sockets are open as were; the kernel's other memory would be that of others, too.
        """
        processes_bytes = self.processes_bytes - earlier.processes_bytes
        buffers_bytes = self.kernel.socket_buffer_bytes - earlier.kernel.socket_buffer_bytes
        return processes_bytes + buffers_bytes, buffers_bytes


@click.command()
@click.option("--streams", type=click.IntRange(1), default=20_000, show_default=True)
@click.option(
    "--payload-kb",
    type=click.IntRange(1, 16 * 1024),
    default=1024,
    show_default=True,
    help="Weight of the environment.",
)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
@click.option("--load-processes", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option(
    "--patience-seconds",
    type=click.FloatRange(1, 1800),
    default=180,
    show_default=True,
    help="Until whoever has no features yet is lost.",
)
@click.option(
    "--bad-key-seconds",
    type=click.FloatRange(0, 60),
    default=3,
    show_default=True,
    help="How long to poll with unknown keys; 0 for not at all.",
)
@with_output
def command(
    *,
    streams: int,
    payload_kb: int,
    workers: int,
    load_processes: int,
    patience_seconds: float,
    bad_key_seconds: float,
    json_file: Path | None,
    html_file: Path | None,
    check: bool,
) -> None:
    """Drop all streams of an Edge at once: until when do they have their features, at what cost?

    Then poll it with keys that nobody knows, and count what MR is asked.

    \b
    Examples:
      fh bench herd --streams 2000 --payload-kb 64
      fh bench herd --check --json herd.json
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    with refusals(), ExitStack() as stack:
        life_seconds = 2 * patience_seconds + bad_key_seconds + 120
        require_bounded(streams, life_seconds)
        require_descriptors(streams, processes=min(workers, load_processes))
        result = begin_result(
            "herd",
            "what happens when everybody comes back at once?",
            options={"streams": streams, "payload_kb": payload_kb, "workers": workers},
            columns=COLUMNS,
        )
        host = [sys.executable, "-m", "bench.herd_host", "--workers", str(workers)]
        host += ["--payload-kb", str(payload_kb)]
        try:
            server = stack.enter_context(Contestant(Entry("fh", host, "", _no_order)))
            path = f"/features/{ENVIRONMENT_ID}/{SECRET}"
            target = HerdTarget(server.host, server.port, path)
            plan = HerdPlan(target, streams, load_processes, life_seconds)
            clients = stack.enter_context(open_herd_clients(plan))
            cells, remarks = _herd(server, target, clients, patience_seconds)
            if bad_key_seconds:
                cells |= _bad_keys(server, clients, bad_key_seconds)
        except (HerdLost, NotRefused, DidNotStart) as failure:
            print(failure, file=sys.stderr)
            sys.exit(1)
    conclude(
        replace(result, rows=(Row("fh", cells),), targets=tuple(_targets(cells)), remarks=remarks),
        json_file=json_file,
        html_file=html_file,
        check=check,
    )


def _no_order(_number: int) -> bytes:
    raise AssertionError("nothing is published here")


def _herd(
    server: Contestant, target: HerdTarget, clients: HerdClients, patience_seconds: float
) -> tuple[dict[str, Cell], tuple[str, ...]]:
    """Open the streams, have all come back, and return the figures and what to read them with."""
    assert server.pid is not None
    pids = family_of(server.pid)
    # What was encoded once is no stream's.
    last_event_id = learn_last_event_id(target)
    empty = _Memory.now(pids)
    clients.begin(Settle(last_event_id, patience_seconds))
    clients.reports()
    time.sleep(_SETTLING_SECONDS)
    before = _Memory.now(pids)
    before_bytes = before.processes_bytes + before.kernel.since(empty.kernel)
    peak_bytes = buffers_bytes = 0
    start_ns = sum(map(processor_ns, pids))
    clients.begin(ComeBack(patience_seconds))
    while not clients.are_done:
        peak_bytes, buffers_bytes = max(
            (peak_bytes, buffers_bytes), _Memory.now(pids).on_top_of(before)
        )
        time.sleep(_LOOK_SECONDS)
    came = [report for report in clients.reports() if isinstance(report, Came)]
    served = sorted(seconds for each in came for seconds in each.served_seconds)
    cells: dict[str, Cell] = {
        "served": len(served),
        "seconds": served[-1],
        "50 %": percentile(served, 50),
        "CPU": (sum(map(processor_ns, pids)) - start_ns) / 1e9,
        "connects/s": len(served) / max(each.connected_seconds for each in came),
        "turned away": sum(each.turned_away for each in came),
        "ended early": sum(each.ended_early for each in came),
        "before": before_bytes / _MIB,
        "on top": peak_bytes / _MIB,
        "in sockets": buffers_bytes / _MIB,
        "share": 100 * peak_bytes / before_bytes,
    }
    busy = max(each.processor_seconds for each in came) / served[-1]
    gigabytes = sum(each.received_bytes for each in came) / 1e9
    remark = f"{gigabytes:.1f} GB were received; the load was busy {busy:.0%} of the time"
    return cells, (remark,)


def _bad_keys(server: Contestant, clients: HerdClients, seconds: float) -> dict[str, Cell]:
    """Poll with keys that nobody knows, and return how often, and what MR was asked for that."""
    keys = tuple(f"{ENVIRONMENT_ID}/{'unknown' * 6}{number}" for number in range(_BAD_KEYS))

    def poll(for_seconds: float) -> list[RefusedPolls]:
        clients.begin(PollUnknownKeys(keys, connections=8, depth=8, seconds=for_seconds))
        return [report for report in clients.reports() if isinstance(report, RefusedPolls)]

    # Each worker asks once for each: from then on they are known to be unknown.
    poll(_WARM_UP_SECONDS)
    before = int(server.ask(b"questions"))
    refused = poll(seconds)
    return {
        "refused polls/s": sum(each.polls / each.seconds for each in refused),
        "questions": int(server.ask(b"questions")) - before,
    }


def _targets(cells: dict[str, Cell]) -> list[Target]:
    def measured(name: str) -> float | None:
        cell = cells.get(name)
        return float(cell) if isinstance(cell, int | float) else None

    return [
        Target("seconds until everybody is served", measured("seconds"), MOST_SECONDS),
        Target("memory on top, in percent of what was before", measured("share"), MOST_SHARE),
        Target(
            "polls with unknown keys a second",
            measured("refused polls/s"),
            LEAST_REFUSALS_A_SECOND,
            at_least=True,
        ),
        Target("what those cost MR, in questions", measured("questions"), 0),
    ]


if __name__ == "__main__":
    command()
