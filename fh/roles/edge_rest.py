"""Polls and test writes straight from the database: no bus, no cache, no streams.

    edge-rest (one_for_one)
    ├── operations      probes and metrics, and their door, where they have a port of their own
    ├── island          the asyncio thread of the database driver
    ├── storage         PostgreSQL, migrated by MR
    ├── replica         a database to read from, if there is one
    ├── certificate     what TLS is spoken with, if anything
    ├── secure          whoever speaks TLS or HTTP/2
    ├── edge            polls and test writes
    └── door            the port

A party-server-ish has the admin API behind it besides.
"""

import socket
from dataclasses import replace

from fh.actors.child import ServiceSpec
from fh.aio import Island
from fh.bus.memory import MemoryBus
from fh.dacha.bounded_source import total_loads
from fh.dacha.direct import DirectLookup
from fh.dacha.metrics import LoadsCollector
from fh.dacha.replicated import ReplicatedLookup
from fh.db.port import Database
from fh.edge.door import Door, raise_descriptor_limit
from fh.edge.life import TakeAway
from fh.edge.pages import Pages
from fh.http.health import HealthChecks
from fh.http.info import info_routes
from fh.http.operations import operations_routes
from fh.http.quart_app import WebApp
from fh.http.routing import below
from fh.http.web_face import WebFace
from fh.mr.group_publishing import publishing
from fh.mr.http.app import create_mr_app
from fh.mr.sdk_updates import DatabaseUpdates
from fh.mr.snapshots import DatabaseTruth
from fh.roles.edge_parts import EdgeParts
from fh.roles.entrance import edge_collectors
from fh.roles.mr import MrParts
from fh.roles.role import Role, new_registry
from fh.roles.settings.roles import EdgeRestSettings, PartyServerIshSettings
from fh.roles.storage import Replica, Storage
from fh.roles.web import OperatorsWeb

_WAITING = 1000
_LOAD_SECONDS = 4.0
_REPLICA_LOAD_SECONDS = 1.5  # so that the primary can still be asked in time


class _RestParts:
    """Edge over the database, and what TLS needs."""

    def __init__(
        self,
        island: Island,
        storage: Storage,
        settings: EdgeRestSettings | PartyServerIshSettings,
    ) -> None:
        dsn = settings.replica_dsn()
        connections = settings.replica_connections
        groups = settings.publishes_groups
        database = publishing(storage.database, groups=groups)
        self._storage = storage
        self._replica = None if dsn is None else Replica(island, dsn, connections)
        self._settings = settings
        self._updates = DatabaseUpdates(database)
        self._primary = _direct(database, connections, _LOAD_SECONDS)
        self._lookup: DirectLookup | ReplicatedLookup = self._primary
        asked = [self._primary]
        if self._replica is not None:
            copy = publishing(self._replica.database, groups=groups)
            replica = _direct(copy, connections, _REPLICA_LOAD_SECONDS)
            self._lookup = ReplicatedLookup(replica, self._primary)
            asked.append(replica)
        self.collector = LoadsCollector(
            lambda: total_loads([lookup.statistics() for lookup in asked])
        )

    def replica_specs(self) -> list[ServiceSpec]:
        """Return the replica's service, if there is one."""
        return [ServiceSpec("replica", self._replica.run)] if self._replica else []

    async def answers(self) -> bool | str:
        """Return whether polls can be answered: either database will do; a text says why not."""
        if self._replica is not None and await self._replica.answers():
            return True
        return await self._storage.answers()

    def open(
        self, elsewhere: TakeAway | Pages, app: WebApp | Pages, listener: socket.socket
    ) -> tuple[EdgeParts, Door]:
        """Return an Edge without streams, and the door to it."""
        narrowed = replace(self._settings.edge(), streams=False, most_sockets=0)
        parts = EdgeParts(
            self._lookup,
            self._updates,
            self._settings,
            elsewhere,
            app,
            narrowed=narrowed,
            newest=self._primary,
        )
        return parts, Door(listener, parts.edge.adopt, descriptors=raise_descriptor_limit())


def _direct(database: Database, connections: int, load_seconds: float) -> DirectLookup:
    return DirectLookup(
        DatabaseTruth(database),
        concurrent=connections,
        waiting=_WAITING,
        load_seconds=load_seconds,
    )


def build_edge_rest(
    settings: EdgeRestSettings, listener: socket.socket, monitor: socket.socket | None = None
) -> Role:
    """Return an Edge-REST behind `listener`, its probes behind `monitor` if there is one."""
    island = Island()
    storage = Storage(island, settings, migrates=False)
    parts = _RestParts(island, storage, settings)
    registry = new_registry()
    health = HealthChecks(readiness={"database": parts.answers})
    operators = OperatorsWeb(operations_routes(health, registry), settings, monitor)
    pages = Pages(below(settings.root, [*info_routes("edge-rest"), *operators.elsewhere]))
    edge, door = parts.open(pages, pages, listener)
    for collector in (*edge_collectors(edge.edge, edge.lag, door), edge.collector, parts.collector):
        registry.register(collector)
    return Role(
        "edge-rest",
        [
            ServiceSpec("island", island.run),
            storage.spec(),
            *parts.replica_specs(),
            *edge.specs(),
        ],
        [door, *operators.doors],
        health=health,
        operators=operators.specs(),
        reload=edge.reload,
    )


def build_party_server_ish(
    settings: PartyServerIshSettings, listener: socket.socket, monitor: socket.socket | None = None
) -> Role:
    """Return a party-server-ish behind `listener`, its probes behind `monitor`, if any."""
    island = Island()
    storage = Storage(island, settings, migrates=settings.runs_migrations)
    # Nobody listens; the outbox is emptied all the same.
    mr = MrParts(storage, MemoryBus(), settings)
    parts = _RestParts(island, storage, settings)
    registry = new_registry()
    health = HealthChecks(readiness={"database": parts.answers})
    operators = OperatorsWeb(operations_routes(health, registry), settings, monitor)
    app = create_mr_app(
        storage.database,
        settings.mr(),
        registry=registry,
        name="party-server-ish",
        more=[*mr.truth_routes(shut_off=False), *operators.elsewhere],
    )
    web = WebFace(app)
    edge, door = parts.open(web.take, app, listener)
    for collector in (
        *edge_collectors(edge.edge, edge.lag, door),
        edge.collector,
        parts.collector,
        mr.collector,
    ):
        registry.register(collector)
    drain_seconds = settings.grace_seconds + 2.0
    return Role(
        "party-server-ish",
        [
            ServiceSpec("island", island.run),
            storage.spec(),
            *parts.replica_specs(),
            *mr.specs(),
            ServiceSpec("web", web.run, drain=web.drain, drain_seconds=drain_seconds),
            *edge.specs(),
        ],
        [door, *operators.doors],
        health=health,
        operators=operators.specs(),
        reload=edge.reload,
    )
