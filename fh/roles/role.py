"""What every role is: parts under one supervisor, and the ports through which clients come."""

from collections.abc import Callable, Sequence

import trio
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from fh.actors.child import ServiceSpec
from fh.actors.restart import Intensity
from fh.actors.supervisor import Supervisor
from fh.edge.door import Door
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
    of what it needs. Doors are last up and first down.
    """

    def __init__(
        self,
        name: str,
        parts: Sequence[ServiceSpec],
        doors: Sequence[Door | Workers],
        *,
        reload: Callable[[], None] | None = None,
    ) -> None:
        """Have `doors[0]` be the one that clients come through, the others for operators.

        `reload` is what SIGHUP means besides.
        """
        self.name = name
        self._reload = reload
        self._doors = doors
        specs = [
            door.spec()
            if isinstance(door, Workers)
            else ServiceSpec(f"door-{number}" if number else "door", door.run)
            for number, door in enumerate(doors)
        ]
        self._supervisor = Supervisor(name, [*parts, *reversed(specs)], intensity=_INTENSITY)

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
            await self._supervisor.run(task_status=task_status)
        finally:
            for door in self._doors:
                door.close()

    def stop(self) -> None:
        """Say goodbye to every stream, answer what is under way, and end everything in order."""
        self._supervisor.stop()
