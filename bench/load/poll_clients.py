"""The processes that poll, and the driver's side of them: one obeys, all are added up.

Every process knows all targets and opens connections to one of them at a time, so that servers
take turns without old connections hanging about.
"""

import multiprocessing
import signal
from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, TypeAlias

from bench.load.polls import Polled, PollRefused, Polls, PollTarget

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_ENDING_SECONDS = 10


@dataclass(frozen=True, slots=True)
class PollPlan:
    """What the processes shall do together; `connections` is the number of all of them."""

    targets: tuple[PollTarget, ...]
    connections: int
    processes: int = 1
    depth: int = 1
    life_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Round:
    """What all processes did at the same time; latencies are seconds, in order.

    `client_share` is how much of the time the busiest of them was computing, 0 to about 1.
    """

    answers: int
    seconds: float
    latencies_seconds: tuple[float, ...]
    client_share: float


@dataclass(frozen=True, slots=True)
class _Open:
    target: int


@dataclass(frozen=True, slots=True)
class _Play:
    seconds: float


_Order: TypeAlias = _Open | _Play | None
_Report: TypeAlias = Polled | PollRefused | None


class PollClients:
    """All client processes."""

    def __init__(self, pipes: Sequence["Connection[_Order, _Report]"]) -> None:
        self._pipes = pipes

    def open(self, target: int) -> None:
        """Open the connections to target number `target`; those to another are closed first.

        Raises:
            PollRefused: the server refuses, or answers something else than it should.
        """
        self._obey(_Open(target))

    def play(self, seconds: float) -> Round:
        """Poll for `seconds` on the open connections.

        Raises:
            PollRefused: see `open`.
        """
        polled = [each for each in self._obey(_Play(seconds)) if each is not None]
        latencies: array[int] = array("q")
        for each in polled:
            latencies.extend(each.latencies_ns)
        return Round(
            answers=sum(each.answers for each in polled),
            seconds=max(each.seconds for each in polled),
            latencies_seconds=tuple(latency / 1e9 for latency in sorted(latencies)),
            client_share=max(each.processor_seconds / each.seconds for each in polled),
        )

    def _obey(self, order: _Order) -> list[Polled | None]:
        try:
            for pipe in self._pipes:
                pipe.send(order)
            reports = [pipe.recv() for pipe in self._pipes]
        except (EOFError, ConnectionError) as error:
            raise PollRefused("a load client has gone: the run took too long") from error
        found: list[Polled | None] = []
        for report in reports:
            if isinstance(report, PollRefused):
                raise report
            found.append(report)
        return found


@contextmanager
def open_poll_clients(plan: PollPlan) -> Iterator[PollClients]:
    """Start the client processes; they end with the block, and after their life whatever happens.

    The caller has seen to it that the targets may be loaded: see `bench.load.bounds`.
    """
    share, more = divmod(plan.connections, plan.processes)
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        pipes: list[Connection[_Order, _Report]] = []
        first = 0
        for index in range(plan.processes):
            count = share + (index < more)
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve, args=(theirs, plan, first, count), name="bench-poll", daemon=True
            )
            process.start()
            theirs.close()
            stack.callback(_end, process, ours)
            pipes.append(ours)
            first += count
        yield PollClients(pipes)


def _end(process: SpawnProcess, pipe: "Connection[_Order, _Report]") -> None:
    pipe.close()
    process.join(_ENDING_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()


def _serve(
    pipe: "Connection[_Report, _Order]", plan: PollPlan, first_index: int, count: int
) -> None:
    """Obey the driver until it is gone; without a handler the alarm ends the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver ends and closes the pipe
    signal.setitimer(signal.ITIMER_REAL, plan.life_seconds)
    polls: Polls | None = None
    while True:
        try:
            order = pipe.recv()
        except EOFError:
            return
        try:
            match order:
                case _Open(target):
                    if polls is not None:
                        polls.close()
                    polls = Polls(plan.targets[target], depth=plan.depth, first_index=first_index)
                    polls.open_all(count)
                    pipe.send(None)
                case _Play(seconds):
                    assert polls is not None
                    pipe.send(polls.play(seconds))
                case None:
                    return
        except PollRefused as refusal:
            pipe.send(refusal)
