"""What feature groups are made of and changed to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import Raw
from msgspec.structs import replace

from fh.contracts.published import ABSENT
from fh.model.feature_type import FeatureType
from fh.model.ids import EnvironmentId, FeatureGroupId, FeatureId
from fh.mr.attribute_rules import normalised
from fh.mr.errors import Invalid
from fh.mr.rollout_strategy import (
    RolloutStrategy,
    Strategies,
    check_readable,
    new_group_strategy_id,
    with_ids,
)
from fh.mr.strategy_bounds import check_bounds
from fh.mr.strategy_rules import check_rules
from fh.mr.values import value_text


@dataclass(frozen=True, slots=True)
class SentMember:
    """A feature that is to be a member, with the JSON text of its value."""

    feature_id: FeatureId
    value: Raw


@dataclass(frozen=True, slots=True)
class NewGroup:
    """What a group starts with."""

    environment_id: EnvironmentId
    name: str
    description: str
    members: Sequence[SentMember]
    strategies: Sequence[RolloutStrategy]


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What a client wants a group to be; None leaves a part as it is."""

    group_id: FeatureGroupId
    version: int
    name: str | None = None
    description: str | None = None
    position: int | None = None
    members: Sequence[SentMember] | None = None
    strategies: Sequence[RolloutStrategy] | None = None


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """Which groups to list; `environment_id` None stands for all that the caller may see."""

    environment_id: EnvironmentId | None
    name_part: str | None
    descending: bool
    size: int
    offset: int


def checked_name(name: str) -> str:
    """Return the name to store.

    Raises:
        Invalid: it is blank.
    """
    if not (name := name.strip()):
        raise Invalid("name", "A feature group needs a name.")
    return name


def checked_strategies(sent: Sequence[RolloutStrategy]) -> Strategies:
    """Return the strategies to store: the first one, whose values are the members'.

    Raises:
        Invalid: it holds more than there is room for, or what can't be read.
        StrategiesRefused: it breaks the rules.
    """
    strategies = tuple(replace(one, value=ABSENT) for one in sent[:1])
    check_bounds(strategies)
    check_readable(strategies)
    normal = normalised(strategies)
    check_rules(None, normal)
    return with_ids(normal, new_group_strategy_id)


def stored_members(
    members: Sequence[SentMember], types: Mapping[FeatureId, FeatureType]
) -> dict[FeatureId, str | None]:
    """Return the values to store.

    Raises:
        Invalid: one is not of its feature's type.
    """
    return {
        one.feature_id: value_text(types[one.feature_id], one.value, f"features[{index}].value")
        for index, one in enumerate(members)
    }
