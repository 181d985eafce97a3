"""What a server's processes use, second by second."""

import os
import urllib.request
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import trio

from bench.deployment.process import RoleProgram
from bench.live.server import LiveServer
from bench.load.process import processor_ns

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_SECONDS: Final = 1.0
_WORKER: Final = "fh.roles.edge_worker"
_METRICS: Final = {
    "streams": "edge_sse_active_connections",
    "slow": "edge_slow_connections",
    "evicted": "edge_evicted_total",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment; None where the server does not tell.

    Attributes:
        at: Seconds since the first sample.
        resident_bytes: Of each program, its processes together; what they share counts for each.
        descriptors: Of each program, its processes together: open files and sockets.
        processor_seconds: Of all processes that live, since their start.
        streams: Streams that the server says are open.
        slow: Connections with bytes that wait for their client.
        evicted: Clients given up as too slow, since the start.
        load: What else was told by `figure`, such as the streams that the load client has open.
    """

    at: float
    resident_bytes: Mapping[str, int]
    descriptors: Mapping[str, int]
    processor_seconds: float
    streams: float | None
    slow: float | None
    evicted: float | None
    load: float


@dataclass(slots=True)
class Samples:
    """What was seen so far."""

    taken: list[Sample] = field(default_factory=list)

    def settled(self) -> list[Sample]:
        """Return those after the first fifth: until then caches fill and pools grow."""
        return self.taken[len(self.taken) // 5 :]


@asynccontextmanager
async def sampling(server: LiveServer, figure: Callable[[], float]) -> AsyncIterator[Samples]:
    """Take a sample of the server each second, as long as the block lasts."""
    samples = Samples()
    began = trio.current_time()

    async def go_on() -> None:
        while True:
            at = trio.current_time() - began
            load = figure()
            taken = await trio.to_thread.run_sync(take_sample, server, at, load)
            samples.taken.append(taken)
            await trio.sleep_until(began + len(samples.taken) * _SECONDS)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(go_on)
        try:
            yield samples
        finally:
            nursery.cancel_scope.cancel()


def take_sample(server: LiveServer, at: float, load: float = 0.0) -> Sample:
    """Return what the server uses at this moment."""
    resident: Counter[str] = Counter()
    descriptors: Counter[str] = Counter()
    processor = 0
    for pid in server.processes():
        with suppress(OSError):  # it ended meanwhile
            name = program_of(pid)
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            descriptors[name] += sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
            resident[name] += pages * _PAGE_BYTES
            processor += processor_ns(pid)
    told = {} if server.edge is None else _metrics(server.edge)
    return Sample(
        at,
        resident,
        descriptors,
        processor / 1e9,
        told.get("streams"),
        told.get("slow"),
        told.get("evicted"),
        load,
    )


def program_of(pid: int) -> str:
    """Return which program a process runs: a role of fh, a worker, or another by its name.

    Raises:
        OSError: there is no such process.
    """
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    if _WORKER in words:
        return "workers"
    if words[1:3] == ["-m", "fh"]:
        return words[3]
    return words[0].rpartition("/")[2].split(":")[0] or "unknown"


def _metrics(edge: RoleProgram) -> dict[str, float]:
    """Return what an Edge tells of itself, nothing where it is too busy to."""
    address = f"http://127.0.0.1:{edge.monitor_port}/metrics"
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return {}
    found: defaultdict[str, float] = defaultdict(float)
    for line in lines:
        if not line.startswith("#"):
            metric, _, value = line.rpartition(" ")
            found[metric.partition("{")[0]] += float(value)  # whatever its labels tell apart
    return {name: found[metric] for name, metric in _METRICS.items() if metric in found}
