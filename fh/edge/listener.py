"""From the bus to the subscriptions: an announcement finds the environment it is about."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import TypeAlias, assert_never

from fh.bus.port import Delivery, Reconnected
from fh.contracts.published import (
    PublishAction,
    PublishEnvironment,
    PublishFeatureValues,
    PublishServiceAccount,
)
from fh.edge.messages import (
    AccessChanged,
    EnvironmentAnnounced,
    FeaturesAnnounced,
    SubscriptionMessage,
)
from fh.model.ids import EnvironmentId

Addressed: TypeAlias = tuple[EnvironmentId | None, SubscriptionMessage]
"""A message and the environment it is for; None stands for every environment."""


def addressed(delivery: Delivery, committed_at: float | None = None) -> Iterable[Addressed]:
    """Return what `delivery`, committed then, means to which subscription."""
    match delivery:
        case PublishFeatureValues(features):
            # Producers put one environment into a bundle; one that does not costs nobody anything.
            return [
                (environment_id, FeaturesAnnounced(tuple(items), committed_at))
                for environment_id, items in groupby(features, attrgetter("environment_id"))
            ]
        case PublishEnvironment(environment, action=PublishAction.DELETE):
            return [(environment.id, AccessChanged(None))]
        case PublishEnvironment(action=PublishAction.EMPTY):
            return []
        case PublishEnvironment(environment):
            return [(environment.id, EnvironmentAnnounced(delivery.features, committed_at))]
        case PublishServiceAccount(service_account=account):
            return [] if account is None else [(None, AccessChanged(account.id))]
        case Reconnected():
            return [(None, AccessChanged(None))]
        case _:
            assert_never(delivery)
