"""One server's part of a run: its streams, its rounds of events, its figures."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from bench.load.link import FanOut, Load, LoadPlan, open_load
from bench.load.percentiles import percentile
from bench.load.process import (
    KernelMemory,
    ProcessMemory,
    kernel_memory,
    process_memory,
    processor_ns,
)

_WARM_UP_STREAMS = 20
_WARM_UP_EVENTS = 3
_SETTLING_SECONDS = 0.5


class Server(Protocol):
    """What a trial needs to know of a server; `pid` is None where its use can't be seen.

    `user_keys` says that it evaluates: then each stream is a user of its own.
    """

    name: str
    host: str
    port: int
    path: str
    ready_mark: str
    first_number: int
    pid: int | None
    user_keys: bool

    def publish(self, number: int) -> int:
        """Publish event `number`; return the instant in monotonic nanoseconds."""

    def complaints(self) -> str:
        """Return what the server wrote to its log, where it can be seen."""


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """What every server goes through."""

    streams: int
    load_processes: int = 1
    window: int = 128
    pause_seconds: float = 0.02
    delivery_seconds: float = 30.0
    life_seconds: float = 600.0
    allow_remote: bool = False
    environments: int = 1


@dataclass(frozen=True, slots=True)
class Figures:
    """What one server did; None where it can't be known.

    `subscribe_us` is the processor time of a stream until it has all that was known, the warm-up
    left out. `processor_us` is the median over all events, `round_processor_us` that of each round.
    The latencies are over all deliveries of all events. Where streams have contexts, `by_strategy`
    is the share of deliveries, 0 to 1, that brought the strategy's value.
    """

    name: str
    note: str = ""
    streams: int = 0
    events: int = 0
    user_bytes_per_stream: float | None = None
    proportional_bytes_per_stream: float | None = None
    kernel_bytes_per_stream: float | None = None
    connects_per_second: float | None = None
    subscribe_us: float | None = None
    processor_us: float | None = None
    round_processor_us: tuple[float, ...] = ()
    latency_50_ms: float | None = None
    latency_99_ms: float | None = None
    latency_100_ms: float | None = None
    bytes_per_delivery: float | None = None
    missing: int = 0
    duplicates: int = 0
    ended_streams: int = 0
    by_strategy: float | None = None
    wrong_outcomes: int = 0
    client_share: float | None = None


@dataclass(frozen=True, slots=True)
class _Memory:
    process: ProcessMemory | None
    kernel: KernelMemory

    @classmethod
    def now(cls, pid: int | None) -> "_Memory":
        return cls(None if pid is None else process_memory(pid), kernel_memory())


@dataclass(slots=True)
class Trial:
    """A server with all its streams open."""

    server: Server
    load: Load
    plan: TrialPlan
    before: _Memory
    after: _Memory
    subscribed_ns: int
    fan_outs: list[FanOut] = field(default_factory=list)
    rounds_us: list[list[float]] = field(default_factory=list)
    number: int = 0

    def play_round(self, events: int) -> None:
        """Publish `events` events, one at a time, each until it has reached every stream."""
        round_us: list[float] = []
        for _ in range(events):
            self.number += 1
            start_ns = self._processor_ns()
            fan_out = self.load.fan_out(
                self.number,
                lambda: self.server.publish(self.number),
                seconds=self.plan.delivery_seconds,
            )
            # The pause lets the server finish what follows the last write, and is part of it.
            time.sleep(self.plan.pause_seconds)
            round_us.append((self._processor_ns() - start_ns) / 1e3 / self.plan.streams)
            self.fan_outs.append(fan_out)
        self.rounds_us.append(round_us)

    def figures(self) -> Figures:
        """Return what was measured."""
        latencies = sorted(
            latency for fan_out in self.fan_outs for latency in fan_out.latencies_seconds
        )
        events = len(self.fan_outs)
        process_before, process_after = self.before.process, self.after.process
        seen = process_before is not None and process_after is not None
        resident: float | None = None
        proportional: float | None = None
        if process_before is not None and process_after is not None:
            streams = self.plan.streams
            resident = (process_after.resident_bytes - process_before.resident_bytes) / streams
            proportional = (
                process_after.proportional_bytes - process_before.proportional_bytes
            ) / streams
        return Figures(
            name=self.server.name,
            streams=self.plan.streams,
            events=events,
            user_bytes_per_stream=resident,
            proportional_bytes_per_stream=proportional,
            kernel_bytes_per_stream=self.after.kernel.since(self.before.kernel) / self.plan.streams,
            connects_per_second=self.load.connects_per_second,
            subscribe_us=self.subscribed_ns / 1e3 / self.plan.streams if seen else None,
            processor_us=_median([us for round_us in self.rounds_us for us in round_us])
            if seen
            else None,
            round_processor_us=tuple(statistics.median(round_us) for round_us in self.rounds_us)
            if seen
            else (),
            latency_50_ms=_percentile_ms(latencies, 50),
            latency_99_ms=_percentile_ms(latencies, 99),
            latency_100_ms=_percentile_ms(latencies, 100),
            bytes_per_delivery=sum(fan_out.received_bytes for fan_out in self.fan_outs)
            / max(1, len(latencies)),
            missing=sum(fan_out.missing for fan_out in self.fan_outs),
            duplicates=sum(fan_out.duplicates for fan_out in self.fan_outs),
            ended_streams=sum(fan_out.ended_streams for fan_out in self.fan_outs),
            by_strategy=sum(fan_out.by_strategy for fan_out in self.fan_outs)
            / max(1, len(latencies))
            if self.server.user_keys
            else None,
            wrong_outcomes=sum(fan_out.wrong_outcomes for fan_out in self.fan_outs),
            client_share=_median([fan_out.client_share for fan_out in self.fan_outs]),
        )

    def _processor_ns(self) -> int:
        return _processor_ns(self.server)


@contextmanager
def open_trial(server: Server, plan: TrialPlan) -> Iterator[Trial]:
    """Warm the server up, open all streams, weigh it before and after; they close at the end.

    Raises:
        LoadFailed: a stream was refused.
    """
    number = server.first_number - 1
    # What is loaded or allocated once is not a stream's: a few streams come and go first.
    with open_load(_load_plan(server, plan, _WARM_UP_STREAMS, processes=1)) as warm_up:
        warm_up.wait_open()
        for _ in range(_WARM_UP_EVENTS):
            number += 1
            instant_number = number
            warm_up.fan_out(
                number,
                lambda: server.publish(instant_number),  # noqa: B023 called before the next turn
                seconds=plan.delivery_seconds,
            )
    time.sleep(_SETTLING_SECONDS)
    before = _Memory.now(server.pid)
    start_ns = _processor_ns(server)
    with open_load(_load_plan(server, plan, plan.streams, processes=plan.load_processes)) as load:
        load.wait_open()
        subscribed_ns = _processor_ns(server) - start_ns
        time.sleep(_SETTLING_SECONDS)
        after = _Memory.now(server.pid)
        yield Trial(server, load, plan, before, after, subscribed_ns, number=number)


def _load_plan(server: Server, plan: TrialPlan, streams: int, *, processes: int) -> LoadPlan:
    return LoadPlan(
        host=server.host,
        port=server.port,
        path=server.path,
        ready_mark=server.ready_mark,
        streams=streams,
        processes=processes,
        window=plan.window,
        life_seconds=plan.life_seconds,
        allow_remote=plan.allow_remote,
        user_keys=server.user_keys,
        environments=plan.environments,
    )


def _processor_ns(server: Server) -> int:
    return 0 if server.pid is None else processor_ns(server.pid)


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def _percentile_ms(ordered: list[float], percent: float) -> float | None:
    return percentile(ordered, percent) * 1e3 if ordered else None
