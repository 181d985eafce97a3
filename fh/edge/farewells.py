"""How Edge ends: goodbyes, spread so that nobody comes back in a crowd, and last answers."""

import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from math import ceil
from typing import Final

import trio

from fh.edge.connection import Connection
from fh.edge.connections import Connections

_MOST_PER_TURN: Final = 500
_FEWEST_PER_TURN: Final = 10
_PAUSE_SECONDS: Final = 0.05
_LOOK_SECONDS: Final = 0.02

LAST_WORDS_SECONDS: Final = 1.0
"""What clients are given at least, to ask and to read."""


async def leave(
    connections: Connections,
    end: Callable[[Connection], None],
    *,
    last: Callable[[Connection], bool],
    grace_seconds: float,
    jitter: random.Random,
    wait_all_written: Callable[[], Awaitable[None]],
) -> None:
    """Have `end` end every stream, spread over the grace period, and let who has asked be answered.

    See `say_goodbye` for `last`. `wait_all_written` waits until clients have read.
    """
    began_at = trio.current_time()
    await say_goodbye(
        connections.of_streams(), end, last=last, seconds=grace_seconds, jitter=jitter
    )
    await wait_answered(connections, began_at, grace_seconds)
    # Whoever writes to a relay's client still has to pass the farewell on, and others to read.
    with trio.move_on_after(LAST_WORDS_SECONDS):
        await connections.wait_relays_left()
        await wait_all_written()


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


async def wait_answered(
    connections: Iterable[Connection], since: float, grace_seconds: float
) -> None:
    """Return when nobody among `connections` waits for an answer, or the grace period is over.

    It began at `since`. Whoever has connected and sent nothing so far gets less of it.
    """
    with trio.move_on_at(since + max(LAST_WORDS_SECONDS, grace_seconds)):
        with trio.move_on_at(since + LAST_WORDS_SECONDS):
            await _wait_nobody(lambda: (each.is_new or each.is_asking for each in connections))
        await _wait_nobody(lambda: (each.is_asking for each in connections))


async def _wait_nobody(waits: Callable[[], Iterable[bool]]) -> None:
    while any(waits()):  # noqa: ASYNC110  an event would cost every request something
        await trio.sleep(_LOOK_SECONDS)
