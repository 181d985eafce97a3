"""What stands for MR behind the benches' Edge: environments in memory, and one key to all of them.

Every environment has the feature that the bench changes, and others that never change. Dacha asks
here once for each and keeps it, as it does with MR.
"""

from uuid import UUID, uuid5

import msgspec
from msgspec import Raw

from bench.baselines.frame import (
    CLIENT_SECRET,
    ENVIRONMENT_ID,
    FEATURE_ID,
    FEATURE_KEY,
    SECRET,
    environment_id,
)
from bench.load.marker import ENVIRONMENT_STEP, padded_value, scan
from bench.load.outcomes import BY_STRATEGY, SHARE_MILLIONTHS, value_id
from fh.contracts.published import (
    CacheEnvironment,
    CacheEnvironmentFeature,
    CacheFeature,
    CacheFeatureValue,
    CacheRolloutStrategy,
    CacheServiceAccount,
    CacheServiceAccountPermission,
    PublishAction,
    PublishEnvironment,
    PublishFeatureValue,
    PublishFeatureValues,
)
from fh.contracts.updates import StreamedFeatureUpdate
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

_FIRST = UUID(ENVIRONMENT_ID)
_ACCOUNT = ServiceAccountId(uuid5(_FIRST, "account"))


def keys(environments: int, secret: str = SECRET) -> list[SdkKey]:
    """Return the key to each of so many environments."""
    return [
        SdkKey(EnvironmentId(UUID(environment_id(place))), secret) for place in range(environments)
    ]


def feature(
    key: str, feature_id: UUID, version: int, value: str, *, place: int = 0
) -> CacheEnvironmentFeature:
    """Return a STRING feature with a value, in the environment at `place`."""
    return CacheEnvironmentFeature(
        feature=CacheFeature(
            id=FeatureId(feature_id), key=key, value_type=FeatureType.STRING, version=1
        ),
        value=CacheFeatureValue(
            id=FeatureValueId(_value_id(feature_id, place)),
            key=key,
            locked=False,
            version=version,
            value=Raw(msgspec.json.encode(value)),
        ),
    )


def published(
    order: bytes, *, place: int = 0, evaluates: bool = False
) -> PublishFeatureValues | None:
    """Return what `order`, a value with a marker, publishes; None if it holds no marker.

    The environment at `place` gets a value as long with its own number. If Edge `evaluates`, half
    of all users get another one, whose marker is offset.
    """
    numbers, _rest = scan(order)
    if not numbers:
        return None
    value_bytes = len(order.strip())
    number = numbers[-1] + place * ENVIRONMENT_STEP
    value = padded_value(number, value_bytes)
    changed = feature(FEATURE_KEY, UUID(FEATURE_ID), numbers[-1], value, place=place)
    if evaluates:
        changed = _with_strategy(changed, padded_value(number + BY_STRATEGY, value_bytes))
    return PublishFeatureValues(
        features=(
            PublishFeatureValue(
                action=PublishAction.UPDATE,
                environment_id=EnvironmentId(UUID(environment_id(place))),
                feature=changed,
            ),
        )
    )


def _value_id(feature_id: UUID, place: int) -> UUID:
    # What is hashed for a percentage: the load client knows that of the feature that changes.
    if feature_id == UUID(FEATURE_ID):
        return value_id(place)
    return uuid5(feature_id, environment_id(place))


class BenchTruth:
    """The truth about so many environments of so many features, and the one account."""

    def __init__(self, environments: int, features: int, value: str = "on") -> None:
        """Make environments of at least the feature that changes; the others have `value`."""
        self._features = features
        self._value = value
        self._places = {key.environment_id: place for place, key in enumerate(keys(environments))}

    async def load_environment(self, environment_id: EnvironmentId) -> PublishEnvironment | None:
        """See `TruthSource`."""
        place = self._places.get(environment_id)
        if place is None:
            return None
        others = [f"OTHER_FEATURE_{index}" for index in range(self._features - 1)]
        # A feature is its application's: its id is the same in all environments.
        listed = (
            feature(FEATURE_KEY, UUID(FEATURE_ID), 0, "", place=place),
            *(feature(key, uuid5(_FIRST, key), 1, self._value) for key in others),
        )
        return PublishEnvironment(
            environment=CacheEnvironment(id=environment_id, version=1),
            organisation_id=OrganisationId(uuid5(_FIRST, "organisation")),
            portfolio_id=PortfolioId(uuid5(_FIRST, "portfolio")),
            application_id=ApplicationId(uuid5(_FIRST, "application")),
            action=PublishAction.UPDATE,
            features=listed,
            service_accounts=(_ACCOUNT,),
        )

    async def load_account(self, secret: str) -> CacheServiceAccount | None:
        """See `TruthSource`."""
        if secret not in {SECRET, CLIENT_SECRET}:
            return None
        return CacheServiceAccount(
            id=_ACCOUNT,
            version=1,
            api_key_client_side=CLIENT_SECRET,
            api_key_server_side=SECRET,
            permissions=tuple(
                CacheServiceAccountPermission(environment_id, (Role.READ,))
                for environment_id in self._places
            ),
        )


class NoMr:
    """Nobody writes here."""

    async def submit(self, update: StreamedFeatureUpdate) -> None:
        """See `FeatureUpdates`."""
        raise Unavailable(repr(update))


def _with_strategy(plain: CacheEnvironmentFeature, value: str) -> CacheEnvironmentFeature:
    """Return a feature that has `value` for half of all users."""
    assert plain.value is not None
    strategy = CacheRolloutStrategy(
        id="half", percentage=SHARE_MILLIONTHS, value=Raw(msgspec.json.encode(value))
    )
    replaced = msgspec.structs.replace(plain.value, rollout_strategies=(strategy,))
    return msgspec.structs.replace(plain, value=replaced)
