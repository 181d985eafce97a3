"""What every role is: parts under one supervisor, and the ports through which clients come."""

from collections.abc import Callable, Sequence

import trio
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from fh.actors.child import ServiceSpec
from fh.actors.restart import Intensity
from fh.actors.supervisor import Supervisor
from fh.edge.door import Door
from fh.http.health import HealthChecks
from fh.roles.log_metrics import LogCollector
from fh.roles.workers import Workers

_INTENSITY = Intensity(restarts=10, within_seconds=60.0)


def new_registry() -> CollectorRegistry:
    """Return the metrics of a process, those of Python and of its log in it."""
    registry = CollectorRegistry()
    registry.register(LogCollector())
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry


class Role:
    """One role; a service, run once.

    Its parts start in the order given, each when the one before is ready, and end in the reverse.
    While they run, the failure of one is no reason to restart another: each lives with the absence
    of what it needs. The door for clients is last up and first down, that for operators the other
    way round: they see what a start waits for, and how an end goes on.
    """

    def __init__(
        self,
        name: str,
        parts: Sequence[ServiceSpec],
        doors: Sequence[Door | Workers],
        *,
        health: HealthChecks,
        operators: Sequence[ServiceSpec] = (),
        reload: Callable[[], None] | None = None,
    ) -> None:
        """Have `doors[0]` be the one that clients come through, the others for `operators`.

        `health` is told of the start and the end: alive all the time, ready only in between.
        `reload` is what SIGHUP means besides.
        """
        self.name = name
        self._reload = reload
        self._doors = doors
        self._health = health
        health.hold("it is starting")
        door, *others = (
            door.spec()
            if isinstance(door, Workers)
            else ServiceSpec(f"door-{number}" if number else "door", door.run)
            for number, door in enumerate(doors)
        )
        self._supervisor = Supervisor(
            name, [*operators, *others, *parts, door], intensity=_INTENSITY
        )

    @property
    def reload(self) -> Callable[[], None] | None:
        """What SIGHUP means: files are read anew and workers replaced; None: nothing."""
        renewals = [door.renew for door in self._doors if isinstance(door, Workers)]
        if self._reload is None and not renewals:
            return None
        return lambda: self._do_reload(renewals)

    def _do_reload(self, renewals: Sequence[Callable[[], None]]) -> None:
        if self._reload is not None:
            self._reload()
        for renew in renewals:
            renew()

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return self._doors[0].port

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until stopped or cancelled.

        Raises:
            ChildStartFailed: a part could not start; chained to the reason.
            RestartIntensityExceeded: a part failed too often; chained to the last failure.
        """
        try:
            await self._supervisor.run(task_status=_Started(self._health, task_status))
        finally:
            for door in self._doors:
                door.close()

    def stop(self) -> None:
        """Say goodbye to every stream, answer what is under way, and end everything in order."""
        self._health.hold("it is ending")
        self._supervisor.stop()


class _Started:
    """Passes on that everything is up, once probes may say so."""

    def __init__(self, health: HealthChecks, task_status: trio.TaskStatus[None]) -> None:
        self._health = health
        self._task_status = task_status

    def started(self, _: object = None) -> None:
        self._health.release()
        self._task_status.started()
