"""Feature values: reading them, and writing them on top of what others wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from msgspec import Raw

from fh.db.port import Transaction
from fh.model.feature_type import FeatureType
from fh.model.ids import ApplicationStrategyId, EnvironmentId, FeatureValueId
from fh.mr.access import (
    ApplicationRights,
    Caller,
    effective_roles,
    may_attempt_write,
    may_read_values,
)
from fh.mr.attachment import SentAttachment, wanted_attached
from fh.mr.attribute_rules import normalised
from fh.mr.errors import DuplicateItems, Forbidden, NotFound, VersionConflict
from fh.mr.feature_merge import Changed, Rules, Unchanged, Wanted, created, merged, overwritten
from fh.mr.outbox import announce
from fh.mr.repositories import feature_values as repository
from fh.mr.repositories.access import find_environment_rights
from fh.mr.repositories.application_strategies import hold_strategies
from fh.mr.repositories.environments import Environment, find_environment
from fh.mr.repositories.feature_values import FeatureValue
from fh.mr.repositories.features import Feature, find_feature, find_features, hold_feature
from fh.mr.repositories.publishing import load_published_feature
from fh.mr.rollout_strategy import RolloutStrategy, check_values, new_strategy_id
from fh.mr.strategy_bounds import check_bounds
from fh.mr.strategy_rules import check_rules
from fh.mr.values import stored_text


@dataclass(frozen=True, slots=True)
class SentValue:
    """A value as a client sends it: of the four typed members only the feature's own counts.

    `id` and `version` say what the client was looking at.
    """

    locked: bool
    retired: bool = False
    id: FeatureValueId | None = None
    version: int = 0
    boolean: bool | None = None
    string: str | None = None
    number: Raw = field(default_factory=Raw)
    json: str | None = None
    strategies: Sequence[RolloutStrategy] | None = None
    attached: Sequence[SentAttachment] | None = None

    def wanted(
        self, feature_type: FeatureType, known: Mapping[ApplicationStrategyId, int]
    ) -> Wanted:
        """Return what it means for a feature of that type; `known` as `hold_attached` returns it.

        Raises:
            Invalid: the number is none, or an attached strategy's value is of another type.
        """
        text = stored_text(
            feature_type,
            boolean=self.boolean,
            string=self.string,
            number=self.number,
            json=self.json,
        )
        strategies = None if self.strategies is None else normalised(self.strategies)
        attached = None
        if self.attached is not None:
            attached = wanted_attached(feature_type, self.attached, known)
        return Wanted(text, self.locked, self.retired, strategies, attached)


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
    known = await hold_attached(tx, rights, [sent])
    changed = await write_value(tx, caller, rights, environment_id, feature, sent, known)
    value = await repository.find_value(tx, environment_id, feature.id)
    assert value is not None, "it was just written, or there already"
    if changed:
        await announce(tx, await load_published_feature(tx, environment_id, feature.id))
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
            raise NotFound("feature")
        check_sent(known[key], value)
    strategies = await hold_attached(tx, rights, [value for _, value in sent])
    written = [
        known[key].id
        for key, value in sorted(sent, key=lambda named: known[named[0]].id)
        if await write_value(tx, caller, rights, environment_id, known[key], value, strategies)
    ]
    loaded = await load_values(tx, caller, environment_id)
    events = [await load_published_feature(tx, environment_id, one) for one in written]
    await announce(tx, *events)
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


def check_sent(feature: Feature, sent: SentValue) -> None:
    """Refuse strategies that can't be published, or break the rules.

    Raises:
        Invalid: a value in them is not of the right type, or they are too many.
        StrategiesRefused: with all that is wrong.
    """
    strategies = sent.strategies or ()
    check_bounds(strategies)
    check_values(feature.value_type, strategies)
    check_rules(feature.value_type, normalised(strategies))


async def hold_attached(
    tx: Transaction, rights: ApplicationRights, sent: Sequence[SentValue]
) -> Mapping[ApplicationStrategyId, int]:
    """Return the versions of the application's strategies that are to be attached.

    They stay until the transaction ends. Before any value is locked, as by whoever changes a
    strategy and then the values that it is attached to.
    """
    ids = {one.strategy_id for value in sent for one in value.attached or ()}
    return await hold_strategies(tx, rights.application_id, sorted(ids))


async def write_value(
    tx: Transaction,
    caller: Caller,
    rights: ApplicationRights,
    environment_id: EnvironmentId,
    feature: Feature,
    sent: SentValue,
    known: Mapping[ApplicationStrategyId, int],
) -> bool:
    """Write one value; return whether anything changed. Announcing it is the caller's part.

    `known` as `hold_attached` returns it.

    Raises:
        FeatureHubError: as `save_value`.
    """
    # Not archived while we write: an update announced after its farewell would revive it.
    if not await hold_feature(tx, feature.id):
        raise NotFound("feature")
    held = effective_roles(caller, rights, environment_id)
    rules = Rules(feature.text.key, feature.value_type, held, new_strategy_id)
    wanted = sent.wanted(feature.value_type, known)
    current = await repository.lock_value(tx, environment_id, feature.id)
    if current is None:
        setting = created(wanted, rules)
        await repository.insert_value(tx, environment_id, feature.id, setting, caller.person_id)
        return True
    base = None
    if sent.id == current.id:
        base = await repository.find_setting(tx, current.id, sent.version)
    if base is not None:
        outcome = merged(base, current.setting, wanted, rules)
    elif sent.version == current.version:
        outcome = overwritten(current.setting, wanted, rules)
    else:
        raise VersionConflict("feature value")
    match outcome:
        case Unchanged():
            return False
        case Changed(setting):
            if setting.strategies != current.setting.strategies:
                check_bounds(setting.strategies)  # others may have added some, too
            await repository.save_value(tx, current.id, setting, caller.person_id, sent.version)
            return True
        case _:
            assert_never(outcome)
