"""A Dacha alone: the cache between MR and the Edges.

dacha (one_for_one)
├── operations      probes and metrics, and their door, where they have a port of their own
├── island          the asyncio thread of NATS
├── truth           the connections to MR
├── last-known      the file that outlives a restart, if one is wanted
├── dacha           the cache; up before the bus brings anything
├── bus             NATS, and MR's log for what NATS loses
├── web             what Edges ask
└── door            the port
"""

import socket

from fh.actors.child import ServiceSpec
from fh.aio import Island
from fh.dacha.http_truth import HttpTruth
from fh.dacha.key_api import key_routes, place_routes
from fh.http.health import HealthChecks
from fh.http.info import info_routes
from fh.http.operations import operations_routes
from fh.http.truth_api import truth_routes
from fh.roles.bus import BusCollector, bus_parts, make_nats
from fh.roles.cache import CacheParts, make_dacha
from fh.roles.role import Role, new_registry
from fh.roles.settings.roles import DachaRoleSettings
from fh.roles.web import OperatorsWeb, WebParts, plain_app


def build_dacha(
    settings: DachaRoleSettings, listener: socket.socket, monitor: socket.socket | None
) -> Role:
    """Return a Dacha behind `listener`, its probes and metrics behind `monitor` if there is one."""
    island = Island()
    truth = HttpTruth(
        settings.management_url,
        key=settings.upstream_key.reveal,
        connect_seconds=settings.connect_milliseconds / 1000,
        read_seconds=settings.read_milliseconds / 1000,
    )
    bus = make_nats(island, settings, truth, lambda: cache.position)
    dacha = make_dacha(truth, bus, settings)
    bus.subscribe("dacha", dacha.on_delivery)
    registry = new_registry()
    registry.register(BusCollector(bus))
    cache = CacheParts(
        dacha, settings, registry, origin=settings.management_url, position=lambda: bus.position
    )
    # It serves what it knows whatever is away; ready is who has heard from MR at least once.
    health = HealthChecks(readiness={"events": bus.has_followed, "upstream": truth.is_truth})
    keys = [key.reveal for key in settings.served_keys]
    operators = OperatorsWeb(operations_routes(health, registry), settings, monitor)
    confirmed = dacha.confirmed_truth(lambda: bus.is_in_doubt)
    routes = [
        *truth_routes(confirmed, truth, keys, reach=bus.reach),
        *key_routes(dacha.lookup, keys),
        *place_routes(dacha.truth, keys),
        *info_routes("dacha2"),
        *operators.elsewhere,
    ]
    web = WebParts(plain_app(routes, settings, registry), settings, listener)
    return Role(
        "dacha",
        [
            ServiceSpec("island", island.run),
            ServiceSpec("truth", truth.run),
            *cache.specs(),
            *bus_parts(bus),
            *web.specs(),
        ],
        [web.door, *operators.doors],
        health=health,
        operators=operators.specs(),
        reload=web.reload,
    )
