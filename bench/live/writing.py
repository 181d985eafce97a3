"""Changes at a rate, for as long as a run lasts, each with the instant of its request."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle

import httpx2
import trio

from bench.live.admin import Admin, AdminRefused
from bench.load.told import sent_value

VALUE_BYTES = 200
"""About 500 bytes of an event."""

_AGAIN_SECONDS = 0.05


@dataclass(slots=True)
class Written:
    """What was written so far.

    Attributes:
        changes: Changes that MR answered with 2xx.
        refused: Those that it answered with anything else, or not at all.
        answer_seconds: How long each answer took.
    """

    changes: int = 0
    refused: list[str] = field(default_factory=list)
    answer_seconds: list[float] = field(default_factory=list)


async def write(admin: Admin, place: tuple[str, str], written: Written) -> None:
    """Change one feature, and note what came of it."""
    sent_ns = time.monotonic_ns()
    try:
        await admin.change(*place, sent_value(sent_ns, VALUE_BYTES))
    except (AdminRefused, httpx2.TransportError) as error:
        written.refused.append(str(error) or repr(error))
        await trio.sleep(_AGAIN_SECONDS)
        return
    written.changes += 1
    written.answer_seconds.append((time.monotonic_ns() - sent_ns) / 1e9)


@asynccontextmanager
async def writing(
    admin: Admin, places: Sequence[tuple[str, str]], per_second: float
) -> AsyncIterator[Written]:
    """Change one place after the other, so many a second, as long as the block lasts."""
    written = Written()
    ended = trio.Event()

    async def go_on() -> None:
        due = trio.current_time()
        for place in cycle(places):
            if ended.is_set():
                return
            await write(admin, place, written)
            # What MR did not manage in time is not made up for: it would come as a flood.
            due = max(due + 1 / per_second, trio.current_time())
            with trio.move_on_at(due):
                await ended.wait()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(go_on)
        try:
            yield written
        finally:
            ended.set()


async def write_all(admin: Admin, places: Sequence[tuple[str, str]], *, at_once: int) -> Written:
    """Change every place once, `at_once` at a time."""
    written = Written()
    waiting = iter(places)

    async def take_turns() -> None:
        for place in waiting:
            await write(admin, place, written)

    async with trio.open_nursery() as nursery:
        for _ in range(at_once):
            nursery.start_soon(take_turns)
    return written
