"""The history of values on the wire."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from msgspec import Raw, Struct

from fh.contracts.published import ABSENT
from fh.model.ids import ApplicationStrategyId, EnvironmentId, FeatureId, FeatureValueId
from fh.mr.http.schemas.people import AnemicPerson
from fh.mr.repositories.feature_history import AttachedName, HistoryAuthor, HistoryVersion
from fh.mr.rollout_strategy import RolloutStrategy
from fh.mr.services.feature_history import History
from fh.mr.values import json_value

Names: TypeAlias = Mapping[ApplicationStrategyId, AttachedName]

_NO_NAME = "No name"


class FeatureHistoryValue(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One version of a value; `version_from` is the one that its author looked at."""

    version: int
    when: datetime
    who: AnemicPerson
    locked: bool
    retired: bool
    rollout_strategies: tuple[RolloutStrategy, ...]
    value: Raw = ABSENT
    version_from: int | None = None


class FeatureHistoryItem(Struct, frozen=True, rename="camel"):
    """Versions of one value."""

    env_id: EnvironmentId
    feature_value_id: FeatureValueId
    feature_id: FeatureId
    history: tuple[FeatureHistoryValue, ...]


class FeatureHistoryList(Struct, frozen=True):
    """A page of versions by value; `max` is how many versions there are in all."""

    max: int
    items: tuple[FeatureHistoryItem, ...]


def history_body(found: History) -> FeatureHistoryList:
    """Return a page of versions, those of one value together, in the order of the first."""
    by_value: dict[FeatureValueId, list[HistoryVersion]] = {}
    for version in found.versions:
        by_value.setdefault(version.value_id, []).append(version)
    items = (_item(group, found.names) for group in by_value.values())
    return FeatureHistoryList(found.total, tuple(items))


def _item(group: Sequence[HistoryVersion], names: Names) -> FeatureHistoryItem:
    first = group[0]
    return FeatureHistoryItem(
        env_id=first.environment_id,
        feature_value_id=first.value_id,
        feature_id=first.feature_id,
        history=tuple(_version(version, names) for version in group),
    )


def _version(version: HistoryVersion, names: Names) -> FeatureHistoryValue:
    setting = version.setting
    # What is attached is shown as one more strategy, under the code that SDKs know it by.
    attached = (
        RolloutStrategy(
            id=names[one.strategy_id].code,
            name=names[one.strategy_id].name,
            value=json_value(version.value_type, one.value),
            disabled=one.disabled,
        )
        for one in setting.attached
        if one.strategy_id in names
    )
    return FeatureHistoryValue(
        version=version.version,
        when=version.when_created,
        who=_who(version.author),
        locked=setting.locked,
        retired=setting.retired,
        rollout_strategies=(*setting.strategies, *attached),
        value=json_value(version.value_type, setting.value),
        version_from=version.version_from,
    )


def _who(author: HistoryAuthor) -> AnemicPerson:
    return AnemicPerson(
        id=author.id, name=author.name or _NO_NAME, type=author.type, email=author.email
    )
