"""One server's part of a run: its streams, its rounds of events, its figures."""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bench.load.link import FanOut, Load, LoadPlan, open_load
from bench.load.percentiles import percentile
from bench.load.server import Server, ServerMemory, used_ns, wait_idle

PERCENTS = (1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9, 100)
"""What a latency curve goes through."""

_WARM_UP_STREAMS = 20
_PUBLICATIONS = 3
_SETTLING_SECONDS = 0.5


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
    warm_up_events: int = 3


@dataclass(frozen=True, slots=True)
class Figures:
    """What one server did; None where it can't be known.

    `subscribe_us` is the processor time of a stream until it has all that was known, the warm-up
    left out; `publish_us` that of an event in an environment that nobody listens to.
    `processor_us` is the median over all events (or bursts), `round_processor_us` that of each
    round. The latencies are over all deliveries of all events; `latencies_ms` go with `PERCENTS`.
    `round_last_ms` is each round's median of the last arrival. Where streams have contexts,
    `by_strategy` is the share of deliveries, 0 to 1, that brought the strategy's value.
    """

    name: str
    note: str = ""
    streams: int = 0
    events: int = 0
    user_bytes_per_stream: float | None = None
    kernel_bytes_per_stream: float | None = None
    connects_per_second: float | None = None
    subscribe_us: float | None = None
    publish_us: float | None = None
    processor_us: float | None = None
    round_processor_us: tuple[float, ...] = ()
    round_last_ms: tuple[float, ...] = ()
    latencies_ms: tuple[float, ...] = ()
    latency_50_ms: float | None = None
    latency_99_ms: float | None = None
    latency_100_ms: float | None = None
    deliveries_per_second: float | None = None
    bytes_per_delivery: float | None = None
    missing: int = 0
    superseded: int = 0
    duplicates: int = 0
    ended_streams: int = 0
    by_strategy: float | None = None
    wrong_outcomes: int = 0
    client_share: float | None = None


@dataclass(slots=True)
class Trial:
    """A server with all its streams open."""

    server: Server
    load: Load
    plan: TrialPlan
    before: ServerMemory
    after: ServerMemory
    subscribed_ns: int
    streams: ExitStack
    fan_outs: list[FanOut] = field(default_factory=list)
    rounds_us: list[list[float]] = field(default_factory=list)
    rounds_last_ms: list[list[float]] = field(default_factory=list)
    publish_us: float | None = None
    number: int = 0
    events: int = 0

    def play_round(self, events: int) -> None:
        """Publish `events` events, one at a time, each until it has reached every stream."""
        self._begin_round()
        for _ in range(events):
            self._play(1)

    def play_burst(self, events: int) -> None:
        """Publish `events` events back to back, then see them arrive."""
        self._begin_round()
        self._play(events)

    def end(self) -> None:
        """Close all streams; see what it costs to publish where nobody listens."""
        self.streams.close()
        if not self.server.pids:
            return
        wait_idle(self.server)
        costs = []
        for _ in range(_PUBLICATIONS):
            self.number += 1
            self.server.prepare(self.number)
            start_ns = used_ns(self.server)
            self.server.publish(self.number)
            wait_idle(self.server)
            costs.append((used_ns(self.server) - start_ns) / 1e3 / self.plan.environments)
        self.publish_us = statistics.median(costs)

    def figures(self) -> Figures:
        """Return what was measured."""
        latencies = sorted(
            latency for fan_out in self.fan_outs for latency in fan_out.latencies_seconds
        )
        seen = bool(self.server.pids)
        streams = self.plan.streams
        user_before, user_after = self.before.user_bytes, self.after.user_bytes
        user_bytes: float | None = None
        if user_before is not None and user_after is not None:
            user_bytes = (user_after - user_before) / streams
        return Figures(
            name=self.server.name,
            streams=streams,
            events=self.events,
            user_bytes_per_stream=user_bytes,
            kernel_bytes_per_stream=self.after.kernel.since(self.before.kernel) / streams,
            connects_per_second=self.load.connects_per_second,
            subscribe_us=self.subscribed_ns / 1e3 / streams if seen else None,
            publish_us=self.publish_us,
            processor_us=_median([us for each in self.rounds_us for us in each]) if seen else None,
            round_processor_us=_medians(self.rounds_us) if seen else (),
            round_last_ms=_medians(self.rounds_last_ms),
            latencies_ms=tuple(percentile(latencies, each) * 1e3 for each in PERCENTS)
            if latencies
            else (),
            latency_50_ms=_percentile_ms(latencies, 50),
            latency_99_ms=_percentile_ms(latencies, 99),
            latency_100_ms=_percentile_ms(latencies, 100),
            deliveries_per_second=_median(
                [each.deliveries / each.seconds for each in self.fan_outs if each.seconds > 0]
            ),
            bytes_per_delivery=sum(fan_out.received_bytes for fan_out in self.fan_outs)
            / max(1, len(latencies)),
            missing=sum(fan_out.missing for fan_out in self.fan_outs),
            superseded=sum(fan_out.superseded for fan_out in self.fan_outs),
            duplicates=sum(fan_out.duplicates for fan_out in self.fan_outs),
            ended_streams=sum(fan_out.ended_streams for fan_out in self.fan_outs),
            by_strategy=sum(fan_out.by_strategy for fan_out in self.fan_outs)
            / max(1, len(latencies))
            if self.server.user_keys
            else None,
            wrong_outcomes=sum(fan_out.wrong_outcomes for fan_out in self.fan_outs),
            client_share=_median([fan_out.client_share for fan_out in self.fan_outs]),
        )

    def _begin_round(self) -> None:
        self.rounds_us.append([])
        self.rounds_last_ms.append([])

    def _play(self, events: int) -> None:
        first = self.number + 1
        self.number += events
        self.events += events
        numbers = iter(range(first, self.number + 1))
        for number in range(first, self.number + 1):
            self.server.prepare(number)
        start_ns = used_ns(self.server)
        fan_out = self.load.fan_out(
            self.number,
            lambda: self.server.publish(next(numbers)),
            seconds=self.plan.delivery_seconds,
            first=first,
        )
        # The pause lets the server finish what follows the last write, and is part of it.
        time.sleep(self.plan.pause_seconds)
        cost_ns = used_ns(self.server) - start_ns
        self.fan_outs.append(fan_out)
        if fan_out.deliveries:
            self.rounds_us[-1].append(cost_ns / 1e3 / fan_out.deliveries)
            self.rounds_last_ms[-1].append(fan_out.latencies_seconds[-1] * 1e3)


@contextmanager
def open_trial(server: Server, plan: TrialPlan) -> Iterator[Trial]:
    """Warm the server up, open all streams, weigh it before and after; they close at the end.

    Raises:
        LoadFailed: a stream was refused.
    """
    number = server.first_number - 1
    # What is loaded or allocated once is not a stream's: a few streams come and go first. Their
    # events are not prepared: many together would leave room that streams then take for nothing.
    with open_load(_load_plan(server, plan, _WARM_UP_STREAMS, processes=1)) as warm_up:
        warm_up.wait_open()
        for _ in range(plan.warm_up_events):
            number += 1
            instant_number = number
            warm_up.fan_out(
                number,
                lambda: server.publish(instant_number),  # noqa: B023 called before the next turn
                seconds=plan.delivery_seconds,
            )
    # The last of these events may still be on their way to environments without a stream.
    wait_idle(server)
    time.sleep(_SETTLING_SECONDS)
    before = ServerMemory.now(server.pids)
    start_ns = used_ns(server)
    load_plan = _load_plan(server, plan, plan.streams, processes=plan.load_processes)
    with ExitStack() as streams:
        load = streams.enter_context(open_load(load_plan))
        load.wait_open()
        subscribed_ns = used_ns(server) - start_ns
        time.sleep(_SETTLING_SECONDS)
        after = ServerMemory.now(server.pids)
        yield Trial(server, load, plan, before, after, subscribed_ns, streams, number=number)


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


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def _medians(rounds: list[list[float]]) -> tuple[float, ...]:
    return tuple(statistics.median(values) for values in rounds if values)


def _percentile_ms(ordered: list[float], percent: float) -> float | None:
    return percentile(ordered, percent) * 1e3 if ordered else None
