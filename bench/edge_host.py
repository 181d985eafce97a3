"""The real Edge alone in a process, with the real Dacha: published to by messages on stdin.

Edge, Dacha, the door and the bus are the product's; only MR is replaced, by environments in
memory. Prints `port N`. Each message on stdin that carries a bench marker is published as the new
value of a feature in every environment, the marker's number as its version; the end of stdin ends
all. With `--strategy` the feature has a strategy of 50 %, whose value carries a marker of its own.
"""

import argparse
import logging
import os
import socket
import sys

import structlog
import trio

from bench.edge_truth import BenchTruth, NoMr, keys, published
from fh.bus.memory import MemoryBus
from fh.dacha.dacha import Dacha
from fh.dacha.settings import DachaSettings
from fh.edge.door import Door, listen, raise_descriptor_limit
from fh.edge.edge import Edge
from fh.edge.garbage import collect_garbage, freeze_what_lives
from fh.edge.settings import EdgeSettings
from fh.model.sdk_key import SdkKey

_LONGEST_ORDER_BYTES = 131_072
_ORDERS = 0
_FEATURES = 5


def bench_dacha(environments: int = 1, features: int = _FEATURES) -> Dacha:
    """Return a Dacha with room for so many environments of so many features."""
    settings = DachaSettings(environments=environments, views=2 * environments)
    return Dacha(BenchTruth(environments, features), settings)


async def warm_up(dacha: Dacha, asked: list[SdkKey]) -> None:
    """Have Dacha hold what it will be asked for: what it weighs is no stream's."""
    for key in asked:
        await dacha.lookup.load_key(key)


async def obey(bus: MemoryBus, asked: list[SdkKey], *, evaluates: bool) -> None:
    """Publish in the environment of each key what stdin orders, until it ends."""
    while True:
        await trio.lowlevel.wait_readable(_ORDERS)
        order = os.read(_ORDERS, _LONGEST_ORDER_BYTES)
        if not order:
            return
        for key in asked:
            event = published(order, environment=key.environment_id, evaluates=evaluates)
            if event is not None:
                await bus.publish(event)


def _close(stranger: socket.socket, _read: bytes) -> None:
    stranger.close()  # nothing but Edge is here


async def serve(options: argparse.Namespace) -> None:
    """Host Edge until stdin ends."""
    settings = EdgeSettings(
        drop_after_seconds=options.drop_after,
        heartbeat_seconds=options.heartbeat,
        environments=options.environments,
    )
    bus = MemoryBus()
    asked = keys(options.environments)
    dacha = bench_dacha(options.environments, options.features)
    edge = Edge(dacha.lookup, NoMr(), settings, _close)
    bus.subscribe("dacha", dacha.on_delivery)
    bus.subscribe("edge", edge.on_delivery)
    door = Door(listen("127.0.0.1", 0, settings), edge.adopt, descriptors=raise_descriptor_limit())
    async with trio.open_nursery() as nursery:
        await nursery.start(dacha.run)
        await nursery.start(edge.run)
        await warm_up(dacha, asked)
        await nursery.start(door.run)
        nursery.start_soon(collect_garbage, lambda: edge.is_writing)
        freeze_what_lives()
        print(f"port {door.port}", flush=True)
        await obey(bus, asked, evaluates=options.strategy)
        nursery.cancel_scope.cancel()
    door.close()


def main() -> None:
    """Log warnings to stderr, serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.edge_host")
    parser.add_argument("--strategy", action="store_true", help="the feature has one, of 50 %%")
    parser.add_argument("--environments", type=int, default=1)
    parser.add_argument("--features", type=int, default=_FEATURES, help="of each environment")
    # Streams stay for as long as the run: neither drops nor heartbeats are part of a delivery.
    parser.add_argument("--drop-after", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--heartbeat", type=float, default=0.0, metavar="SECONDS")
    options = parser.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    trio.run(serve, options)


if __name__ == "__main__":
    main()
