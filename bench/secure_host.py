"""Edge as `edge_host` hosts it, with TLS and HTTP/2 on its port: the certificate and the key are
its two arguments. What it is told on stdin, and what it says, is the same.
"""  # noqa: D205 -- one sentence reads better

import logging
import sys
from pathlib import Path
from typing import Any

import structlog
import trio

from bench.edge_host import bench_dacha, obey, warm_up
from bench.edge_truth import NoMr, keys
from fh.bus.memory import MemoryBus
from fh.edge.door import Door, listen, raise_descriptor_limit
from fh.edge.edge import Edge
from fh.edge.garbage import freeze_what_lives
from fh.edge.settings import EdgeSettings
from fh.http.key_pair import KeyPairFiles
from fh.roles.secure import SecureParts


async def _nothing(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def serve(files: KeyPairFiles) -> None:
    """Host Edge until stdin ends."""
    settings = EdgeSettings(drop_after_seconds=0, heartbeat_seconds=0)
    bus = MemoryBus()
    dacha = bench_dacha()
    edge = Edge(
        dacha.lookup,
        NoMr(),
        settings,
        lambda stranger, _read: stranger.close(),
        lambda taken, read: secure.take(taken, read),  # noqa: PLW0108  it is made below
    )
    secure = SecureParts(edge, _nothing, settings, files, look_seconds=0, most_connections=100_000)
    bus.subscribe("dacha", dacha.on_delivery)
    bus.subscribe("edge", edge.on_delivery)
    door = Door(listen("127.0.0.1", 0, settings), edge.adopt, descriptors=raise_descriptor_limit())
    async with trio.open_nursery() as nursery:
        await nursery.start(dacha.run)
        for spec in secure.specs(drain_seconds=1.0):
            await nursery.start(spec.run)
        await nursery.start(edge.run)
        await warm_up(dacha, keys(1))
        await nursery.start(door.run)
        freeze_what_lives()
        print(f"port {door.port}", flush=True)
        await obey(bus, 1, evaluates=False)
        nursery.cancel_scope.cancel()
    door.close()


def main() -> None:
    """Log warnings to stderr, serve."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    certificate, key = sys.argv[1:]
    trio.run(serve, KeyPairFiles(Path(certificate), Path(key)))


if __name__ == "__main__":
    main()
