"""When Python looks for garbage: on purpose, and never in the middle of a broadcast.

What is alive after the start, and after each look, is frozen: no look at it again costs anything.
What Edge keeps is freed by its reference counts; cycles are few and mostly young. So the automatic
looks are left to the young, and full ones are made here, when nothing is being written. A thorough
one, at what is frozen, too, is rare, for it takes as long as there is memory; where that is too
long it is not made at all.

It is the process's: whoever else lives in it is looked after as well.
"""

import gc
from collections.abc import Callable
from typing import Final

import structlog
import trio

log = structlog.get_logger()

_YOUNG: Final = 5_000
_YOUNG_TIMES: Final = 10
_NEVER: Final = 1_000_000_000
_PAUSE_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 0.2
_THOROUGH_EVERY: Final = 60
_MOST_LOOKED_AT: Final = 500_000  # objects: a third of a second


def freeze_what_lives() -> None:
    """Never look at what is alive now: most of it lives until the end."""
    gc.collect()
    gc.freeze()


async def collect_garbage(
    is_writing: Callable[[], bool],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Look for garbage every minute, while nothing is being written; until cancelled.

    As long as it runs, Python makes no full look by itself.
    """
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG, _YOUNG_TIMES, _NEVER)
    try:
        task_status.started()
        looks = 0
        while True:
            await trio.sleep(_PAUSE_SECONDS)
            while is_writing():  # noqa: ASYNC110  a moment without writes is no event
                await trio.sleep(_RETRY_SECONDS)
            looks += 1
            collect_once(thorough=looks % _THOROUGH_EVERY == 0)
    finally:
        gc.set_threshold(*before)


def collect_once(*, thorough: bool) -> None:
    """Look for garbage among what is new since the last time; thorough, among all there is.

    With very many objects a thorough one would stop everything for seconds: then it is not made.
    """
    thorough = thorough and gc.get_freeze_count() <= _MOST_LOOKED_AT
    if thorough:
        gc.unfreeze()
    start = trio.current_time()
    found = gc.collect()
    gc.freeze()
    log.debug(
        "garbage_collected",
        found=found,
        thorough=thorough,
        milliseconds=round((trio.current_time() - start) * 1e3, 1),
    )
