"""The real Edge and the real Dacha alone in a process, with one environment of many features.

Only MR is replaced: by what it would answer, once, to Dacha's questions. Prints `port N`; the end
of stdin ends all. `KEYS` are what it can be polled with.
"""

import argparse
import gc
import logging
import os
import socket
import sys
from functools import partial
from uuid import UUID, uuid5

import msgspec
import structlog
import trio
from msgspec import Raw

from bench.baselines.frame import ENVIRONMENT_ID
from fh.contracts.published import (
    CacheEnvironment,
    CacheEnvironmentFeature,
    CacheFeature,
    CacheFeatureValue,
    CacheRolloutStrategy,
    CacheRolloutStrategyAttribute,
    CacheServiceAccount,
    CacheServiceAccountPermission,
    PublishAction,
    PublishEnvironment,
)
from fh.contracts.updates import StreamedFeatureUpdate
from fh.dacha.dacha import Dacha
from fh.dacha.settings import DachaSettings
from fh.edge.door import Door, listen, raise_descriptor_limit
from fh.edge.edge import Edge
from fh.edge.settings import EdgeSettings
from fh.errors import Unavailable
from fh.model.feature_type import FeatureType
from fh.model.ids import (
    ApplicationId,
    EnvironmentId,
    FeatureId,
    FeatureValueId,
    OrganisationId,
    PortfolioId,
    ServiceAccountId,
)
from fh.model.roles import Role

CLIENT_SECRET = "benchbenchbenchbench*benchbenchbenchbench"
SERVER_SECRET = "benchbenchbenchbenchbenchbenchbenchbench"

_ENVIRONMENT = EnvironmentId(UUID(ENVIRONMENT_ID))
_TYPES = (FeatureType.BOOLEAN, FeatureType.STRING, FeatureType.NUMBER, FeatureType.JSON)
_VALUES = (True, "a value of common length", 17.5, '{"colour":"red","sizes":[1,2,3]}')
_WITH_STRATEGY = 10
"""Every so many features one has a strategy."""


def feature(index: int) -> CacheEnvironmentFeature:
    """Return feature `index`; every tenth has a strategy for half of the users of a country."""
    key = f"BENCH_FEATURE_{index}"
    value = Raw(msgspec.json.encode(_VALUES[index % len(_VALUES)]))
    country = CacheRolloutStrategyAttribute(
        "EQUALS", "country", "STRING", (Raw(b'"new_zealand"'), Raw(b'"ireland"'))
    )
    strategy = CacheRolloutStrategy("half", 500_000, ("userkey",), (country,), value)
    return CacheEnvironmentFeature(
        feature=CacheFeature(
            id=FeatureId(uuid5(_ENVIRONMENT, key)),
            key=key,
            value_type=_TYPES[index % len(_TYPES)],
            version=1,
        ),
        value=CacheFeatureValue(
            id=FeatureValueId(uuid5(_ENVIRONMENT, f"{key}/value")),
            key=key,
            locked=False,
            version=3,
            value=value,
            rollout_strategies=() if index % _WITH_STRATEGY else (strategy,),
        ),
    )


class FixedTruth:
    """MR as Dacha sees it: one environment, one service account; counts what it is asked."""

    def __init__(self, features: int) -> None:
        self.questions = 0
        self._environment = PublishEnvironment(
            environment=CacheEnvironment(_ENVIRONMENT, 1),
            organisation_id=OrganisationId(uuid5(_ENVIRONMENT, "organisation")),
            portfolio_id=PortfolioId(uuid5(_ENVIRONMENT, "portfolio")),
            application_id=ApplicationId(uuid5(_ENVIRONMENT, "application")),
            action=PublishAction.UPDATE,
            features=tuple(map(feature, range(features))),
        )
        self._account = CacheServiceAccount(
            ServiceAccountId(uuid5(_ENVIRONMENT, "account")),
            version=1,
            api_key_client_side=CLIENT_SECRET,
            api_key_server_side=SERVER_SECRET,
            permissions=(CacheServiceAccountPermission(_ENVIRONMENT, (Role.READ,)),),
        )

    async def load_environment(self, environment_id: EnvironmentId) -> PublishEnvironment | None:
        """See `TruthSource`."""
        self.questions += 1
        await trio.lowlevel.checkpoint()
        return self._environment if environment_id == _ENVIRONMENT else None

    async def load_account(self, secret: str) -> CacheServiceAccount | None:
        """See `TruthSource`."""
        self.questions += 1
        await trio.lowlevel.checkpoint()
        return self._account if secret in {CLIENT_SECRET, SERVER_SECRET} else None


class _NoMr:
    """Nobody writes here."""

    async def submit(self, update: StreamedFeatureUpdate) -> None:
        raise Unavailable(repr(update))


def _close(stranger: socket.socket, _read: bytes) -> None:
    stranger.close()  # nothing but Edge is here


async def serve(*, features: int) -> None:
    """Host Edge until stdin ends."""
    settings = EdgeSettings()
    dacha = Dacha(FixedTruth(features), DachaSettings())
    edge = Edge(dacha.lookup, _NoMr(), settings, _close)
    door = Door(listen("127.0.0.1", 0, settings), edge.adopt, descriptors=raise_descriptor_limit())
    async with trio.open_nursery() as nursery:
        await nursery.start(dacha.run)
        await nursery.start(edge.run)
        await nursery.start(door.run)
        gc.collect()
        gc.freeze()  # as the product does once it is up
        print(f"port {door.port}", flush=True)
        await trio.lowlevel.wait_readable(sys.stdin.fileno())
        assert not os.read(sys.stdin.fileno(), 1)
        nursery.cancel_scope.cancel()
    door.close()


def main() -> None:
    """Log warnings to stderr, serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.poll_host")
    parser.add_argument("--features", type=int, default=50, help="default %(default)s")
    options = parser.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    trio.run(partial(serve, features=options.features))


if __name__ == "__main__":
    main()
