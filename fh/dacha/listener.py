"""What the bus tells, handed to whoever owns the state that it changes.

It returns once an event is in its owner's mailbox, so that a question which comes afterwards is
answered behind it.
"""

from collections.abc import Callable, Iterable
from typing import assert_never

from fh.bus.port import Delivery, Reconnected
from fh.contracts.published import (
    PublishAction,
    PublishEnvironment,
    PublishFeatureValue,
    PublishFeatureValues,
    PublishServiceAccount,
)
from fh.dacha.accounts import Accounts
from fh.dacha.environments import Environments
from fh.model.ids import EnvironmentId


class DachaListener:
    """The bus subscriber of a Dacha."""

    def __init__(
        self, accounts: Accounts, environments: Environments, refresh: Callable[[], None]
    ) -> None:
        self._accounts = accounts
        self._environments = environments
        self._refresh = refresh

    async def __call__(self, delivery: Delivery) -> None:
        """Take one delivery; EMPTY says nothing."""
        match delivery:
            case Reconnected():
                self._refresh()
            case (
                PublishEnvironment(action=PublishAction.EMPTY)
                | PublishServiceAccount(action=PublishAction.EMPTY)
            ):
                pass
            case PublishEnvironment():
                await self._environments.publish(delivery)
            case PublishServiceAccount():
                await self._accounts.publish(delivery)
            case PublishFeatureValues(features):
                for environment_id, changes in _by_environment(features).items():
                    await self._environments.publish_features(environment_id, tuple(changes))
            case _:
                assert_never(delivery)


def _by_environment(
    features: Iterable[PublishFeatureValue],
) -> dict[EnvironmentId, list[PublishFeatureValue]]:
    by_environment: dict[EnvironmentId, list[PublishFeatureValue]] = {}
    for change in features:
        if change.action is not PublishAction.EMPTY:
            by_environment.setdefault(change.environment_id, []).append(change)
    return by_environment
