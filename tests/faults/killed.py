"""kill -9 of every process of a deployment, and what may happen around it."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.role_process import RoleProcess
from tests.faults.endure import Act, Fault
from tests.faults.extent import LONG_SECONDS, last
from tests.faults.shape import Shape
from tests.faults.world import World

_WORKERS = Shape(workers=2)


async def start_all(world: World, roles: Sequence[RoleProcess]) -> None:
    """Start them at once; return when each is ready."""
    for role in roles:
        role.launch()
    for role in roles:
        await world.off_thread(role.wait_ready)


async def _kill_and_start(world: World, roles: Sequence[RoleProcess], seconds: float = 0.5) -> None:
    for role in roles:
        role.kill9()
    await last(seconds)
    await start_all(world, roles)


async def _mr(world: World) -> None:
    await _kill_and_start(world, [world.split.mr])


async def _mr_before_it_published(world: World) -> None:
    (way,) = world.ways["mr-nats"]
    await way.cut()
    await world.written(10)
    world.split.mr.kill9()
    way.heal()
    await start_all(world, [world.split.mr])


async def _dacha(world: World) -> None:
    await _kill_and_start(world, world.split.dachas[:1])


def _dachas(seconds: float) -> Act:
    async def act(world: World) -> None:
        await _kill_and_start(world, world.split.dachas, seconds)

    return act


async def _edge(world: World) -> None:
    await _kill_and_start(world, world.split.edges[:1])


async def _all_caches(world: World) -> None:
    await _kill_and_start(world, [*world.split.dachas, *world.split.edges])


async def _all_behind_edge(world: World) -> None:
    split = world.split
    behind = [split.mr, *split.dachas]
    for role in behind:
        role.kill9()
    split.nats.kill()
    await last()
    split.nats.start()
    await start_all(world, behind)


def kill_postgres(world: World) -> None:
    """End MR's database without a goodbye."""
    [pid_file] = world.split.data_directory.rglob("postmaster.pid")
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)


async def _postgres(world: World) -> None:
    kill_postgres(world)
    await world.written(2)  # the second one was begun after the kill


async def _edge_worker(world: World) -> None:
    edge = world.split.edges[0]
    killed, survivor = edge.children()
    os.kill(killed, signal.SIGKILL)
    await world.until(lambda: len(set(edge.children()) - {killed}) == _WORKERS.workers)
    assert survivor in edge.children()


async def _edge_parent(world: World) -> None:
    edge = world.split.edges[0]
    workers = edge.children()
    assert len(workers) == _WORKERS.workers
    edge.kill9()
    await world.supervise(edge)
    await world.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


FAULTS = {
    "MR kill -9": Fault(_mr),
    "MR kill -9 before it published": Fault(_mr_before_it_published),
    "Dacha kill -9": Fault(_dacha),
    "Dachas away for long": Fault(_dachas(LONG_SECONDS)),
    "Edge kill -9": Fault(_edge),
    "Edge worker kill -9": Fault(_edge_worker, _WORKERS),
    "Edge parent kill -9": Fault(_edge_parent, _WORKERS),
    "all caches kill -9": Fault(_all_caches),
    "all behind Edge kill -9": Fault(_all_behind_edge),
    "PostgreSQL kill -9": Fault(_postgres),
}
