"""Everything is started anew, in every order, and with something missing for long."""

from collections.abc import Sequence
from itertools import permutations

from tests.faults.endure import Act, Fault
from tests.faults.extent import LONG_SECONDS, last
from tests.faults.world import World

_PARTS = ("NATS", "MR", "Dacha", "Edge")
_BETWEEN_SECONDS = 1.0


def _started(order: Sequence[str], *, missing_seconds: float = 0.0) -> Act:
    """Kill everything, and start it in `order`; the last part is missing for so much longer."""

    async def act(world: World) -> None:
        split = world.split
        split.kill9()
        parts = {"MR": [split.mr], "Dacha": split.dachas, "Edge": split.edges}
        for part in order:
            if part == order[-1]:
                await last(missing_seconds)
            if part == "NATS":
                split.nats.start()
            for role in parts.get(part, ()):
                role.launch()
            await last(_BETWEEN_SECONDS)
        for role in split.roles:
            await world.off_thread(role.wait_ready)

    return act


ORDERS = {f"start {', '.join(order)}": Fault(_started(order)) for order in permutations(_PARTS)}
FAULTS = {
    "start without MR for long": Fault(
        _started(("Edge", "Dacha", "NATS", "MR"), missing_seconds=LONG_SECONDS)
    )
}
