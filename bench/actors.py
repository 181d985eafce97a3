"""What does an actor cost: to spawn, to tell, to wake, to ask, to keep?"""

import gc
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec
import trio

from bench.command import conclude, with_output
from bench.result import Better, Column, Result, Row, begin_result
from fh.actors.actor import Actor
from fh.actors.child import ActorSpec
from fh.actors.reply import Reply
from fh.actors.supervisor import Supervisor
from fh.actors.table import Table

if TYPE_CHECKING:
    from fh.actors.ref import Ref

COLUMNS: Final = (
    Column("µs", "time of one, the median of five rounds", "µs", Better.LOWER, 3),
    Column("ns", "the same of what is quicker", "ns", Better.LOWER, 1),
    Column("bytes", "memory of one", "bytes", Better.LOWER),
)

_ROUNDS = 5  # the median of so many
_NANO = 1e9
_MICRO = 1e6


@dataclass(frozen=True, slots=True)
class Question:
    """An ask."""

    reply: Reply[int]


class Counter(Actor[int | Question]):
    """Never waits: runs in its sender's turn."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def react(self, message: int | Question) -> None:
        """Count, or say how many."""
        if isinstance(message, Question):
            message.reply.send(self.count)
        else:
            self.count += message


class WaitingCounter(Counter):
    """The same, but it might wait: each activation takes a task."""

    __slots__ = ()

    async def receive(self, message: int | Question) -> None:
        """Count, or say how many."""
        self.react(message)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report."""

    name: str
    value: float
    unit: str


async def _median_seconds(work: Callable[[], Awaitable[None]], repetitions: int) -> float:
    """Return the median seconds of one repetition; `work` does all of them."""
    rounds = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        await work()
        rounds.append((time.perf_counter() - begun) / repetitions)
    return statistics.median(rounds)


async def _measure_idle(supervisor: Supervisor, count: int) -> list[Figure]:
    # The spec and its name belong to the actor, so they count; the ref is whoever holds it.
    gc.collect()
    gc.disable()
    begun = time.perf_counter()
    specs = [ActorSpec(f"speed-{number}", Counter) for number in range(count)]
    declared = time.perf_counter()
    for spec in specs:
        supervisor.spawn(spec)
    spawned = time.perf_counter()
    gc.enable()
    del specs
    figures = [
        Figure("spec", (declared - begun) / count * _MICRO, "µs"),
        Figure("spawn", (spawned - declared) / count * _MICRO, "µs"),
    ]
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    refs: list[Ref[int | Question]] = [
        supervisor.spawn(ActorSpec(f"size-{number}", Counter)) for number in range(count)
    ]
    after, _ = tracemalloc.get_traced_memory()
    figures.append(Figure("idle actor, not yet told", (after - before) / count, "bytes"))
    for ref in refs:
        ref.tell_nowait(1)
    after, _ = tracemalloc.get_traced_memory()
    figures.append(Figure("idle actor, hibernating", (after - before) / count, "bytes"))
    tracemalloc.stop()
    return figures


async def _measure_inline(supervisor: Supervisor, count: int) -> list[Figure]:
    ref = supervisor.spawn(ActorSpec("inline", Counter))

    async def tell_nowait() -> None:
        for _ in range(count):
            ref.tell_nowait(1)

    async def tell() -> None:
        for _ in range(count):
            await ref.tell(1)

    async def ask() -> None:
        for _ in range(count // 10):
            await ref.ask(Question)

    return [
        Figure("tell_nowait, inline", await _median_seconds(tell_nowait, count) * _MICRO, "µs"),
        Figure("tell, inline", await _median_seconds(tell, count) * _MICRO, "µs"),
        Figure("ask, inline", await _median_seconds(ask, count // 10) * _MICRO, "µs"),
    ]


async def _measure_tasks(supervisor: Supervisor, count: int) -> list[Figure]:
    ref = supervisor.spawn(ActorSpec("waiting", WaitingCounter))

    async def activate() -> None:
        for _ in range(count // 10):
            ref.tell_nowait(1)
            while not ref.is_idle:
                await trio.lowlevel.cancel_shielded_checkpoint()

    async def ask() -> None:
        for _ in range(count // 10):
            await ref.ask(Question)

    async def burst() -> None:
        for _ in range(count // 50):
            for _ in range(49):
                ref.tell_nowait(1)
            await ref.ask(Question)

    return [
        Figure("activation", await _median_seconds(activate, count // 10) * _MICRO, "µs"),
        Figure("ask", await _median_seconds(ask, count // 10) * _MICRO, "µs"),
        Figure("message in bursts of 50", await _median_seconds(burst, count) * _MICRO, "µs"),
    ]


async def _measure_table(count: int) -> list[Figure]:
    table: Table[int, str] = Table()
    table[1] = "one"
    reader = table.reader()

    async def read() -> None:
        for _ in range(count):
            reader[1]

    async def find() -> None:
        for _ in range(count):
            table.get(1)

    return [
        Figure("table read", await _median_seconds(read, count) * _NANO, "ns"),
        Figure("table get", await _median_seconds(find, count) * _NANO, "ns"),
    ]


async def measure(count: int) -> list[Figure]:
    """Return all figures, taken with `count` actors or messages."""
    supervisor = Supervisor("bench")
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        figures = await _measure_idle(supervisor, count)
        begun = time.perf_counter()
        supervisor.stop()
        while nursery.child_tasks:
            await trio.lowlevel.checkpoint()
        stopped_seconds = time.perf_counter() - begun
        await nursery.start(supervisor.run)
        figures += await _measure_inline(supervisor, count)
        figures += await _measure_tasks(supervisor, count)
        supervisor.stop()
    figures.append(Figure("stop of an idle actor", stopped_seconds / (2 * count) * _MICRO, "µs"))
    return figures + await _measure_table(count)


def as_result(figures: Sequence[Figure], count: int) -> Result:
    """Return the result of a run with `count` actors."""
    begun = begin_result(
        "actors", "what does an actor cost?", options={"actors": count}, columns=COLUMNS
    )
    return msgspec.structs.replace(
        begun, rows=tuple(Row(each.name, {each.unit: each.value}) for each in figures)
    )


@click.command
@click.option(
    "--actors",
    "count",
    type=click.IntRange(50),
    default=100_000,
    show_default=True,
    help="Actors spawned; as many messages are told.",
)
@with_output
def command(count: int, json_file: Path | None, html_file: Path | None, *, check: bool) -> None:
    """What does an actor cost: to spawn, to tell, to wake, to ask, to keep?

    Times the runtime alone, in this process, without a server: spawning, telling and asking an
    actor that never waits (it runs in its sender's turn) and one that might (each activation takes
    a task), and reading a table of snapshots, which is what most readers do instead.

    \b
    Examples:
      fh bench actors
      fh bench actors --actors 10000 --json actors.json
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    figures = trio.run(measure, count)
    conclude(as_result(figures, count), json_file=json_file, html_file=html_file, check=check)
