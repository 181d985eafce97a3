"""With all behind it away, an Edge serves what it knew before it was killed itself."""

from tests.faults.endure import Fault
from tests.faults.extent import LEAST_POLLS, last
from tests.faults.killed import start_all
from tests.faults.shape import LAST_KNOWN_SECONDS, Shape
from tests.faults.world import World


async def _edges_alone(world: World) -> None:
    split = world.split
    split.mr.kill9()
    # Nothing is new from here on. What a file does not have yet nobody could know afterwards.
    await last(4 * LAST_KNOWN_SECONDS)
    for role in (*split.dachas, *split.edges):
        role.kill9()
    split.nats.kill()
    for edge in split.edges:
        edge.launch()
    for edge in split.edges:
        await world.served(edge, LEAST_POLLS)
    await last()
    for edge in split.edges:
        await world.served(edge, LEAST_POLLS)
    split.nats.start()
    await start_all(world, [split.mr, *split.dachas])
    for edge in split.edges:
        await world.off_thread(edge.wait_ready)


FAULTS = {"Edge kill -9 with all away": Fault(_edges_alone, Shape(keeps_last_known=True))}
