"""Goodbye to many streams: spread, so that they don't all come back at once."""

import random
from collections.abc import Callable, Sequence
from typing import Final

import trio

from fh.edge.connection import Connection

_PER_TURN: Final = 500


async def say_goodbye(
    streams: Sequence[Connection],
    end: Callable[[Connection], None],
    *,
    seconds: float,
    jitter: random.Random,
) -> None:
    """Have `end` end all streams, in any order, spread over so many seconds."""
    shuffled = list(streams)
    jitter.shuffle(shuffled)
    batches = range(0, len(shuffled), _PER_TURN)
    pause = seconds / max(1, len(batches))
    for start in batches:
        for connection in shuffled[start : start + _PER_TURN]:
            end(connection)
        if start + _PER_TURN < len(shuffled):
            await trio.sleep(pause)
        else:
            await trio.lowlevel.checkpoint()
