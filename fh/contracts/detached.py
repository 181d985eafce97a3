"""What a message told, without the message.

Decoding leaves JSON texts where they are, in the bytes of the message, which then live as long as
one of them: a value of a few bytes keeps an announcement of hundreds, or an environment of
thousands. Whoever decodes what caches may keep takes it out first.
"""

from functools import lru_cache
from typing import TypeVar

from msgspec.structs import replace

from fh.contracts.published import (
    CacheEnvironmentFeature,
    CacheFeature,
    CacheFeatureValue,
    CacheRolloutStrategy,
    CacheRolloutStrategyAttribute,
    PublishEnvironment,
    PublishFeatureValue,
    PublishFeatureValues,
)
from fh.model.ids import PersonId

T = TypeVar("T")


def detached(message: T) -> T:
    """Return an equal message for keeping; anything but environments and features as it is."""
    match message:
        case PublishEnvironment(features=features):
            return replace(message, features=tuple(map(_feature, features)))
        case PublishFeatureValues(features=changes):
            return replace(message, features=tuple(map(_change, changes)))
        case _:
            return message


def _change(change: PublishFeatureValue) -> PublishFeatureValue:
    return PublishFeatureValue(change.action, change.environment_id, _feature(change.feature))


def _feature(feature: CacheEnvironmentFeature) -> CacheEnvironmentFeature:
    value = feature.value
    if value is None:
        return feature
    shared = _same_feature(feature.feature)
    key = shared.key
    kept = CacheFeatureValue(
        id=value.id,
        key=key if key == value.key else value.key,
        locked=value.locked,
        version=value.version,
        value=value.value.copy(),
        retired=value.retired,
        person_id=None if value.person_id is None else _same_person(value.person_id),
        rollout_strategies=tuple(map(_strategy, value.rollout_strategies)),
    )
    return CacheEnvironmentFeature(shared, kept, feature.properties)


def _strategy(strategy: CacheRolloutStrategy) -> CacheRolloutStrategy:
    return replace(
        strategy,
        attributes=tuple(map(_attribute, strategy.attributes)),
        value=strategy.value.copy(),
    )


def _attribute(attribute: CacheRolloutStrategyAttribute) -> CacheRolloutStrategyAttribute:
    return replace(attribute, values=tuple(value.copy() for value in attribute.values))


@lru_cache(maxsize=1 << 16)
def _same_feature(feature: CacheFeature) -> CacheFeature:
    """Return the first of those that are equal: environments of an application share features."""
    return feature


@lru_cache(maxsize=1 << 10)
def _same_person(person_id: PersonId) -> PersonId:
    """Return the first of those that are equal: few people change many features."""
    return person_id
