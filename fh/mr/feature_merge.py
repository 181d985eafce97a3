"""Writing a feature value on top of what others wrote meanwhile: a three-way merge.

Base is the version the client was looking at, current is what the row holds, wanted is what the
client sent. Each facet (lock, default value, retired, strategies, attached strategies) is merged
for itself, so two people who change different facets of the same version both succeed, and an old
copy that is sent again changes nothing. Pure: the caller locks the row, reads, and saves what comes
out.

Source: section 5.6 of the admin contract.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from fh.model.feature_type import FeatureType
from fh.mr.access import (
    EffectiveRoles,
    may_change_value,
    may_create_value,
    may_lock,
    may_unlock,
)
from fh.mr.attachment import Attached, as_seen, meaning_for
from fh.mr.errors import Forbidden, Locked, VersionConflict
from fh.mr.list_merge import ListMerge
from fh.mr.rollout_strategy import RolloutStrategy, Strategies, comparable, with_ids
from fh.mr.values import is_unset, same_value


@dataclass(frozen=True, slots=True)
class Setting:
    """What one version of a feature value says."""

    value: str | None
    locked: bool
    retired: bool = False
    strategies: Strategies = ()
    attached: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client sent; None leaves a list alone."""

    value: str | None
    locked: bool
    retired: bool = False
    strategies: Sequence[RolloutStrategy] | None = None
    attached: Sequence[Attached] | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a merge needs to know besides the values."""

    key: str
    feature_type: FeatureType
    held: EffectiveRoles
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """There is nothing to save."""


@dataclass(frozen=True, slots=True)
class Changed:
    """This is to be saved as a new version."""

    setting: Setting


Merged: TypeAlias = Unchanged | Changed


def merged(base: Setting, current: Setting, wanted: Wanted, rules: Rules) -> Merged:
    """Return what becomes of `current`.

    Raises:
        VersionConflict: somebody else changed the same facet.
        Locked: the value is locked, and stays so.
        Forbidden: a facet was changed without the right to.
    """
    locked = _merged_lock(base, current, wanted, rules)
    # One request may unlock and change, or change and lock.
    closed = current.locked and locked
    result = Setting(
        value=_merged_value(base, current, wanted, rules, closed=closed),
        locked=locked,
        retired=_merged_retired(base, current, wanted, rules, closed=closed),
        strategies=_merged_strategies(base, current, wanted, rules, closed=closed),
        attached=_merged_attached(base, current, wanted, rules, closed=closed),
    )
    return Unchanged() if result == current else Changed(result)


def overwritten(current: Setting, wanted: Wanted, rules: Rules) -> Changed:
    """Return `wanted` written over `current`, for clients that do not say what they looked at.

    Raises:
        Forbidden: the lock was changed without the right to.
    """
    held = rules.held
    result = current
    if may_change_value(held):
        if not current.locked or (not wanted.locked and may_unlock(held)):
            strategies = with_ids(wanted.strategies or (), rules.new_id)
            attached = current.attached if wanted.attached is None else tuple(wanted.attached)
            result = replace(result, value=wanted.value, strategies=strategies, attached=attached)
        result = replace(result, retired=wanted.retired)
    if wanted.locked != current.locked:
        _need_lock_right(wanted, rules)
        result = replace(result, locked=wanted.locked)
    return Changed(result)


def created(wanted: Wanted, rules: Rules) -> Setting:
    """Return the first version of a value.

    Raises:
        Forbidden: a facet is set without the right to.
    """
    held = rules.held
    if not may_create_value(held):
        raise Forbidden
    sets_more = not is_unset(rules.feature_type, wanted.value) or wanted.retired
    if (sets_more or wanted.strategies or wanted.attached) and not may_change_value(held):
        raise Forbidden("You may not change values here.")
    # A switch starts locked, anything else unlocked: the other way needs its right.
    if wanted.locked != (rules.feature_type is FeatureType.BOOLEAN):
        _need_lock_right(wanted, rules)
    strategies = with_ids(wanted.strategies or (), rules.new_id)
    attached = tuple(wanted.attached or ())
    return Setting(wanted.value, wanted.locked, wanted.retired, strategies, attached)


def _merged_lock(base: Setting, current: Setting, wanted: Wanted, rules: Rules) -> bool:
    if wanted.locked in (current.locked, base.locked):
        return current.locked
    # Three booleans: who differs from both sees that those two are equal, so no conflict here.
    _need_lock_right(wanted, rules)
    return wanted.locked


def _merged_value(
    base: Setting, current: Setting, wanted: Wanted, rules: Rules, *, closed: bool
) -> str | None:
    def same(one: str | None, other: str | None) -> bool:
        return same_value(rules.feature_type, one, other)

    if same(wanted.value, current.value) or same(wanted.value, base.value):
        return current.value
    if not same(base.value, current.value):
        raise VersionConflict("value")
    _need_open(rules, closed=closed)
    _need_change_right(rules)
    return wanted.value


def _merged_retired(
    base: Setting, current: Setting, wanted: Wanted, rules: Rules, *, closed: bool
) -> bool:
    if wanted.retired in (current.retired, base.retired):
        return current.retired
    _need_open(rules, closed=closed)
    _need_change_right(rules)
    return wanted.retired


def _merged_strategies(
    base: Setting, current: Setting, wanted: Wanted, rules: Rules, *, closed: bool
) -> Strategies:
    if wanted.strategies is None:
        return current.strategies
    sent = with_ids(wanted.strategies, rules.new_id)
    result = _CUSTOM.merged(base.strategies, current.strategies, sent)
    if _CUSTOM.same(result, current.strategies):
        return current.strategies
    _need_change_right(rules)
    _need_open(rules, closed=closed)
    return result


def _merged_attached(
    base: Setting, current: Setting, wanted: Wanted, rules: Rules, *, closed: bool
) -> tuple[Attached, ...]:
    if wanted.attached is None:
        return current.attached
    merge = _attachments(rules)
    sent = as_seen(base.attached, current.attached, wanted.attached)
    result = merge.merged(base.attached, current.attached, sent)
    if merge.same(result, current.attached):
        return current.attached
    _need_change_right(rules)
    _need_open(rules, closed=closed)
    return result


_CUSTOM: Final[ListMerge[RolloutStrategy]] = ListMerge(
    "list of strategies", lambda one: one.id, comparable
)


def _attachments(rules: Rules) -> ListMerge[Attached]:
    return ListMerge(
        "list of attached strategies",
        lambda one: one.strategy_id,
        meaning_for(rules.feature_type),
    )


def _need_lock_right(wanted: Wanted, rules: Rules) -> None:
    if wanted.locked and not may_lock(rules.held):
        raise Forbidden("You may not lock features here.")
    if not wanted.locked and not may_unlock(rules.held):
        raise Forbidden("You may not unlock features here.")


# Which of the two is told where both are amiss differs by what is changed: section 5.6.2.
def _need_open(rules: Rules, *, closed: bool) -> None:
    if closed:
        raise Locked(rules.key)


def _need_change_right(rules: Rules) -> None:
    if not may_change_value(rules.held):
        raise Forbidden("You may not change values here.")
