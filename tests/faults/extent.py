"""How large and how long the tests of faults are, as `FH_FAULTS` says.

Nothing: a few of them for the gate. `quick`: each, small and short. `full`: each as the report
shows it.
"""

import os

import trio

from tests.faults.world import Size

FULL = os.environ.get("FH_FAULTS") == "full"
SIZE = (
    Size(streams=1000, pollers=60, polls=10_000, healthy_updates=10)
    if FULL
    else Size(streams=200, pollers=8, polls=0, healthy_updates=0)
)
LEAST_POLLS = 20  # to believe that an Edge serves
LONG_SECONDS = 120.0 if FULL else 15.0

_AWAY_SECONDS = 8.0 if FULL else 3.0


async def last(seconds: float = _AWAY_SECONDS) -> None:
    """Let a fault last: time is what it consists of."""
    await trio.sleep(seconds)
