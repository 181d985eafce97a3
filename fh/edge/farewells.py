"""Goodbye to many streams: spread, so that they don't all come back at once."""

import random
from collections.abc import Callable, Sequence
from math import ceil
from typing import Final

import trio

from fh.edge.connection import Connection

_MOST_PER_TURN: Final = 500
_FEWEST_PER_TURN: Final = 10
_PAUSE_SECONDS: Final = 0.05


async def say_goodbye(
    streams: Sequence[Connection],
    end: Callable[[Connection], None],
    *,
    last: Callable[[Connection], bool],
    seconds: float,
    jitter: random.Random,
) -> None:
    """Have `end` end all streams, spread over so many seconds; a few need not wait for each other.

    The order is any, but for those of whom `last` says that they come last.
    """
    shuffled = list(streams)
    jitter.shuffle(shuffled)
    shuffled.sort(key=last)
    pauses = max(1.0, seconds / _PAUSE_SECONDS)
    per_turn = min(_MOST_PER_TURN, max(_FEWEST_PER_TURN, ceil(len(shuffled) / pauses)))
    batches = range(0, len(shuffled), per_turn)
    for start in batches:
        for connection in shuffled[start : start + per_turn]:
            end(connection)
        if start + per_turn < len(shuffled):
            await trio.sleep(seconds / len(batches))
        else:
            await trio.lowlevel.checkpoint()
