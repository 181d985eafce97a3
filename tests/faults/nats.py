"""NATS is away: the only server, one of three, all three."""

import json

from tests.e2e.role_process import RoleProcess
from tests.faults.endure import Act, Fault
from tests.faults.extent import LONG_SECONDS, last
from tests.faults.proxy import Losses
from tests.faults.shape import Shape
from tests.faults.world import World
from tests.nats_server import NatsServer

_THREE = Shape(nats=3)
_LOSSES = Losses(dropped=0.3, doubled=0.1, delayed=0.2)


def _killed(seconds: float | None = None) -> Act:
    async def act(world: World) -> None:
        for nats in world.split.cluster:
            nats.kill()
        await (last() if seconds is None else last(seconds))
        _start(world.split.cluster)

    return act


def _start(servers: list[NatsServer]) -> None:
    """Start them here: one that was started in a thread ends with it."""
    for nats in servers:
        nats.start()


async def _one_of_three(world: World) -> None:
    server = world.split.cluster[0]
    server.kill()
    await last()
    server.start()


async def _the_edges_own(world: World) -> None:
    servers = list({_server_of(world, edge) for edge in world.split.edges})
    for nats in servers:
        nats.kill()
    await last()
    _start(servers)


def _server_of(world: World, role: RoleProcess) -> NatsServer:
    """Return the server that `role` says it has connected to last."""
    lines = (json.loads(line) for line in role.log_path.read_text().splitlines())
    connected = [line for line in lines if line["event"] == "nats_connected"]
    door = int(connected[-1]["server"].rpartition(":")[2])
    (port,) = (way.target for ways in world.ways.values() for way in ways if way.port == door)
    (server,) = (nats for nats in world.split.cluster if nats.port == port)
    return server


async def _frozen(world: World) -> None:
    world.split.nats.freeze()
    await last()
    world.split.nats.thaw()


async def _loses(world: World) -> None:
    ways = [way for name in ("dacha-nats", "edge-nats") for way in world.ways[name]]
    for way in ways:
        way.lose(_LOSSES)
    await last()
    assert sum(way.lost for way in ways) > 0
    for way in ways:
        way.heal()


FAULTS = {
    "the bus loses": Fault(_loses),
    "NATS kill -9": Fault(_killed()),
    "NATS away for long": Fault(_killed(LONG_SECONDS)),
    "NATS frozen": Fault(_frozen),
    "one of three NATS kill -9": Fault(_one_of_three, _THREE),
    "the Edges' of three NATS kill -9": Fault(_the_edges_own, _THREE),
    "three of three NATS kill -9": Fault(_killed(), _THREE),
}
