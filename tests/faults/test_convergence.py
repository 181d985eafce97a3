"""Whatever fails, everybody holds in the end what MR holds, and nobody is told nonsense on the way.

A few faults with 200 streams by default; with FH_FAULTS=full all of them with 1,000, each in a
deployment of its own, and the report is written to bench/reports.
"""

import os
import random
import signal
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest
import trio

from tests.e2e.role_process import RoleProcess
from tests.faults.proxy import Losses
from tests.faults.report import Row, write
from tests.faults.world import Fault, World, endure, judge, open_world

pytestmark = pytest.mark.e2e

FULL = os.environ.get("FH_FAULTS") == "full"
STREAMS = 1000 if FULL else 200
REPORT = Path(__file__).parents[2] / "bench" / "reports" / "faults"
AWAY_SECONDS = 8.0 if FULL else 3.0
_LOSSES = Losses(dropped=0.3, doubled=0.1, delayed=0.2)


async def last(seconds: float = AWAY_SECONDS) -> None:
    """Let a fault last: time is what it consists of."""
    await trio.sleep(seconds)


async def kill_and_start(world: World, roles: list[RoleProcess], seconds: float = 0.5) -> None:
    for role in roles:
        role.kill9()
    await last(seconds)
    for role in roles:
        role.launch()
    for role in roles:
        await world.off_thread(role.wait_ready)


async def mr_is_killed(world: World) -> None:
    await kill_and_start(world, [world.split.mr])


async def mr_is_killed_between_commit_and_publication(world: World) -> None:
    (way,) = world.ways["mr-nats"]
    await way.cut()
    await world.written(10)
    world.split.mr.kill9()
    way.heal()
    await world.off_thread(world.split.mr.start)


async def a_dacha_is_killed(world: World) -> None:
    await kill_and_start(world, world.split.dachas[:1])


async def an_edge_is_killed(world: World) -> None:
    await kill_and_start(world, world.split.edges[:1])


async def every_cache_is_killed(world: World) -> None:
    await kill_and_start(world, [*world.split.dachas, *world.split.edges])


async def nats_is_killed(world: World) -> None:
    world.split.nats.kill()
    await last()
    world.split.nats.start()  # not in a thread: it ends with whoever started it


async def nats_is_frozen(world: World) -> None:
    world.split.nats.freeze()
    await last()
    world.split.nats.thaw()


async def postgres_is_killed(world: World) -> None:
    [pid_file] = world.split.data_directory.rglob("postmaster.pid")
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
    await world.written(2)  # the second one was begun after the kill


async def everything_behind_edge_is_killed(world: World) -> None:
    split = world.split
    for role in (split.mr, *split.dachas):
        role.kill9()
    split.nats.kill()
    await last()
    split.nats.start()
    for role in (split.mr, *split.dachas):
        role.launch()
    for role in (split.mr, *split.dachas):
        await world.off_thread(role.wait_ready)


async def the_bus_loses(world: World) -> None:
    for name in ("dacha-nats", "edge-nats"):
        for way in world.ways[name]:
            way.lose(_LOSSES)
    await last()
    assert sum(way.lost for way in world.ways["edge-nats"]) > 0
    for name in ("dacha-nats", "edge-nats"):
        for way in world.ways[name]:
            way.heal()


def cut(name: str) -> Fault:
    async def fault(world: World) -> None:
        for way in world.ways[name]:
            await way.cut()
        await last()
        for way in world.ways[name]:
            way.heal()

    return fault


def hold(name: str) -> Fault:
    async def fault(world: World) -> None:
        for way in world.ways[name]:
            way.hold()
        await last()
        for way in world.ways[name]:
            way.heal()

    return fault


def delay(name: str) -> Fault:
    async def fault(world: World) -> None:
        for way in world.ways[name]:
            way.delay(0.2)
        await last()
        for way in world.ways[name]:
            way.heal()

    return fault


def started(order: Sequence[str], seconds: float) -> Fault:
    """Kill everything, and start it in `order`, each part so many seconds after the one before."""

    async def fault(world: World) -> None:
        split = world.split
        split.kill9()
        parts = {"MR": [split.mr], "Dacha": split.dachas, "Edge": split.edges}
        for part in order:
            if part == "NATS":
                split.nats.start()
            for role in parts.get(part, ()):
                role.launch()
            await last(seconds)
        for role in split.roles:
            await world.off_thread(role.wait_ready)

    return fault


PARTS = ("NATS", "MR", "Dacha", "Edge")
ORDERS = random.Random(4).sample(list(permutations(PARTS)), 6)
MINUTE = 60.0 if FULL else 15.0
WAYS = ("mr-nats", "dacha-nats", "edge-nats", "dacha-mr", "edge-dacha")
QUICK: dict[str, Fault] = {
    "MR kill -9": mr_is_killed,
    "Edge kill -9": an_edge_is_killed,
    "the bus loses": the_bus_loses,
}
ALL: dict[str, Fault] = {
    **QUICK,
    "MR kill -9 before it published": mr_is_killed_between_commit_and_publication,
    "Dacha kill -9": a_dacha_is_killed,
    "all caches kill -9": every_cache_is_killed,
    "NATS kill -9": nats_is_killed,
    "NATS frozen": nats_is_frozen,
    "PostgreSQL kill -9": postgres_is_killed,
    "all behind Edge kill -9": everything_behind_edge_is_killed,
    **{f"start {', '.join(order)}": started(order, 1.5) for order in ORDERS},
    "start without MR for long": started(("Edge", "Dacha", "NATS", "MR"), MINUTE / 3),
    **{f"cut {name}": cut(name) for name in WAYS},
    **{f"silence {name}": hold(name) for name in WAYS},
    **{f"slow {name}": delay(name) for name in WAYS},
}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return []


async def test_a_few_faults_one_after_the_other(tmp_path: Path) -> None:
    async with open_world(tmp_path, STREAMS, seed=1) as world:
        rows = [await endure(world, name, fault) for name, fault in QUICK.items()]
        judge(world, rows)


@pytest.mark.faults
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ALL)
async def test_a_fault(tmp_path: Path, rows: list[Row], name: str) -> None:
    async with open_world(tmp_path, STREAMS, seed=1) as world:
        rows.append(await endure(world, name, ALL[name]))
        if FULL:
            write(rows, REPORT)
        judge(world, rows[-1:])
