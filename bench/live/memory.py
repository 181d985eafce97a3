"""What is left of the machine's memory, and a guard that ends a run in time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import trio

LEAST_AVAILABLE_BYTES: Final = 3 << 29
"""1.5 GiB: below it the kernel starts to throw out what the machine needs to go on."""

_LOOK_SECONDS: Final = 0.25
_KIB: Final = 1_024


class MemoryLow(Exception):
    """The machine's memory is nearly used up; the run was ended before it was."""


@dataclass(slots=True)
class MemoryWatch:
    """The machine's memory over time.

    Attributes:
        before_bytes: What was available when the watch began.
        least_bytes: The least that was since.
        seen: Seconds since then, with what was available; about one a second.
    """

    before_bytes: int
    least_bytes: int
    seen: list[tuple[float, int]] = field(default_factory=list)

    @property
    def taken_bytes(self) -> int:
        """What was taken at most, by whomever."""
        return self.before_bytes - self.least_bytes


def available_bytes() -> int:
    """Return what could be had without anything being thrown out but caches."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * _KIB
    raise MemoryLow("this kernel does not tell what memory is available")


@asynccontextmanager
async def guarded_memory(least: int | None = None) -> AsyncIterator[MemoryWatch]:
    """Watch the machine's memory; end the block when less than `least` bytes are available.

    `least` is LEAST_AVAILABLE_BYTES unless told.

    Raises:
        MemoryLow: it was ended, in a group.
    """
    least = LEAST_AVAILABLE_BYTES if least is None else least
    now = available_bytes()
    watch = MemoryWatch(now, now)
    began = trio.current_time()

    async def look() -> None:
        while True:
            available, at = available_bytes(), trio.current_time() - began
            watch.least_bytes = min(watch.least_bytes, available)
            if not watch.seen or at - watch.seen[-1][0] >= 1:
                watch.seen.append((at, available))
            if available < least:
                raise MemoryLow(
                    f"only {available / 2**30:.1f} GiB of memory were available: "
                    "ended before the machine ran out of it"
                )
            await trio.sleep(_LOOK_SECONDS)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        yield watch
        nursery.cancel_scope.cancel()
