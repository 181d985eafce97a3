"""An Edge alone: what SDKs connect to, with a cache of its own.

edge (one_for_one)
├── operations      probes and metrics, and their door, where they have a port of their own
├── island          the asyncio thread of NATS
├── truth           the connections to Dacha
├── last-known      the file that outlives a restart, if one is wanted
├── dacha           the cache; hears of everything before Edge does
├── bus             NATS, and the log for what NATS loses
├── certificate     what TLS is spoken with, if anything
├── secure          whoever speaks TLS or HTTP/2
├── edge            streams and polls
└── door            the port, or the workers behind it
"""

import socket

from fh.actors.child import ServiceSpec
from fh.aio import Island
from fh.dacha.http_truth import HttpTruth
from fh.edge.admin import admin_routes
from fh.edge.pages import Pages
from fh.edge.pages_port import PagesPort
from fh.http.admin_keys import AdminCheck
from fh.http.health import HealthChecks
from fh.http.info import info_routes
from fh.http.operations import on_public_port, operations_routes
from fh.http.routing import below
from fh.roles.bus import BusCollector, bus_parts, make_nats
from fh.roles.cache import CacheParts, make_dacha
from fh.roles.edge_parts import EdgeParts
from fh.roles.edges import EveryEdge
from fh.roles.entrance import edge_collectors, open_entrance, serves
from fh.roles.role import Role, new_registry
from fh.roles.settings.roles import EdgeRoleSettings


def build_edge(
    settings: EdgeRoleSettings, listener: socket.socket, monitor: socket.socket | None
) -> Role:
    """Return an Edge behind `listener`, its probes and metrics behind `monitor` if there is one."""
    island = Island()
    truth = HttpTruth(
        settings.dacha_url,
        key=settings.upstream_key.reveal,
        connect_seconds=settings.connect_milliseconds / 1000,
        read_seconds=settings.read_milliseconds / 1000,
        position=lambda: bus.as_of,
    )
    bus = make_nats(island, settings, truth, lambda: cache.position)
    dacha = make_dacha(truth, bus, settings)
    registry = new_registry()

    def edge_serves() -> bool:
        return serves(edge, entrance)

    health = HealthChecks(
        liveness={"edge": edge_serves},
        readiness={
            "edge": edge_serves,
            "events": bus.has_followed,
            "upstream": truth.is_truth,
            "lets_streams_in": lambda: not edge.orders.draining,
        },
    )
    info = info_routes("edge-full")
    operations = operations_routes(health, registry)
    pages = Pages(below(settings.root, [*on_public_port(operations, monitor), *info]))

    parts = EdgeParts(dacha.lookup, bus, settings, pages, pages)
    edge = parts.edge
    # In this order: what Edge hears of, Dacha has heard of.
    bus.subscribe("dacha", dacha.on_delivery)
    bus.subscribe_timed("edge", edge.on_delivery)
    dacha.follow("edge", edge.on_delivery)
    cache = CacheParts(
        dacha, settings, registry, origin=settings.dacha_url, position=lambda: bus.position
    )
    entrance = open_entrance(
        edge,
        listener,
        settings,
        cache=settings,
        dacha=dacha,
        bus=bus,
        updates=bus,
        elsewhere=edge.take,
        other_protocol=parts.take_other_protocol,
    )
    for collector in (
        BusCollector(bus),
        *edge_collectors(edge, parts.lag, entrance),
        parts.collector,
    ):
        registry.register(collector)
    operators: PagesPort | None = None
    if monitor is not None:
        routes = [*operations, *info, *admin_routes(EveryEdge(edge, entrance))]
        check = AdminCheck(settings.admin_keys)
        operators = PagesPort(
            Pages(below(settings.root, routes), check.authenticate), settings.edge(), monitor
        )
    return Role(
        "edge",
        [
            ServiceSpec("island", island.run),
            ServiceSpec("truth", truth.run),
            *cache.specs(),
            *bus_parts(bus),
            *parts.specs(),
        ],
        [entrance, *([operators.door] if operators else ())],
        health=health,
        operators=[ServiceSpec("operations", operators.run)] if operators else (),
        reload=parts.reload,
    )
