"""The real Edge alone in a process: one environment in memory, published to by messages on stdin.

Edge, its door and the bus are the product's; only Dacha and MR are replaced, by one key whose
view is held here. Prints `port N`. Each message on stdin that carries a bench marker is published
as the new value of a feature, the marker's number as its version; the end of stdin ends all.
With `--strategy` the feature has a strategy of 50 %, whose value carries a marker of its own.
"""

import argparse
import gc
import logging
import os
import socket
import sys
from dataclasses import replace
from functools import partial
from uuid import UUID, uuid5

import msgspec
import structlog
import trio
from msgspec import Raw

from bench.baselines.frame import ENVIRONMENT_ID, FEATURE_ID, FEATURE_KEY, SECRET
from bench.load.marker import padded_value, scan
from bench.load.outcomes import BY_STRATEGY, SHARE_MILLIONTHS, VALUE_ID
from fh.bus.memory import MemoryBus
from fh.bus.port import Delivery
from fh.contracts.answers import Denied, Granted, KeyAnswer
from fh.contracts.published import (
    CacheEnvironmentFeature,
    CacheFeature,
    CacheFeatureValue,
    CacheRolloutStrategy,
    PublishAction,
    PublishFeatureValue,
    PublishFeatureValues,
)
from fh.contracts.updates import StreamedFeatureUpdate
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
from fh.model.sdk_key import SdkKey
from fh.wire.etag import environment_etag

_ENVIRONMENT = UUID(ENVIRONMENT_ID)
_KEY = SdkKey(EnvironmentId(_ENVIRONMENT), SECRET)
_OTHER_FEATURES = 4
_LONGEST_ORDER_BYTES = 131_072
_ORDERS = 0


def feature(key: str, feature_id: UUID, version: int, value: str) -> CacheEnvironmentFeature:
    """Return a STRING feature with a value."""
    return CacheEnvironmentFeature(
        feature=CacheFeature(
            id=FeatureId(feature_id), key=key, value_type=FeatureType.STRING, version=1
        ),
        value=CacheFeatureValue(
            id=FeatureValueId(uuid5(_ENVIRONMENT, f"{key}/value")),
            key=key,
            locked=False,
            version=version,
            value=Raw(msgspec.json.encode(value)),
        ),
    )


def with_strategy(plain: CacheEnvironmentFeature, value: str) -> CacheEnvironmentFeature:
    """Return a feature that has `value` for half of all users."""
    assert plain.value is not None
    assert plain.value.id == VALUE_ID  # the id that the load client expects to be hashed
    strategy = CacheRolloutStrategy(
        id="half", percentage=SHARE_MILLIONTHS, value=Raw(msgspec.json.encode(value))
    )
    replaced = msgspec.structs.replace(plain.value, rollout_strategies=(strategy,))
    return msgspec.structs.replace(plain, value=replaced)


class _NoMr:
    """Nobody writes here."""

    async def submit(self, update: StreamedFeatureUpdate) -> None:
        raise Unavailable(repr(update))


def _granted(features: tuple[CacheEnvironmentFeature, ...]) -> Granted:
    return Granted(
        organisation_id=OrganisationId(uuid5(_ENVIRONMENT, "organisation")),
        portfolio_id=PortfolioId(uuid5(_ENVIRONMENT, "portfolio")),
        application_id=ApplicationId(uuid5(_ENVIRONMENT, "application")),
        account_id=ServiceAccountId(uuid5(_ENVIRONMENT, "account")),
        roles=frozenset({Role.READ}),
        filters=frozenset(),
        environment_info={},
        features=features,
        etag=f"{environment_etag(features)}0",
    )


class OneKey:
    """Answers for the one key that there is, always from memory."""

    def __init__(self) -> None:
        others = [f"OTHER_FEATURE_{index}" for index in range(_OTHER_FEATURES)]
        self._view = _granted(
            (
                feature(FEATURE_KEY, UUID(FEATURE_ID), 0, ""),
                *(feature(key, uuid5(_ENVIRONMENT, key), 1, "on") for key in others),
            )
        )

    def find_key(self, key: SdkKey) -> Granted | Denied | None:
        """See `KeyLookup`."""
        return self._view if key == _KEY else Denied()

    async def load_key(self, key: SdkKey) -> KeyAnswer:
        """See `KeyLookup`."""
        await trio.lowlevel.checkpoint()
        return self._view if key == _KEY else Denied()

    async def on_delivery(self, delivery: Delivery) -> None:
        """Take what is published into the view, before Edge hears of it."""
        await trio.lowlevel.checkpoint()
        assert isinstance(delivery, PublishFeatureValues)
        newest = {item.feature.feature.id: item.feature for item in delivery.features}
        features = tuple(newest.get(known.feature.id, known) for known in self._view.features)
        self._view = replace(self._view, features=features, etag=f"{environment_etag(features)}0")


def published(order: bytes, *, evaluates: bool = False) -> PublishFeatureValues | None:
    """Return what `order`, a value with a marker, publishes; None if it holds no marker.

    If Edge `evaluates`, half of all users get a value as long whose marker is offset.
    """
    numbers, _rest = scan(order)
    if not numbers:
        return None
    value = order.decode().strip()
    changed = feature(FEATURE_KEY, UUID(FEATURE_ID), numbers[-1], value)
    if evaluates:
        changed = with_strategy(changed, padded_value(numbers[-1] + BY_STRATEGY, len(value)))
    return PublishFeatureValues(
        features=(
            PublishFeatureValue(
                action=PublishAction.UPDATE,
                environment_id=EnvironmentId(_ENVIRONMENT),
                feature=changed,
            ),
        )
    )


async def obey(bus: MemoryBus, *, evaluates: bool) -> None:
    """Publish what stdin orders, until it ends."""
    while True:
        await trio.lowlevel.wait_readable(_ORDERS)
        order = os.read(_ORDERS, _LONGEST_ORDER_BYTES)
        if not order:
            return
        if event := published(order, evaluates=evaluates):
            await bus.publish(event)


def _close(stranger: socket.socket, _read: bytes) -> None:
    stranger.close()  # nothing but Edge is here


async def serve(*, evaluates: bool) -> None:
    """Host Edge until stdin ends."""
    # Streams stay for as long as the run: neither drops nor heartbeats are part of a delivery.
    settings = EdgeSettings(drop_after_seconds=0, heartbeat_seconds=0)
    bus = MemoryBus()
    lookup = OneKey()
    edge = Edge(lookup, _NoMr(), settings, _close)
    bus.subscribe("dacha", lookup.on_delivery)
    bus.subscribe("edge", edge.on_delivery)
    door = Door(listen("127.0.0.1", 0, settings), edge.adopt, descriptors=raise_descriptor_limit())
    async with trio.open_nursery() as nursery:
        await nursery.start(edge.run)
        await nursery.start(door.run)
        gc.collect()
        gc.freeze()  # as the product does once it is up
        print(f"port {door.port}", flush=True)
        await obey(bus, evaluates=evaluates)
        nursery.cancel_scope.cancel()
    door.close()


def main() -> None:
    """Log warnings to stderr, serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.edge_host")
    parser.add_argument("--strategy", action="store_true", help="the feature has one, of 50 %%")
    options = parser.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    trio.run(partial(serve, evaluates=options.strategy))


if __name__ == "__main__":
    main()
