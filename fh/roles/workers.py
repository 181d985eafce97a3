"""Edge on more than one core: supervised worker processes on one port.

    workers (one_for_one)
    ├── worker-0            the process with number 0, started again when it dies
    ├── worker-1
    ├── …
    └── renewals            replaces one process after the other, when told to

The system deals connections out to the workers (SO_REUSEPORT). The parent only keeps the port; a
socket of its own that listened would be dealt connections, too, and leave them waiting. It speaks
to the bus and to MR on behalf of all, so none of them needs a connection or a secret of its own.

A worker that dies is started again by itself, after a pause that grows while it goes on dying; its
clients reconnect and are dealt to another one meanwhile. One that says nothing for too long is
killed. None is ever given up: whoever watches the process finds it not ready.

Renewed, each process says goodbye to its streams over the grace period and ends; the next one's
turn comes when all are ready again. So all but one serve throughout.
"""

import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog
import trio

from fh.actors.child import ServiceSpec
from fh.actors.restart import Backoff, Intensity, Restart
from fh.actors.supervisor import Supervisor
from fh.bus.port import Delivery
from fh.dacha.settings import DachaSettings
from fh.edge.engine_statistics import NOTHING_COUNTED, EngineStatistics
from fh.edge.lag import LoopLag
from fh.edge.link import FrameTooLarge, encode_delivery, encode_frame
from fh.edge.link_parent import LinkLimits, ParentLink, WorkerBusy
from fh.edge.orders import Standing
from fh.edge.settings import EdgeSettings
from fh.roles.edge_worker import WorkerSettings
from fh.roles.worker_process import Patience, Surroundings
from fh.roles.worker_slot import WorkerSlot, WorkerStatistics

log = structlog.get_logger()

_BACKOFF: Final = Backoff(first_seconds=0.05, maximum_seconds=5.0)
_WITHIN_SECONDS: Final = 60.0
_RESTARTS_OF_EACH: Final = 60  # more than the backoff lets happen
_END_SECONDS: Final = 4.0
_NICENESS: Final = 5
"""More workers than processors: the one parent that feeds them would wait behind them all. Its turn
comes three times as often as a worker's then."""


T = TypeVar("T")


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


class Workers:
    """All workers of a port; a service. `on_delivery` hears the bus after the parent's Dacha."""

    def __init__(
        self, reserved: socket.socket, settings: WorkersSettings, surroundings: Surroundings
    ) -> None:
        """Serve on the port that `reserved` keeps (see `fh.edge.door.reserve`)."""
        self._reserved = reserved
        self._end_seconds = settings.edge.grace_seconds + _END_SECONDS
        patience = Patience(settings.start_seconds, self._end_seconds)
        self._slots = [
            WorkerSlot(
                self._settings_for(settings, number), surroundings, settings.limits, patience
            )
            for number in range(settings.count)
        ]
        self._renewal = trio.Event()
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
            ]
            + [ServiceSpec("renewals", self._renew_in_turns)],
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

    def renew(self) -> None:
        """Replace every process by a new one, one after the other, soon."""
        self._renewal.set()

    def close(self) -> None:
        """Give the port back."""
        self._reserved.close()

    async def on_delivery(self, delivery: Delivery, committed_at: float | None = None) -> None:
        """Tell all workers what the bus brought, or what Dacha found; never waits."""
        frame: bytes | None
        try:
            frame = encode_delivery(delivery, committed_at)
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
        return sum((slot.tally.engine for slot in self._slots), NOTHING_COUNTED)

    def patterns_cut_off(self) -> int:
        """Return how many regular expressions they gave up because they took too long."""
        return sum(slot.tally.patterns_cut_off for slot in self._slots)

    def lag(self) -> LoopLag:
        """Return how late their event loops are."""
        return sum((slot.tally.lag for slot in self._slots), LoopLag())

    def each(self) -> list[WorkerStatistics]:
        """Return what is known of each worker."""
        return [slot.statistics() for slot in self._slots]

    def order(self, standing: Standing) -> None:
        """Tell every worker what operators want; whoever begins later hears of it then."""
        frame = encode_frame(standing)
        for slot in self._slots:
            slot.order(frame)

    async def ask(
        self, question: Callable[[ParentLink], Awaitable[T]], *, within_seconds: float
    ) -> dict[int, T | None]:
        """Ask every worker at the same time; who has not answered then has None."""
        answers: dict[int, T | None] = {slot.number: None for slot in self._slots}

        async def ask_one(slot: WorkerSlot) -> None:
            if (link := slot.link) is not None:
                with suppress(WorkerBusy):
                    answers[slot.number] = await question(link)

        with trio.move_on_after(within_seconds):
            async with trio.open_nursery() as nursery:
                for slot in self._slots:
                    nursery.start_soon(ask_one, slot)
        return answers

    async def _renew_in_turns(self, *, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        while True:
            await self._renewal.wait()
            self._renewal = trio.Event()
            log.info("workers_renewing", workers=len(self._slots))
            for slot in self._slots:
                # One that is missing by itself is waited for: only one may be.
                await self._wait_all_ready()
                slot.renew()
            await self._wait_all_ready()
            log.info("workers_renewed", workers=len(self._slots))

    async def _wait_all_ready(self) -> None:
        while not all(slot.is_ready for slot in self._slots):
            for slot in self._slots:
                await slot.wait_ready()

    def _settings_for(self, settings: WorkersSettings, number: int) -> WorkerSettings:
        return WorkerSettings(
            number,
            settings.host,
            self.port,
            settings.edge,
            settings.dacha,
            settings.log_level,
            settings.log_format,
            niceness=_NICENESS if settings.count > (os.cpu_count() or 1) else 0,
        )
