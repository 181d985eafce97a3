"""The processes of a herd, and the driver's side of them: all obey at once, all are added up."""

import multiprocessing
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from bench.load.herd import Came, Herd, HerdLost, HerdTarget
from bench.load.refused_polls import NotRefused, RefusedPolls, poll_unknown_keys

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_ENDING_SECONDS: Final = 10
_WINDOW: Final = 256


@dataclass(frozen=True, slots=True)
class HerdPlan:
    """A herd of so many streams in so many processes."""

    target: HerdTarget
    streams: int
    processes: int
    life_seconds: float


@dataclass(frozen=True, slots=True)
class Settle:
    """Open all streams; they hold everything already."""

    last_event_id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ComeBack:
    """Close all streams and open them again at once."""

    seconds: float


@dataclass(frozen=True, slots=True)
class PollUnknownKeys:
    """Poll with keys that nobody knows."""

    keys: tuple[str, ...]
    connections: int
    depth: int
    seconds: float


Order: TypeAlias = Settle | ComeBack | PollUnknownKeys
Report: TypeAlias = Came | RefusedPolls | HerdLost | NotRefused | None


class HerdClients:
    """All processes of the herd."""

    def __init__(self, pipes: Sequence["Connection[Order, Report]"]) -> None:
        self._pipes = pipes

    def begin(self, order: Order) -> None:
        """Have all processes do something."""
        for pipe in self._pipes:
            pipe.send(order)

    @property
    def are_done(self) -> bool:
        """Whether all have reported."""
        return all(pipe.poll() for pipe in self._pipes)

    def reports(self) -> list[Came | RefusedPolls | None]:
        """Return what each process did.

        Raises:
            HerdLost: a process could not do it, or is gone.
            NotRefused: a key that nobody knows was served.
        """
        found: list[Came | RefusedPolls | None] = []
        for pipe in self._pipes:
            try:
                report = pipe.recv()
            except (EOFError, ConnectionError) as error:
                raise HerdLost("a process of the herd is gone: the run took too long") from error
            if isinstance(report, HerdLost | NotRefused):
                raise report
            found.append(report)
        return found


@contextmanager
def open_herd_clients(plan: HerdPlan) -> Iterator[HerdClients]:
    """Start the processes; they end with the block, and after their life whatever happens.

    The caller has seen to it that the target may be loaded: see `bench.load.bounds`.
    """
    share, more = divmod(plan.streams, plan.processes)
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        pipes: list[Connection[Order, Report]] = []
        first = 0
        for index in range(plan.processes):
            count = share + (index < more)
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve, args=(theirs, plan, first, count), name="bench-herd", daemon=True
            )
            process.start()
            theirs.close()
            stack.callback(_end, process, ours)
            pipes.append(ours)
            first += count
        yield HerdClients(pipes)


def _end(process: SpawnProcess, pipe: "Connection[Order, Report]") -> None:
    pipe.close()
    process.join(_ENDING_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()


def _serve(pipe: "Connection[Report, Order]", plan: HerdPlan, first: int, count: int) -> None:
    """Obey the driver until it is gone; without a handler the alarm ends the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver ends and closes the pipe
    signal.setitimer(signal.ITIMER_REAL, plan.life_seconds)
    herd = Herd(plan.target, first_index=first)
    while True:
        try:
            order = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(_obey(herd, plan.target, count, order))
        except (HerdLost, NotRefused) as failure:
            pipe.send(failure)


def _obey(herd: Herd, target: HerdTarget, count: int, order: Order) -> Report:
    match order:
        case Settle(last_event_id, seconds):
            herd.settle(count, last_event_id, window=_WINDOW, deadline=time.monotonic() + seconds)
            return None
        case ComeBack(seconds):
            return herd.come_back(deadline=time.monotonic() + seconds)
        case PollUnknownKeys(keys, connections, depth, seconds):
            return poll_unknown_keys(
                target.address,
                target.port,
                list(keys),
                connections=connections,
                depth=depth,
                seconds=seconds,
            )
        case _:
            assert_never(order)
