"""The product's own workers behind one port, with the real Dacha and an environment of any weight.

Prints `port N`. Only MR is replaced, by an environment in memory that counts how often it is asked:
each message on stdin, a socket, is answered there with the number. The end of stdin ends all.
"""

import argparse
import logging
import os
import socket
import sys
from typing import Final

import structlog
import trio

from bench.edge_truth import BenchTruth, NoMr
from fh.bus.memory import MemoryBus
from fh.contracts.published import CacheServiceAccount, PublishEnvironment
from fh.dacha.dacha import Dacha
from fh.dacha.settings import DachaSettings
from fh.edge.door import reserve
from fh.edge.settings import EdgeSettings
from fh.model.ids import EnvironmentId
from fh.roles.worker_process import Surroundings
from fh.roles.workers import Workers, WorkersSettings

FEATURES: Final = 200
_ORDERS: Final = 0
_LONGEST_ORDER_BYTES: Final = 4_096


class CountingTruth:
    """MR, as far as anybody asks it.

    Attributes:
        questions: How often somebody did.
    """

    def __init__(self, payload_bytes: int) -> None:
        self._truth = BenchTruth(1, FEATURES, "x" * (payload_bytes // FEATURES))
        self.questions = 0

    async def load_environment(self, environment_id: EnvironmentId) -> PublishEnvironment | None:
        """See `TruthSource`."""
        self.questions += 1
        return await self._truth.load_environment(environment_id)

    async def load_account(self, secret: str) -> CacheServiceAccount | None:
        """See `TruthSource`."""
        self.questions += 1
        return await self._truth.load_account(secret)


def _close(stranger: socket.socket, _read: bytes) -> None:
    stranger.close()  # nothing but Edge is here


async def serve(options: argparse.Namespace) -> None:
    """Host the workers until stdin ends."""
    truth = CountingTruth(options.payload_kb * 1024)
    dacha = Dacha(truth, DachaSettings())
    bus = MemoryBus()
    # Streams stay for as long as the run: the herd is what the bench makes of them.
    settings = EdgeSettings(drop_after_seconds=0)
    workers = Workers(
        reserve("127.0.0.1", 0),
        WorkersSettings(
            options.workers,
            "127.0.0.1",
            edge=settings,
            dacha=DachaSettings(),
            log_level="warning",
            log_format="json",
        ),
        Surroundings(dacha.truth, NoMr(), _close, _close),
    )
    bus.subscribe("dacha", dacha.on_delivery)
    bus.subscribe("workers", workers.on_delivery)
    async with trio.open_nursery() as nursery:
        await nursery.start(dacha.run)
        await nursery.start(workers.run)
        print(f"port {workers.port}", flush=True)
        await _answer(truth)
        nursery.cancel_scope.cancel()
    workers.close()


async def _answer(truth: CountingTruth) -> None:
    while True:
        await trio.lowlevel.wait_readable(_ORDERS)
        if not os.read(_ORDERS, _LONGEST_ORDER_BYTES):
            return
        os.write(_ORDERS, str(truth.questions).encode())


def main() -> None:
    """Log warnings to stderr, serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.herd_host")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--payload-kb", type=int, default=1024, help="weight of the environment")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    trio.run(serve, parser.parse_args())


if __name__ == "__main__":
    main()
