"""Every way between two processes is cut, silent for a while, or slow."""

from collections.abc import Awaitable, Callable

from tests.faults.endure import Act, Fault
from tests.faults.extent import last
from tests.faults.proxy import Proxy
from tests.faults.shape import ORDINARY, Shape
from tests.faults.world import World

_SHAPES = {"mr-postgres": Shape(has_own_database=True), "nats-nats": Shape(nats=3)}
_WAYS = ("mr-nats", "dacha-nats", "edge-nats", "dacha-mr", "edge-dacha", *_SHAPES)
_DELAY_SECONDS = 0.2


async def _cut(way: Proxy) -> None:
    await way.cut()


async def _silence(way: Proxy) -> None:
    way.hold()


async def _slow(way: Proxy) -> None:
    way.delay(_DELAY_SECONDS)


def _on(name: str, harm: Callable[[Proxy], Awaitable[None]]) -> Act:
    async def act(world: World) -> None:
        for way in world.ways[name]:
            await harm(way)
        await last()
        for way in world.ways[name]:
            way.heal()

    return act


FAULTS = {
    f"{verb} {name}": Fault(_on(name, harm), _SHAPES.get(name, ORDINARY))
    for verb, harm in (("cut", _cut), ("silence", _silence), ("slow", _slow))
    for name in _WAYS
}
