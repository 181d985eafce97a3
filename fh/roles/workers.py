"""Edge on more than one core: supervised worker processes on one port.

    workers (one_for_one)
    ├── worker-0            the process with number 0, started again when it dies
    ├── worker-1
    └── …

The system deals connections out to the workers (SO_REUSEPORT). The parent only keeps the port; a
socket of its own that listened would be dealt connections, too, and leave them waiting. It speaks
to the bus and to MR on behalf of all, so none of them needs a connection or a secret of its own.

A worker that dies is started again by itself, after a pause that grows while it goes on dying; its
clients reconnect and are dealt to another one meanwhile. One that says nothing for too long is
killed. None is ever given up: whoever watches the process finds it not ready.
"""

import socket
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog
import trio

from fh.actors.child import ServiceSpec
from fh.actors.restart import Backoff, Intensity, Restart
from fh.actors.supervisor import Supervisor
from fh.bus.port import Delivery
from fh.dacha.settings import DachaSettings
from fh.edge.engine import EngineStatistics
from fh.edge.link import FrameTooLarge, encode_delivery
from fh.edge.link_parent import LinkLimits
from fh.edge.settings import EdgeSettings
from fh.roles.edge_worker import WorkerSettings
from fh.roles.tally import Tally, total
from fh.roles.worker_process import Patience, Surroundings, WorkerProcess

log = structlog.get_logger()

_BACKOFF: Final = Backoff(first_seconds=0.05, maximum_seconds=5.0)
_WITHIN_SECONDS: Final = 60.0
_RESTARTS_OF_EACH: Final = 60  # more than the backoff lets happen
_END_SECONDS: Final = 4.0


@dataclass(frozen=True, slots=True)
class WorkersSettings:
    """How many workers there are, and what each of them is told."""

    count: int
    host: str
    edge: EdgeSettings
    dacha: DachaSettings
    log_level: str
    log_format: str
    start_seconds: float = 60.0
    limits: LinkLimits = field(default_factory=LinkLimits)


@dataclass(frozen=True, slots=True)
class WorkerStatistics:
    """One worker at this moment; `pid` is None while there is no process."""

    number: int
    pid: int | None
    is_ready: bool
    starts: int
    dropped: int
    engine: EngineStatistics


class Workers:
    """All workers of a port; a service. `on_delivery` hears the bus after the parent's Dacha."""

    def __init__(
        self, reserved: socket.socket, settings: WorkersSettings, surroundings: Surroundings
    ) -> None:
        """Serve on the port that `reserved` keeps (see `fh.edge.door.reserve`)."""
        self._reserved = reserved
        self._slots = [
            _Slot(self._settings_for(settings, number), settings, surroundings)
            for number in range(settings.count)
        ]
        self._end_seconds = _end_seconds(settings)
        self._supervisor = Supervisor(
            "workers",
            [
                ServiceSpec(
                    f"worker-{slot.number}",
                    slot.run,
                    Restart.TRANSIENT,
                    drain=slot.drain,
                    # It ends itself in time.
                    drain_seconds=self._end_seconds + 2 * _END_SECONDS,
                )
                for slot in self._slots
            ],
            intensity=Intensity(_RESTARTS_OF_EACH * settings.count, _WITHIN_SECONDS),
            backoff=_BACKOFF,
        )

    def spec(self) -> ServiceSpec:
        """Return the service: after whatever takes connections that workers can't serve."""
        return ServiceSpec(
            "workers", self.run, drain=self.drain, drain_seconds=self._end_seconds + _END_SECONDS
        )

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        port: int = self._reserved.getsockname()[1]
        return port

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled, or until all workers have ended after `drain`.

        Raises:
            ChildStartFailed: a worker could not start the first time; chained to the reason.
        """
        try:
            # All at once: each takes half a second until it is ready.
            for slot in self._slots:
                slot.launch()
            await self._supervisor.run(task_status=task_status)
        finally:
            for slot in self._slots:
                await slot.discard()

    def drain(self) -> None:
        """Have all workers say goodbye to their streams, at the same time, and end."""
        for slot in self._slots:
            slot.drain()
        self._supervisor.stop()

    def close(self) -> None:
        """Give the port back."""
        self._reserved.close()

    async def on_delivery(self, delivery: Delivery) -> None:
        """Tell all workers what the bus brought, or what Dacha found; never waits."""
        frame: bytes | None
        try:
            frame = encode_delivery(delivery)
        except FrameTooLarge as refusal:
            log.error("announcement_too_large", reason=str(refusal))  # noqa: TRY400  the reason says it all
            frame = None
        for slot in self._slots:
            slot.announce(frame)

    @property
    def is_serving(self) -> bool:
        """Whether at least one worker takes connections."""
        return any(slot.is_ready for slot in self._slots)

    def statistics(self) -> EngineStatistics:
        """Return the sum of what the workers counted, those that are gone included."""
        return total([slot.tally.engine for slot in self._slots])

    def patterns_cut_off(self) -> int:
        """Return how many regular expressions they gave up because they took too long."""
        return sum(slot.tally.patterns_cut_off for slot in self._slots)

    def each(self) -> list[WorkerStatistics]:
        """Return what is known of each worker."""
        return [slot.statistics() for slot in self._slots]

    def _settings_for(self, settings: WorkersSettings, number: int) -> WorkerSettings:
        return WorkerSettings(
            number,
            settings.host,
            self.port,
            settings.edge,
            settings.dacha,
            settings.log_level,
            settings.log_format,
        )


def _end_seconds(settings: WorkersSettings) -> float:
    return settings.edge.grace_seconds + _END_SECONDS


class _Slot:
    """One worker's place: its process, and what those before it counted."""

    def __init__(
        self, told: WorkerSettings, settings: WorkersSettings, surroundings: Surroundings
    ) -> None:
        self.number = told.number
        self._make = partial(WorkerProcess, told, surroundings, settings.limits)
        self._patience = Patience(settings.start_seconds, _end_seconds(settings))
        self._process: WorkerProcess | None = None
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

    def launch(self) -> WorkerProcess:
        """Start the process, ahead of `run` or in it."""
        self._starts += 1
        self._process = self._make()
        return self._process

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Run one process to its end; see `WorkerProcess.run`."""
        process = self._process or self.launch()
        try:
            await process.run(self._patience, task_status=task_status)
        finally:
            self.tally.close()
            self._dropped += process.link.dropped
            self._process = None

    def announce(self, frame: bytes | None) -> None:
        """Have the worker told; without one, the next asks for everything anyway."""
        if self._process is not None:
            self._process.link.announce(frame)

    def drain(self) -> None:
        """Have the worker end."""
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
        )
