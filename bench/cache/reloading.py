"""Everything checked again with MR, because events may have been missed, while serving goes on."""

from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import trio

from bench.cache.meter import MIDDLE, SLOW, Meter
from bench.cache.questions import views_of
from bench.deployment.asking import ask_all
from bench.deployment.contents import within_database
from bench.deployment.process import RoleProgram
from bench.deployment.shapes import Parts
from bench.load.percentiles import percentile
from bench.result import Cell, Row
from fh.db.port import Transaction
from fh.model.sdk_key import SdkKey

AT_ONCE = 4
"""Clients that go on asking meanwhile."""

_FOUND = 200
_BATCH = 20
_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 3_600.0

# As for somebody who was away for longer than the log reaches, or after a database was restored.
_OUT_OF_REACH = """
WITH gone AS (DELETE FROM event_log)
UPDATE event_position SET last = last + 20000, trimmed_to = last + 20000
"""


def reload_all(
    parts: Parts, dacha: RoleProgram, keys: Sequence[SdkKey], data_directory: Path
) -> Row:
    """Return what it takes to check everything because MR's log does not reach back far enough."""

    async def forget(tx: Transaction) -> None:
        await tx.execute(_OUT_OF_REACH)

    meter = Meter(dacha, parts.mr)
    goal = meter.asked() + 2 * len(keys)
    within_database(data_directory, forget)
    latencies, seconds = trio.run(_serve_until, dacha, keys, meter, goal)
    meanwhile: dict[str, Cell] = {}
    if latencies:
        meanwhile = {
            MIDDLE.name: median(latencies) * 1e3,
            SLOW.name: percentile(sorted(latencies), 99) * 1e3,
        }
    return meter.counted("reload after a long absence", 2 * len(keys), seconds, meanwhile)


async def _serve_until(
    dacha: RoleProgram, keys: Sequence[SdkKey], meter: Meter, goal: int
) -> tuple[list[float], float]:
    """Ask for views until Dacha has asked MR `goal` times; return the latencies and the time.

    Raises:
        UnexpectedAnswer: something else than 200 was answered.
        TooSlowError: Dacha does not get there.
    """
    latencies: list[float] = []
    began = trio.current_time()

    async def ask_on() -> None:
        questions = cycle(views_of(dacha, keys))
        while True:
            answers = await ask_all(list(islice(questions, _BATCH)), at_once=AT_ONCE)
            latencies.extend(answers.only(_FOUND).latencies_seconds)

    with trio.fail_after(_PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_on)
            while await trio.to_thread.run_sync(meter.asked) < goal:  # noqa: ASYNC110 - counted elsewhere
                await trio.sleep(_LOOK_SECONDS)
            nursery.cancel_scope.cancel()
    return latencies, trio.current_time() - began
