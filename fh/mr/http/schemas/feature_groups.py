"""Feature groups on the wire."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from msgspec import Meta, Raw, Struct, field

from fh.contracts.published import ABSENT
from fh.model.feature_type import FeatureType
from fh.model.ids import EnvironmentId, FeatureGroupId, FeatureId
from fh.mr.feature_group import GroupChange, NewGroup, SentMember
from fh.mr.repositories import feature_groups as rows
from fh.mr.rollout_strategy import Strategies
from fh.mr.values import json_value

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=255)]
Description: TypeAlias = Annotated[str, Meta(max_length=255)]
Order: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=rows.LAST_POSITION)]


def _no() -> bool:
    # A factory, not a default: omit_defaults would leave a false out.
    return False


class FeatureGroupFeature(Struct, frozen=True, omit_defaults=True):
    """A feature; its value only where it is a member."""

    id: FeatureId
    key: str
    name: str
    type: FeatureType
    locked: bool
    value: Raw = ABSENT


class FeatureGroup(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A group with its members by key; it is never disabled."""

    id: FeatureGroupId
    name: str
    order: int
    description: str
    version: int
    environment_id: EnvironmentId
    environment_name: str
    features: tuple[FeatureGroupFeature, ...]
    strategies: Strategies
    disabled: bool = field(default_factory=_no)


class FeatureGroupUpdateFeature(Struct, frozen=True):
    """A feature that is to be a member, and its value there."""

    id: FeatureId
    value: Raw = ABSENT


Members: TypeAlias = tuple[FeatureGroupUpdateFeature, ...]


class FeatureGroupCreate(Struct, frozen=True, rename="camel"):
    """A group to be; of the strategies only the first counts. No group is ever disabled."""

    name: Name
    environment_id: EnvironmentId
    features: Members
    description: Description | None = None
    strategies: Strategies | None = None
    disabled: bool | None = False


class FeatureGroupUpdate(Struct, frozen=True):
    """What a group is to be; members that are absent or null stay as they are."""

    id: FeatureGroupId
    version: int
    name: Name | None = None
    description: Description | None = None
    order: Order | None = None
    features: Members | None = None
    strategies: Strategies | None = None


class FeatureGroupListFeature(Struct, frozen=True):
    """A member among others."""

    key: str


class FeatureGroupListGroup(Struct, frozen=True, rename="camel"):
    """A group among others."""

    id: FeatureGroupId
    order: int
    name: str
    description: str
    environment_id: EnvironmentId
    environment_name: str
    version: int
    has_strategy: bool
    features: tuple[FeatureGroupListFeature, ...]


class FeatureGroupList(Struct, frozen=True, rename="camel"):
    """One page; `count` counts all that match."""

    count: int
    feature_groups: tuple[FeatureGroupListGroup, ...]


def group_body(group: rows.FeatureGroup) -> FeatureGroup:
    """Return a group with its members."""
    return FeatureGroup(
        id=group.id,
        name=group.name,
        order=group.position,
        description=group.description,
        version=group.version,
        environment_id=group.environment_id,
        environment_name=group.environment_name,
        features=tuple(
            group_feature_body(member, value=json_value(member.value_type, member.value))
            for member in group.members
        ),
        strategies=group.strategies,
    )


def group_feature_body(feature: rows.GroupFeature, *, value: Raw = ABSENT) -> FeatureGroupFeature:
    """Return a feature, with a value where it is a member."""
    return FeatureGroupFeature(
        feature.id, feature.key, feature.name, feature.value_type, feature.locked, value
    )


def listed_group_body(group: rows.FeatureGroup) -> FeatureGroupListGroup:
    """Return a group among others."""
    return FeatureGroupListGroup(
        id=group.id,
        order=group.position,
        name=group.name,
        description=group.description,
        environment_id=group.environment_id,
        environment_name=group.environment_name,
        version=group.version,
        has_strategy=bool(group.strategies),
        features=tuple(FeatureGroupListFeature(member.key) for member in group.members),
    )


def new_group(body: FeatureGroupCreate) -> NewGroup:
    """Return the group that a client wants."""
    return NewGroup(
        environment_id=body.environment_id,
        name=body.name,
        description=body.description or "",
        members=_members(body.features),
        strategies=body.strategies or (),
    )


def group_change(body: FeatureGroupUpdate) -> GroupChange:
    """Return what a client wants a group to be."""
    return GroupChange(
        group_id=body.id,
        version=body.version,
        name=body.name,
        description=body.description,
        position=body.order,
        members=None if body.features is None else _members(body.features),
        strategies=body.strategies,
    )


def _members(features: Members) -> Sequence[SentMember]:
    return [SentMember(feature.id, feature.value) for feature in features]
