"""One worker's place: its process, those before it, and the one that takes its turn."""

from dataclasses import dataclass
from functools import partial

import trio

from fh.edge.engine_statistics import EngineStatistics
from fh.edge.lag import LoopLag
from fh.edge.link_parent import LinkLimits, ParentLink
from fh.roles.edge_worker import WorkerSettings
from fh.roles.tally import Tally
from fh.roles.worker_process import Patience, Surroundings, WorkerProcess


@dataclass(frozen=True, slots=True)
class WorkerStatistics:
    """One worker at this moment; `pid` is None while there is no process."""

    number: int
    pid: int | None
    is_ready: bool
    starts: int
    dropped: int
    engine: EngineStatistics
    lag: LoopLag


class WorkerSlot:
    """One worker's place: its process, and what those before it counted."""

    def __init__(
        self,
        told: WorkerSettings,
        surroundings: Surroundings,
        limits: LinkLimits,
        patience: Patience,
    ) -> None:
        self.number = told.number
        self._make = partial(WorkerProcess, told, surroundings, limits)
        self._patience = patience
        self._process: WorkerProcess | None = None
        self._ready = trio.Event()
        self._is_renewed = False
        self._starts = 0
        self._dropped = 0
        self._tally = Tally()

    @property
    def is_ready(self) -> bool:
        """Whether it takes connections, as far as anybody knows."""
        return self._process is not None and self._process.is_serving

    @property
    def tally(self) -> Tally:
        """What was counted here, by now."""
        if self._process is not None:
            self._tally.see(self._process.link.figures)
        return self._tally

    @property
    def link(self) -> ParentLink | None:
        """The link to the process, while it takes connections."""
        return self._process.link if self._process is not None and self.is_ready else None

    def launch(self) -> WorkerProcess:
        """Start the process, ahead of `run` or in it."""
        self._starts += 1
        self._process = self._make()
        return self._process

    async def wait_ready(self) -> None:
        """Return when a process of this place takes connections, or took them just now."""
        await self._ready.wait()

    def renew(self) -> None:
        """Have the process end, and another one take its place."""
        if self._process is not None:
            self._is_renewed = True
            self._went_down()
            self._process.drain()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Run one process to its end, and again when it was renewed; see `WorkerProcess.run`."""
        announcement = _Announcement(self, task_status)
        while True:
            process = self._process or self.launch()
            try:
                await process.run(self._patience, task_status=announcement)
            finally:
                self._went_down()
                self.tally.close()
                self._dropped += process.link.dropped
                self._process = None
            if not self._is_renewed:
                return
            self._is_renewed = False

    def came_up(self) -> None:
        """Hear that the process takes connections."""
        self._ready.set()

    def _went_down(self) -> None:
        # Whoever waits already has this event.
        if self._ready.is_set():
            self._ready = trio.Event()

    def announce(self, frame: bytes | None) -> None:
        """Have the worker told; without one, the next asks for everything anyway."""
        if self._process is not None:
            self._process.link.announce(frame)

    def order(self, frame: bytes) -> None:
        """Have the worker told what operators want; the next one hears it at its start."""
        if self._process is not None:
            self._process.link.order(frame)

    def drain(self) -> None:
        """Have the worker end, and none come after it."""
        self._is_renewed = False
        if self._process is not None:
            self._process.drain()

    async def discard(self) -> None:
        """End a process that was launched and never run."""
        if self._process is not None:
            process, self._process = self._process, None
            await process.discard()

    def statistics(self) -> WorkerStatistics:
        """Return what is known at this moment."""
        process = self._process
        return WorkerStatistics(
            number=self.number,
            pid=None if process is None else process.pid,
            is_ready=self.is_ready,
            starts=self._starts,
            dropped=self._dropped + (0 if process is None else process.link.dropped),
            engine=self.tally.engine,
            lag=self.tally.lag,
        )


class _Announcement:
    """Tells a slot each time that its process is ready, and the supervisor the first time."""

    def __init__(self, slot: WorkerSlot, task_status: trio.TaskStatus[None]) -> None:
        self._slot = slot
        self._task_status: trio.TaskStatus[None] | None = task_status

    def started(self, _: object = None) -> None:
        self._slot.came_up()
        if self._task_status is not None:
            self._task_status.started()
            self._task_status = None
