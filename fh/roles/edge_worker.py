"""One of several Edges on one port: a process of its own, fed by its parent.

    edge-worker (one_for_one)
    ├── dacha               a small cache; asks the parent's
    ├── deliveries          what the parent heard of the bus; Dacha hears it before Edge does
    ├── lag                 measures how late the event loop is
    ├── figures             tells the parent once a second what was counted
    ├── garbage             looked for every minute, when nothing is being written
    ├── edge                streams, polls and WebSockets
    ├── orders              does what operators want, and the parent passes on
    └── door                its share of the port; last up, first down

It ends when its parent says so, when it gets SIGTERM, or when the parent is gone, however that
died: the link is at its end then. Each way streams are told goodbye first. It needs no secrets and
reads no configuration: the parent's first word holds its settings.

An asyncio client, a web framework or a database would cost every worker memory and time for its
start; none of them is imported here.
"""

import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final, assert_never

import msgspec
import structlog
import trio

from fh.actors.child import ServiceSpec
from fh.actors.errors import ActorError
from fh.actors.restart import Intensity
from fh.actors.supervisor import Supervisor
from fh.bus.port import Delivery
from fh.bus.subscribers import Subscribers
from fh.dacha.dacha import Dacha
from fh.dacha.settings import DachaSettings
from fh.edge.door import Door, listen, raise_descriptor_limit
from fh.edge.edge import Edge
from fh.edge.engine_statistics import NOTHING_COUNTED
from fh.edge.garbage import collect_garbage, freeze_what_lives
from fh.edge.hand_over import Giver
from fh.edge.lag import LagMeter
from fh.edge.link import CensusTaken, Dismiss, Dismissed, Figures, Ready, TakeCensus
from fh.edge.link_worker import ParentGone, WorkerLink
from fh.edge.orders import Standing
from fh.edge.settings import EdgeSettings
from fh.errors import FeatureHubError
from fh.log import configure_logging

log = structlog.get_logger()

_OK: Final = 0
_FAILED: Final = 1
_INTENSITY: Final = Intensity(restarts=10, within_seconds=60.0)
_FIGURES_SECONDS: Final = 1.0
_RELOAD_JITTER_SECONDS: Final = 0.1
_LOAD_SECONDS: Final = 30.0
"""The parent answers every question in its own time, with a no if it has to. Whoever gave up sooner
would only ask again: many workers that start at once would keep it busy for ever."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told at its start.

    `niceness` is by how much it stands back behind its parent when processors are scarce.
    """

    number: int
    host: str
    port: int
    edge: EdgeSettings
    dacha: DachaSettings
    log_level: str
    log_format: str
    niceness: int = 0


def own_dacha(settings: DachaSettings) -> DachaSettings:
    """Return the settings of a worker's Dacha for a parent's Dacha with `settings`.

    It keeps only what was asked for here: whatever else there is, the parent keeps for everybody.
    """
    return replace(
        settings,
        cache_all_updates=False,
        reload_jitter_seconds=_RELOAD_JITTER_SECONDS,
        load_seconds=_LOAD_SECONDS,
    )


class EdgeWorker:
    """Everything in the process but the link; a service, run once."""

    def __init__(self, link: WorkerLink, giver: Giver, settings: WorkerSettings) -> None:
        self._link = link
        self._settings = settings
        self._descriptors = raise_descriptor_limit()
        self._dacha = Dacha(link, own_dacha(settings.dacha))
        self._edge = Edge(
            self._dacha.lookup,
            link,
            settings.edge,
            giver.give_elsewhere,
            giver.give_other_protocol,
        )
        self._lag = LagMeter()
        self._obeyed: Standing | None = None
        self._deliveries = Subscribers()
        # In this order: what Edge hears of, Dacha has heard of.
        self._deliveries.subscribe("dacha", self._dacha.on_delivery)
        self._deliveries.subscribe_timed("edge", self._edge.on_delivery)
        self._dacha.follow("edge", self._edge.on_delivery)
        grace_seconds = settings.edge.grace_seconds
        self._supervisor = Supervisor(
            "edge-worker",
            [
                ServiceSpec("dacha", self._dacha.run, drain=self._dacha.stop, drain_seconds=1.0),
                ServiceSpec("deliveries", self._pass_on),
                ServiceSpec("lag", self._lag.run),
                ServiceSpec("figures", self._report),
                ServiceSpec("garbage", self._collect_garbage),
                ServiceSpec(
                    "edge",
                    self._edge.run,
                    drain=self._edge.drain,
                    drain_seconds=grace_seconds + 2.0,
                ),
                ServiceSpec("orders", self._follow_orders),
                ServiceSpec("door", self._open_door),
            ],
            intensity=_INTENSITY,
        )

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until stopped or cancelled.

        Raises:
            ChildStartFailed: a part could not start; chained to the reason.
            RestartIntensityExceeded: a part failed too often; chained to the last failure.
        """
        await self._supervisor.run(task_status=task_status)

    def stop(self) -> None:
        """Take no more connections, say goodbye to every stream, and end."""
        self._supervisor.stop()

    async def _pass_on(self, *, task_status: trio.TaskStatus[None]) -> None:
        await self._link.pass_on(self._deliver, task_status=task_status)

    async def _deliver(self, delivery: Delivery, committed_at: float | None) -> None:
        await self._deliveries.deliver(delivery, committed_at)

    async def _collect_garbage(self, *, task_status: trio.TaskStatus[None]) -> None:
        await collect_garbage(lambda: self._edge.is_writing, task_status=task_status)

    async def _report(self, *, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        engine = NOTHING_COUNTED
        while True:
            # Between two lives of Edge the last figures say that the process is well.
            engine = self._edge.statistics() or engine
            self._link.report(Figures(engine, self._edge.patterns_cut_off(), self._lag.lag()))
            await trio.sleep(_FIGURES_SECONDS)

    async def _follow_orders(self, *, task_status: trio.TaskStatus[None]) -> None:
        self._obey()
        task_status.started()
        while True:
            order = await self._link.orders.receive()
            self._obey()
            match order:
                case TakeCensus(number, wanted):
                    census = await self._edge.census(wanted)
                    self._link.report(CensusTaken(number, census))
                case Dismiss(number, dismissal):
                    self._link.report(Dismissed(number, self._edge.dismiss(dismissal)))
                case Standing():
                    pass
                case _:
                    assert_never(order)

    def _obey(self) -> None:
        standing = self._link.standing
        # Once each: what is left of a pause was told as of then.
        if standing is not self._obeyed:
            self._obeyed = standing
            self._edge.orders.obey(standing)
            self._edge.obey()

    async def _open_door(self, *, task_status: trio.TaskStatus[None]) -> None:
        settings = self._settings
        listener = listen(settings.host, settings.port, settings.edge, shared=True)
        door = Door(listener, self._edge.adopt, descriptors=self._descriptors)
        try:
            await door.run(task_status=task_status)
        finally:
            # Closed at once, so that from here on the others are dealt what comes.
            if self._edge.life is not None:
                door.accept_waiting()
            door.close()


async def serve(link_socket: socket.socket, channel: socket.socket) -> int:
    """Serve until told to end, or until the parent is gone; return the exit status."""
    link = WorkerLink(trio.SocketStream(trio.socket.from_stdlib_socket(link_socket)))
    status = _OK
    try:
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(link.run)
                await _serve(link, Giver(channel), signals)
                nursery.cancel_scope.cancel()
    except* ParentGone:
        pass  # before it said a word: there is nothing to end
    except* FeatureHubError as failed:
        log.error("edge_worker_failed", reason=_told(failed))  # noqa: TRY400  the reason says it all
        status = _FAILED
    return status if link.fault is None else _FAILED


async def _serve(link: WorkerLink, giver: Giver, signals: AsyncIterator[int]) -> None:
    settings = msgspec.json.decode(await link.settings(), type=WorkerSettings)
    configure_logging(settings.log_level, settings.log_format)
    structlog.contextvars.bind_contextvars(worker=settings.number)
    if settings.niceness:
        os.nice(settings.niceness)
    worker = EdgeWorker(link, giver, settings)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_stop_when_told, link, worker)
        nursery.start_soon(_stop_on_signal, signals, worker)
        await worker.run(task_status=_Announcement(link))
        nursery.cancel_scope.cancel()


async def _stop_when_told(link: WorkerLink, worker: EdgeWorker) -> None:
    await link.draining.wait()
    worker.stop()


async def _stop_on_signal(signals: AsyncIterator[int], worker: EdgeWorker) -> None:
    async for _ in signals:
        worker.stop()


class _Announcement:
    """Tells the parent that connections are taken."""

    def __init__(self, link: WorkerLink) -> None:
        self._link = link

    def started(self, _: object = None) -> None:
        freeze_what_lives()
        self._link.report(Ready())


def _told(failed: BaseExceptionGroup[BaseException]) -> str:
    """Return the reason of the refusal at the bottom."""
    found: BaseException = failed
    while True:
        if isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        elif isinstance(found, ActorError) and found.__cause__ is not None:
            found = found.__cause__
        else:
            return str(found)


def main(arguments: list[str]) -> int:
    """Serve on the inherited descriptors of the link and of the channel for connections."""
    # A terminal sends it to everybody; who ends and when is the parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    link_socket, channel = (socket.socket(fileno=int(each)) for each in arguments)
    return trio.run(serve, link_socket, channel)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
