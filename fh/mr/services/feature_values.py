"""Feature values: reading them, and writing them on top of what others wrote."""

from collections.abc import Sequence
from dataclasses import dataclass

from fh.db.port import Transaction
from fh.model.ids import EnvironmentId
from fh.mr.access import (
    ApplicationRights,
    Caller,
    effective_roles,
    may_attempt_write,
    may_read_values,
)
from fh.mr.errors import DuplicateItems, Forbidden, NotFound
from fh.mr.outbox import announce
from fh.mr.repositories import feature_values as repository
from fh.mr.repositories.access import find_environment_rights
from fh.mr.repositories.environments import Environment, find_environment
from fh.mr.repositories.feature_values import FeatureValue
from fh.mr.repositories.features import find_feature, find_features
from fh.mr.repositories.publishing import load_published_values
from fh.mr.services.value_writes import SentValue, ValueWrite, check_sent, write_values


@dataclass(frozen=True, slots=True)
class EnvironmentValues:
    """An environment with the values of its features."""

    environment: Environment
    values: Sequence[FeatureValue]


async def load_values(
    tx: Transaction, caller: Caller, environment_id: EnvironmentId
) -> EnvironmentValues:
    """Return all values in an environment by key.

    Raises:
        Forbidden: the caller has no role there.
        NotFound: there is no such environment.
    """
    await _readable(tx, caller, environment_id)
    environment = await find_environment(tx, environment_id)
    if environment is None:
        raise NotFound("environment")
    return EnvironmentValues(environment, await repository.find_values(tx, [environment_id]))


async def load_value(
    tx: Transaction, caller: Caller, environment_id: EnvironmentId, key: str
) -> FeatureValue:
    """Return one value.

    Raises:
        Forbidden: the caller has no role there.
        NotFound: there is no such environment or feature, or it has no value yet.
    """
    rights = await _readable(tx, caller, environment_id)
    feature = await find_feature(tx, rights.application_id, key)
    if feature is None:
        raise NotFound("feature")
    value = await repository.find_value(tx, environment_id, feature.id)
    if value is None:
        raise NotFound("feature value")
    return value


async def save_value(
    tx: Transaction, caller: Caller, environment_id: EnvironmentId, key: str, sent: SentValue
) -> FeatureValue:
    """Write one value, its first or its next version; return what it is now.

    Raises:
        Forbidden: the caller may not change what is to be changed.
        NotFound: there is no such environment or feature.
        VersionConflict: somebody else changed the same.
        Locked: the value is locked, and stays so.
        Invalid: the value, or a strategy's, is not of the feature's type, or strategies are too
            many.
        StrategiesRefused: strategies break the rules.
    """
    rights = await _writable(tx, caller, environment_id)
    feature = await find_feature(tx, rights.application_id, key)
    if feature is None:
        raise NotFound("feature")
    check_sent(feature, sent)
    written = await write_values(tx, caller, rights, [ValueWrite(environment_id, feature, sent)])
    value = await repository.find_value(tx, environment_id, feature.id)
    assert value is not None, "it was just written, or there already"
    await announce(tx, *await load_published_values(tx, written))
    return value


async def save_values(
    tx: Transaction,
    caller: Caller,
    environment_id: EnvironmentId,
    sent: Sequence[tuple[str, SentValue]],
) -> EnvironmentValues:
    """Write values of several features (by key) in one environment: all of them or none.

    Raises:
        DuplicateItems: a feature is named twice.
        FeatureHubError: as `save_value`.
    """
    if len({key for key, _ in sent}) < len(sent):
        raise DuplicateItems("key")
    rights = await _writable(tx, caller, environment_id)
    known = {
        feature.text.key: feature for feature in await find_features(tx, [rights.application_id])
    }
    for key, value in sent:
        if key not in known:
            raise NotFound("feature", f"There is no such feature: {key}.")
        check_sent(known[key], value)
    writes = [ValueWrite(environment_id, known[key], value) for key, value in sent]
    written = await write_values(tx, caller, rights, writes)
    loaded = await load_values(tx, caller, environment_id)
    await announce(tx, *await load_published_values(tx, written))
    return loaded


async def _readable(
    tx: Transaction, caller: Caller, environment_id: EnvironmentId
) -> ApplicationRights:
    rights = await find_environment_rights(tx, caller, environment_id)
    if rights is None:
        raise NotFound("environment") if caller.superuser else Forbidden
    if not may_read_values(effective_roles(caller, rights, environment_id)):
        raise Forbidden
    return rights


async def _writable(
    tx: Transaction, caller: Caller, environment_id: EnvironmentId
) -> ApplicationRights:
    rights = await _readable(tx, caller, environment_id)
    if not may_attempt_write(effective_roles(caller, rights, environment_id)):
        raise Forbidden
    return rights
