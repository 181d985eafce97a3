"""MR alone: the admin API, and what it announces to the caches.

mr (one_for_one)
├── operations      probes and metrics, and their door, where they have a port of their own
├── island          the asyncio thread of the database driver and of NATS
├── storage         PostgreSQL
├── bus             NATS
├── outbox          committed changes on their way to the bus
├── sweeper         throws away old events, kept answers and sessions
├── web             the admin API, and the truth for caches
└── door            the port
"""

import socket
from collections.abc import Sequence

import structlog

from fh.actors.child import ServiceSpec
from fh.aio import Island
from fh.bus.nats import NatsBus
from fh.http.health import HealthChecks
from fh.http.operations import operations_routes
from fh.http.routing import AnyRoute
from fh.http.truth_api import truth_routes
from fh.mr.event_log import DatabaseEventLog
from fh.mr.group_publishing import publishing
from fh.mr.http.app import create_mr_app
from fh.mr.metrics import OutboxCollector
from fh.mr.outbox import OutboxPublisher
from fh.mr.sdk_updates import DatabaseUpdates
from fh.mr.snapshots import DatabaseTruth
from fh.mr.sweeping import Sweeper
from fh.roles.bus import AnyBus, BusCollector, bus_parts, make_bus
from fh.roles.role import Role, new_registry
from fh.roles.settings.mr import MrPartSettings
from fh.roles.settings.roles import MrRoleSettings
from fh.roles.storage import Storage
from fh.roles.web import OperatorsWeb, WebParts

log = structlog.get_logger()


class MrParts:
    """What an MR consists of, wherever it runs.

    Attributes:
        truth: What caches ask.
        collector: The figures of the outbox for Prometheus.
    """

    def __init__(self, storage: Storage, bus: AnyBus, settings: MrPartSettings) -> None:
        database = storage.database
        published = publishing(database, groups=settings.publishes_groups)
        self.truth = DatabaseTruth(published)
        self._event_log = DatabaseEventLog(database)
        self._sweeper = Sweeper(database, self._event_log, settings.mr().sessions)
        self._outbox = OutboxPublisher(database, bus, listen=database.listen)
        self.collector = OutboxCollector(self._outbox.statistics)
        self._keys = [key.reveal for key in settings.truth_keys]
        bus.work(DatabaseUpdates(published).submit)

    def specs(self) -> list[ServiceSpec]:
        """Return the services."""
        return [
            ServiceSpec("outbox", self._outbox.run),
            ServiceSpec("sweeper", self._sweeper.run),
        ]

    def truth_routes(self, *, shut_off: bool) -> Sequence[AnyRoute]:
        """Return what caches ask; nothing where everybody could ask.

        `shut_off` says that only operators reach the port: then no key is needed.
        """
        if not self._keys and not shut_off:
            return ()
        return truth_routes(self.truth, self._event_log, self._keys)


def build_mr(
    settings: MrRoleSettings, listener: socket.socket, monitor: socket.socket | None
) -> Role:
    """Return an MR behind `listener`, its probes and metrics behind `monitor` if there is one."""
    island = Island()
    storage = Storage(island, settings, migrates=settings.runs_migrations)
    # Events come from here, so there is nothing to follow.
    bus = make_bus(island, settings, None)
    parts = MrParts(storage, bus, settings)
    registry = new_registry()
    registry.register(parts.collector)
    if isinstance(bus, NatsBus):
        registry.register(BusCollector(bus))
    health = HealthChecks(readiness={"database": storage.answers})
    public = parts.truth_routes(shut_off=False)
    if not public and monitor is None:
        log.warning("caches_shut_out", hint="set mr.dacha2.api-keys, or monitor.port")
    hidden = () if public or monitor is None else parts.truth_routes(shut_off=True)
    operators = OperatorsWeb([*operations_routes(health, registry), *hidden], settings, monitor)
    app = create_mr_app(
        storage.database,
        settings.mr(),
        registry=registry,
        name="mr",
        more=[*public, *operators.elsewhere],
    )
    web = WebParts(app, settings, listener)
    return Role(
        "mr",
        [
            ServiceSpec("island", island.run),
            storage.spec(),
            *bus_parts(bus),
            *parts.specs(),
            *web.specs(),
        ],
        [web.door, *operators.doors],
        health=health,
        operators=operators.specs(),
        reload=web.reload,
    )
