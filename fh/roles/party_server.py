"""The party-server: MR, Dacha and Edge in one process.

    party-server (one_for_one)
    ├── island              the asyncio thread of the database driver
    ├── storage (rest_for_one)
    │   ├── server          the embedded PostgreSQL; none where db.url is set
    │   ├── database        the pool
    │   └── migrations
    ├── outbox              MR: committed changes on their way to the bus
    ├── event-log           MR: keeps what was announced, but not for ever
    ├── dacha               the cache; subscribes to the bus before Edge does
    ├── web                 the admin API
    ├── certificate         what TLS is spoken with; none where server.tls.certificate is not set
    ├── secure              whoever speaks TLS or HTTP/2, to Edge and to the admin API
    ├── edge                streams and polls
    └── door                the port; last up, first down

Parts start in this order, each when the one before is ready, and end in the reverse: those that
carry Edge's streams outlive its goodbye to them. While they run, the failure of one is no reason
to restart another: each lives with the absence of what it needs, so a lost database ends no stream.
"""

import socket

import trio
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from fh.actors.child import ServiceSpec
from fh.actors.restart import Backoff, Intensity, Strategy
from fh.actors.supervisor import Supervisor
from fh.aio import Island
from fh.bus.memory import MemoryBus
from fh.dacha.dacha import Dacha
from fh.db.dsn import Dsn, parse_dsn
from fh.db.embedded import EmbeddedPostgres
from fh.db.migrate import migrate
from fh.db.pool import PostgresDatabase
from fh.db.port import Transaction
from fh.edge.door import Door, raise_descriptor_limit
from fh.edge.edge import Edge
from fh.edge.metrics import EdgeCollector
from fh.http.health import HealthChecks
from fh.http.web_face import WebFace
from fh.mr.event_log import DatabaseEventLog
from fh.mr.http.app import create_mr_app
from fh.mr.outbox import OutboxPublisher
from fh.mr.sdk_updates import DatabaseUpdates
from fh.mr.snapshots import DatabaseTruth
from fh.roles.secure import SecureParts
from fh.roles.settings import PartyServerSettings

# A server that is killed now and then is started again; one that can't live is given up.
_STORAGE_INTENSITY = Intensity(restarts=20, within_seconds=60.0)
_INTENSITY = Intensity(restarts=10, within_seconds=60.0)
_DATABASE_SECONDS = 2.0


class PartyServer:
    """One party-server; a service, run once."""

    def __init__(self, settings: PartyServerSettings, listener: socket.socket) -> None:
        self._settings = settings
        self._island = Island()
        self._server = (
            None
            if settings.database_url
            else EmbeddedPostgres(settings.data_directory / "postgres")
        )
        self._database = PostgresDatabase(
            self._island,
            self._dsn,
            minimum=settings.connections_least,
            maximum=settings.connections_most,
        )
        bus = MemoryBus()
        self._dacha = Dacha(DatabaseTruth(self._database), settings.dacha())
        self._event_log = DatabaseEventLog(self._database)
        self._outbox = OutboxPublisher(self._database, bus, listen=self._database.listen)
        edge_settings = settings.edge()
        self._edge = Edge(
            self._dacha.lookup,
            bus,
            edge_settings,
            self._take_elsewhere,
            self._take_other_protocol,
        )
        # In this order: what Edge hears of, Dacha has heard of.
        bus.subscribe("dacha", self._dacha.on_delivery)
        bus.subscribe("edge", self._edge.on_delivery)
        updates = DatabaseUpdates(self._database)
        bus.work(updates.submit)
        registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        registry.register(EdgeCollector(self._edge.statistics, self._edge.patterns_cut_off))
        app = create_mr_app(
            self._database,
            settings.mr(),
            registry=registry,
            name="party-server",
            health=self._health(),
        )
        self._web = WebFace(app)
        self._secure = SecureParts(
            self._edge,
            app,
            edge_settings,
            settings.key_pair(),
            look_seconds=settings.tls_look_seconds,
            most_connections=settings.tls_connections,
        )
        registry.register(self._secure.collector)
        self._door = Door(listener, self._edge.adopt, descriptors=raise_descriptor_limit())
        self._supervisor = self._tree()

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return self._door.port

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until stopped or cancelled.

        Raises:
            ChildStartFailed: a part could not start; chained to the reason.
            RestartIntensityExceeded: a part failed too often; chained to the last failure.
        """
        try:
            await self._supervisor.run(task_status=task_status)
        finally:
            self._door.close()

    def stop(self) -> None:
        """Say goodbye to every stream, answer what is under way, and end everything in order."""
        self._supervisor.stop()

    def reload(self) -> None:
        """Read the files of the certificate now, changed or not."""
        self._secure.reload()

    def _tree(self) -> Supervisor:
        settings = self._settings
        storage = [
            ServiceSpec("database", self._database.run),
            ServiceSpec("migrations", self._migrate),
        ]
        if self._server is not None:
            storage.insert(0, ServiceSpec("server", self._server.run))
        storage_supervisor = Supervisor(
            "storage",
            storage,
            strategy=Strategy.REST_FOR_ONE,
            intensity=_STORAGE_INTENSITY,
            backoff=Backoff(first_seconds=0.05, maximum_seconds=5.0),
        )
        return Supervisor(
            "party-server",
            [
                ServiceSpec("island", self._island.run),
                ServiceSpec(
                    "storage",
                    storage_supervisor.run,
                    drain=storage_supervisor.stop,
                    drain_seconds=20.0,
                ),
                ServiceSpec("outbox", self._outbox.run),
                ServiceSpec("event-log", self._event_log.run),
                ServiceSpec("dacha", self._dacha.run, drain=self._dacha.stop, drain_seconds=8.0),
                ServiceSpec(
                    "web",
                    self._web.run,
                    drain=self._web.drain,
                    drain_seconds=settings.grace_seconds + 2.0,
                ),
                *self._secure.specs(drain_seconds=settings.grace_seconds + 2.0),
                ServiceSpec(
                    "edge",
                    self._edge.run,
                    drain=self._edge.drain,
                    drain_seconds=settings.grace_seconds + 2.0,
                ),
                ServiceSpec("door", self._door.run),
            ],
            intensity=_INTENSITY,
        )

    def _dsn(self) -> Dsn:
        settings = self._settings
        if self._server is not None:
            return self._server.dsn
        return parse_dsn(
            settings.database_url,
            username=settings.database_user or None,
            password=settings.database_password.reveal or None,
        )

    async def _migrate(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        await migrate(self._database)
        task_status.started()
        await trio.sleep_forever()

    def _take_elsewhere(self, taken: socket.socket, data: bytes) -> None:
        self._web.take(taken, data)

    def _take_other_protocol(self, taken: socket.socket, data: bytes) -> None:
        self._secure.take(taken, data)

    def _health(self) -> HealthChecks:
        async def database_answers() -> bool:
            with trio.move_on_after(_DATABASE_SECONDS):
                return await self._database.transaction(_one, read_only=True)
            return False

        def edge_serves() -> bool:
            return self._edge.statistics() is not None

        return HealthChecks(
            liveness={"edge": edge_serves},
            readiness={"edge": edge_serves, "database": database_answers},
        )


async def _one(tx: Transaction) -> bool:
    return bool(await tx.fetchval("SELECT 1") == 1)
