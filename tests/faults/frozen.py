"""Processes that keep their connections, do nothing for a while, and then go on as before."""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.endure import Act, Fault
from tests.faults.extent import last
from tests.faults.shape import Shape
from tests.faults.world import World

# Longer than whoever waits for an answer has patience.
_POSTGRES_SECONDS = 20.0
_NATS_SECONDS = 40.0
_CACHE_SECONDS = 20.0
_EDGE_SECONDS = 8.0  # those who poll it have no more patience

_WORKERS = Shape(workers=2)


def postgres(world: World) -> list[int]:
    """Return the processes of MR's database, the first of them the one that starts the others."""
    [pid_file] = world.split.data_directory.rglob("postmaster.pid")
    first = int(pid_file.read_text().splitlines()[0])
    return [first, *_children(first)]


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _frozen(seconds: float, whom: Callable[[World], Sequence[int]]) -> Act:
    async def act(world: World) -> None:
        frozen = whom(world)
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        await last(seconds)
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)

    return act


async def _nats(world: World) -> None:
    world.split.nats.freeze()
    await last(_NATS_SECONDS)
    world.split.nats.thaw()


async def _postgres_restarted(world: World) -> None:
    for _ in range(3):
        os.kill(postgres(world)[0], signal.SIGINT)
        await world.written(3)


FAULTS = {
    "PostgreSQL frozen": Fault(_frozen(_POSTGRES_SECONDS, postgres)),
    "PostgreSQL stopped, three times": Fault(_postgres_restarted),
    "NATS frozen for long": Fault(_nats),
    "MR frozen": Fault(_frozen(_CACHE_SECONDS, lambda world: [world.split.mr.pid])),
    "Dacha frozen": Fault(_frozen(_CACHE_SECONDS, lambda world: [world.split.dachas[0].pid])),
    "Dachas frozen": Fault(
        _frozen(_CACHE_SECONDS, lambda world: [each.pid for each in world.split.dachas])
    ),
    "Edge frozen": Fault(_frozen(_EDGE_SECONDS, lambda world: [world.split.edges[0].pid])),
    "Edge parent frozen": Fault(
        _frozen(_CACHE_SECONDS, lambda world: [world.split.edges[0].pid]), _WORKERS
    ),
}
