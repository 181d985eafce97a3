"""The party-server: MR, Dacha and Edge in one process.

    party-server (one_for_one)
    ├── operations      probes and metrics, and their door, where they have a port of their own
    ├── island          the asyncio thread of the database driver, and of NATS
    ├── storage         PostgreSQL
    ├── last-known      the file that outlives a restart, if one is wanted
    ├── dacha           the cache; subscribes to the bus before Edge does
    ├── bus             NATS, where there are several party-servers; else none
    ├── outbox          MR: committed changes on their way to the bus
    ├── sweeper         MR: throws away old events, kept answers and sessions
    ├── web             the admin API
    ├── certificate     what TLS is spoken with; none where server.tls.certificate is not set
    ├── secure          whoever speaks TLS or HTTP/2, to Edge and to the admin API
    ├── edge            streams and polls
    └── door            the port, or the workers behind it; last up, first down

Parts start in this order, each when the one before is ready, and end in the reverse: those that
carry Edge's streams outlive its goodbye to them. While they run, the failure of one is no reason
to restart another: each lives with the absence of what it needs, so a lost database ends no stream.
"""

import socket

from fh.actors.child import ServiceSpec
from fh.aio import Island
from fh.bus.nats import NatsBus
from fh.edge.admin import admin_routes
from fh.http.admin_keys import AdminCheck
from fh.http.health import HealthChecks
from fh.http.operations import on_public_port, operations_routes
from fh.http.web_face import WebFace
from fh.mr.event_log import DatabaseEventLog
from fh.mr.http.app import create_mr_app
from fh.roles.bus import BusCollector, bus_parts, make_bus
from fh.roles.cache import CacheParts, make_dacha
from fh.roles.edge_parts import EdgeParts
from fh.roles.edges import EveryEdge
from fh.roles.entrance import edge_collectors, open_entrance, serves
from fh.roles.mr import MrParts
from fh.roles.role import Role, new_registry
from fh.roles.settings.roles import PartyServerSettings
from fh.roles.storage import Storage
from fh.roles.web import OperatorsWeb


def build_party_server(
    settings: PartyServerSettings, listener: socket.socket, monitor: socket.socket | None = None
) -> Role:
    """Return a party-server behind `listener`, its probes behind `monitor` if there is one."""
    island = Island()
    storage = Storage(island, settings, migrates=settings.runs_migrations)
    event_log = DatabaseEventLog(storage.database)
    bus = make_bus(
        island,
        settings,
        event_log,
        lambda: cache.position,
        reloads_without_log=settings.reloads_without_log,
    )
    mr = MrParts(storage, bus, settings)
    dacha = make_dacha(mr.truth, bus, settings)
    registry = new_registry()
    registry.register(mr.collector)

    def edge_serves() -> bool:
        return serves(edge, entrance)

    # Once there was a database, SDKs are served without it, too: not ready, all party-servers that
    # share one would send them away when it is gone.
    health = HealthChecks(
        liveness={"edge": edge_serves},
        readiness={
            "edge": edge_serves,
            "database": storage.has_answered,
            "lets_streams_in": lambda: not edge.orders.draining,
        },
    )
    operations = operations_routes(health, registry)
    app = create_mr_app(
        storage.database,
        settings.mr(),
        registry=registry,
        name="party-server",
        more=[*mr.truth_routes(shut_off=False), *on_public_port(operations, monitor)],
    )
    web = WebFace(app)

    parts = EdgeParts(dacha.lookup, bus, settings, web.take, app)
    edge = parts.edge
    # In this order: what Edge hears of, Dacha has heard of.
    bus.subscribe("dacha", dacha.on_delivery)
    bus.subscribe_timed("edge", edge.on_delivery)
    dacha.follow("edge", edge.on_delivery)
    if isinstance(bus, NatsBus):
        registry.register(BusCollector(bus))
    cache = CacheParts(
        dacha,
        settings,
        registry,
        origin=str(settings.dsn() or settings.data_directory.absolute()),
        position=lambda: bus.position if isinstance(bus, NatsBus) else -1,
    )
    entrance = open_entrance(
        edge,
        listener,
        settings,
        cache=settings,
        dacha=dacha,
        bus=bus,
        updates=bus,
        elsewhere=web.take,
        other_protocol=parts.take_other_protocol,
    )
    for collector in (*edge_collectors(edge, parts.lag, entrance), parts.collector):
        registry.register(collector)
    operators = OperatorsWeb(
        [*operations, *admin_routes(EveryEdge(edge, entrance))],
        settings,
        monitor,
        AdminCheck(settings.admin_keys).authenticate,
    )
    drain_seconds = settings.grace_seconds + 2.0
    return Role(
        "party-server",
        [
            ServiceSpec("island", island.run),
            storage.spec(),
            *cache.specs(),
            *bus_parts(bus),
            *mr.specs(),
            ServiceSpec("web", web.run, drain=web.drain, drain_seconds=drain_seconds),
            *parts.specs(),
        ],
        [entrance, *operators.doors],
        health=health,
        operators=operators.specs(),
        reload=parts.reload,
    )
