"""Writing feature values on top of what others wrote; whoever calls it has asked for the right to.

Announcing what was written is the caller's part, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from msgspec import Raw

from fh.db.port import Transaction
from fh.errors import FeatureHubError
from fh.model.feature_type import FeatureType
from fh.model.ids import ApplicationStrategyId, EnvironmentId, FeatureValueId
from fh.mr.access import ApplicationRights, Caller, effective_roles
from fh.mr.attachment import SentAttachment, check_room, wanted_attached
from fh.mr.attribute_rules import normalised
from fh.mr.errors import Locked, NotFound, VersionConflict
from fh.mr.feature_merge import (
    Changed,
    Merged,
    Rules,
    Setting,
    Unchanged,
    Wanted,
    created,
    merged,
    overwritten,
)
from fh.mr.repositories.application_strategies import hold_strategies
from fh.mr.repositories.environments import find_environment
from fh.mr.repositories.feature_values import FeatureValue
from fh.mr.repositories.features import Feature
from fh.mr.repositories.value_versions import hold_features
from fh.mr.repositories.written_values import (
    NextVersion,
    Place,
    find_settings,
    insert_values,
    lock_values_at,
    save_versions,
)
from fh.mr.rollout_strategy import RolloutStrategy, check_values, new_strategy_id
from fh.mr.strategy_bounds import check_bounds
from fh.mr.strategy_rules import check_rules
from fh.mr.values import stored_text
from fh.mr.versions import check_version


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
class ValueWrite:
    """What is to become of one feature in one environment."""

    environment_id: EnvironmentId
    feature: Feature
    sent: SentValue

    @property
    def place(self) -> Place:
        """Where that is."""
        return self.environment_id, self.feature.id


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


async def write_values(
    tx: Transaction, caller: Caller, rights: ApplicationRights, writes: Sequence[ValueWrite]
) -> Sequence[Place]:
    """Write values of one application, each at another place; return where anything changed.

    Raises:
        NotFound: a feature is gone.
        Forbidden: the caller may not change what is to be changed.
        VersionConflict: somebody else changed the same, or a feature's type.
        Locked: a value is locked, and stays so.
        Invalid: a value, or a strategy's, is not of the feature's type, or strategies are too
            many.
        StrategiesRefused: with what others added, strategies break the rules.
    """
    # In one order for all, so that two writers wait for each other instead of for ever.
    ordered = sorted(writes, key=lambda write: write.place)
    known = await _hold_attached(tx, rights, ordered)
    # Not archived while we write: an update announced after its farewell would revive it.
    await _hold_features(tx, rights, ordered)
    wanted = [write.sent.wanted(write.feature.value_type, known) for write in ordered]
    current = await lock_values_at(tx, [write.place for write in ordered])
    bases = await find_settings(
        tx,
        [
            (value.id, write.sent.version)
            for write in ordered
            if (value := current.get(write.place)) is not None and value.id == write.sent.id
        ],
    )
    first: dict[Place, Setting] = {}
    following: list[NextVersion] = []
    written: list[Place] = []
    for write, one in zip(ordered, wanted, strict=True):
        held = effective_roles(caller, rights, write.environment_id)
        rules = Rules(write.feature.text.key, write.feature.value_type, held, new_strategy_id)
        value = current.get(write.place)
        if value is None:
            first[write.place] = created(one, rules)
            written.append(write.place)
            continue
        try:
            outcome = _outcome(value, bases.get(value.id), write.sent, one, rules)
        except (VersionConflict, Locked) as refusal:
            raise await _placed(tx, refusal, write) from refusal
        match outcome:
            case Unchanged():
                pass
            case Changed(setting):
                _check_together(write.feature.value_type, value.setting, setting)
                following.append(NextVersion(value.id, setting, write.sent.version))
                written.append(write.place)
            case unexpected:
                assert_never(unexpected)
    await insert_values(tx, first, caller.person_id)
    await save_versions(tx, following, caller.person_id)
    return written


def _check_together(feature_type: FeatureType, before: Setting, after: Setting) -> None:
    """Refuse what others' additions and these come to.

    Otherwise nobody could send it back any more, not even to lock the value.
    """
    if after.strategies != before.strategies:
        check_bounds(after.strategies)
        check_rules(feature_type, after.strategies)
    if after.attached != before.attached:
        check_room(len(after.attached))


async def _hold_features(
    tx: Transaction, rights: ApplicationRights, writes: Sequence[ValueWrite]
) -> None:
    features = {write.feature.id: write.feature for write in writes}
    held = await hold_features(tx, rights.application_id, sorted(features))
    for feature_id, feature in features.items():
        if feature_id not in held:
            raise NotFound("feature", f"There is no such feature any more: {feature.text.key}.")
        if held[feature_id] is not feature.value_type:
            raise VersionConflict(f"feature {feature.text.key}")


def _outcome(
    current: FeatureValue, base: Setting | None, sent: SentValue, wanted: Wanted, rules: Rules
) -> Merged:
    if base is not None:
        return merged(base, current.setting, wanted, rules)
    check_version("feature value", sent.version or None, current.version)
    return overwritten(current.setting, wanted, rules)


async def _placed(
    tx: Transaction, refusal: VersionConflict | Locked, write: ValueWrite
) -> FeatureHubError:
    """Return a refusal that says which of many values it is about."""
    key = write.feature.text.key
    found = await find_environment(tx, write.environment_id)
    environment = "an environment that is gone" if found is None else found.name
    if isinstance(refusal, Locked):
        return Locked(key, environment)
    return type(refusal)(f"{refusal.what} of {key} in {environment}")


async def _hold_attached(
    tx: Transaction, rights: ApplicationRights, writes: Sequence[ValueWrite]
) -> Mapping[ApplicationStrategyId, int]:
    """Return the versions of the application's strategies that are to be attached.

    They stay until the transaction ends. Before any value is locked, as by whoever changes a
    strategy and then the values that it is attached to.
    """
    ids = {
        one.strategy_id
        for write in writes
        for one in write.sent.attached or ()
        if one.strategy_id is not None
    }
    return await hold_strategies(tx, rights.application_id, sorted(ids))
