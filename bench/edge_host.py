"""The real Edge alone in a process, with the real Dacha: published to by messages on stdin.

Edge, Dacha, the door, workers and the bus are the product's; only MR is replaced, by environments
in memory. Prints `port N`. Each message on stdin that carries a bench marker is published as the
new value of a feature in every environment, the marker's number as its version; the end of stdin
ends all. With `--strategy` the feature has a strategy of 50 %, whose value carries a marker of its
own.

A message that begins with `?` is only made into events, and answered; one `!` publishes the oldest
that was made. So making events, which is MR's work, is not taken for Edge's.
"""

import argparse
import logging
import os
import socket
import sys
from collections import deque
from collections.abc import Iterator, Sequence

import structlog
import trio

from bench.baselines.contestant import GO, MADE, PREPARE
from bench.baselines.frame import CLIENT_SECRET
from bench.edge_truth import BenchTruth, NoMr, keys, published
from fh.bus.memory import MemoryBus
from fh.contracts.published import PublishFeatureValues
from fh.dacha.dacha import Dacha
from fh.dacha.settings import DachaSettings
from fh.edge.door import Door, listen, raise_descriptor_limit, reserve
from fh.edge.edge import Edge
from fh.edge.garbage import collect_garbage, freeze_what_lives
from fh.edge.settings import EdgeSettings
from fh.model.sdk_key import SdkKey
from fh.roles.worker_process import Surroundings
from fh.roles.workers import Workers, WorkersSettings

_HOST = "127.0.0.1"
_LONGEST_ORDER_BYTES = 131_072
_ORDERS = 0
_FEATURES = 5


def dacha_settings(environments: int) -> DachaSettings:
    """Return settings with room for so many environments, seen by both kinds of key."""
    return DachaSettings(environments=environments, views=2 * environments)


def bench_dacha(environments: int = 1, features: int = _FEATURES) -> Dacha:
    """Return a Dacha with room for so many environments of so many features."""
    return Dacha(BenchTruth(environments, features), dacha_settings(environments))


async def warm_up(dacha: Dacha, asked: Sequence[SdkKey]) -> None:
    """Have Dacha hold what it will be asked for: what it weighs is no stream's."""
    for key in asked:
        await dacha.lookup.load_key(key)


async def obey(bus: MemoryBus, environments: int, *, evaluates: bool) -> None:
    """Publish in each environment what stdin orders, until it ends."""
    made: deque[list[PublishFeatureValues]] = deque()

    def events(order: bytes) -> Iterator[PublishFeatureValues]:
        for place in range(environments):
            if event := published(order, place=place, evaluates=evaluates):
                yield event

    while True:
        await trio.lowlevel.wait_readable(_ORDERS)
        order = os.read(_ORDERS, _LONGEST_ORDER_BYTES)
        if not order:
            return
        if order.startswith(PREPARE):
            made.append(list(events(order.removeprefix(PREPARE))))
            os.write(_ORDERS, MADE)
            continue
        for event in made.popleft() if order == GO else events(order):
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
    dacha = bench_dacha(options.environments, options.features)
    edge = Edge(dacha.lookup, NoMr(), settings, _close)
    bus.subscribe("dacha", dacha.on_delivery)
    bus.subscribe("edge", edge.on_delivery)
    descriptors = raise_descriptor_limit()
    async with trio.open_nursery() as nursery:
        await nursery.start(dacha.run)
        await nursery.start(edge.run)
        await warm_up(dacha, keys(options.environments))
        await warm_up(dacha, keys(options.environments, CLIENT_SECRET))
        entrance: Door | Workers
        if options.workers:
            entrance = _workers(options, settings, dacha, edge)
            bus.subscribe("workers", entrance.on_delivery)
        else:
            entrance = Door(listen(_HOST, 0, settings), edge.adopt, descriptors=descriptors)
        await nursery.start(entrance.run)
        nursery.start_soon(collect_garbage, lambda: edge.is_writing)
        freeze_what_lives()
        print(f"port {entrance.port}", flush=True)
        await obey(bus, options.environments, evaluates=options.strategy)
        nursery.cancel_scope.cancel()
    entrance.close()


def _workers(
    options: argparse.Namespace, settings: EdgeSettings, dacha: Dacha, edge: Edge
) -> Workers:
    return Workers(
        reserve(_HOST, 0),
        WorkersSettings(
            options.workers,
            _HOST,
            edge=settings,
            dacha=dacha_settings(options.environments),
            log_level="warning",
            log_format="auto",
        ),
        Surroundings(
            truth=dacha.truth, updates=NoMr(), take_elsewhere=_close, take_other_protocol=edge.take
        ),
    )


def main() -> None:
    """Log warnings to stderr, serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.edge_host")
    parser.add_argument("--strategy", action="store_true", help="the feature has one, of 50 %%")
    parser.add_argument("--environments", type=int, default=1)
    parser.add_argument("--features", type=int, default=_FEATURES, help="of each environment")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0 is this one")
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
