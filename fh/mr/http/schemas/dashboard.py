"""The dashboard on the wire."""

from collections.abc import Iterator, Sequence
from typing import Annotated, TypeAlias

from msgspec import Meta, Raw, Struct, field

from fh.contracts.published import ABSENT
from fh.model.feature_type import FeatureType
from fh.model.ids import ApplicationId, EnvironmentId, FeatureValueId
from fh.model.roles import Role
from fh.mr.http.schemas.features import Feature, feature_body
from fh.mr.http.schemas.strategies import RolloutStrategyInstance, ThinGroupRolloutStrategy
from fh.mr.repositories.dashboard import PageAttachment, PageGroup, PageValue
from fh.mr.rollout_strategy import Strategies
from fh.mr.services.dashboard import Dashboard, DashboardEnvironment
from fh.mr.values import json_value


def _none() -> tuple[()]:
    # A factory, not a default: omit_defaults would leave an empty array out.
    return ()


# They go out as the text that they are stored as: a page may hold thousands of them.
_Stored: TypeAlias = Annotated[
    Raw,
    Meta(
        extra_json_schema={
            "type": "array",
            "items": {"$ref": "#/components/schemas/RolloutStrategy"},
        }
    ),
]


class DashboardValue(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A `FeatureValue` without its author, and with strategies as they are stored."""

    id: FeatureValueId
    key: str
    locked: bool
    version: int
    environment_id: EnvironmentId
    retired: bool
    rollout_strategies: _Stored
    value: Raw = ABSENT
    value_boolean: bool | None = None
    value_string: str | None = None
    value_number: Raw = ABSENT
    value_json: str | None = None
    rollout_strategy_instances: tuple[RolloutStrategyInstance, ...] = field(default_factory=_none)
    feature_group_strategies: tuple[ThinGroupRolloutStrategy, ...] = field(default_factory=_none)
    shared_rollout_strategies: Strategies = field(default_factory=_none)


class EnvironmentFeatureValues(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The values in one environment; none of them where the caller has no role."""

    environment_id: EnvironmentId
    environment_name: str
    prior_environment_id: EnvironmentId | None = None
    features: tuple[DashboardValue, ...] = field(default_factory=_none)
    roles: tuple[Role, ...] = field(default_factory=_none)


class ApplicationFeatureValues(Struct, frozen=True, rename="camel"):
    """A page of features with their values; `max_features` is how many there are in all."""

    application_id: ApplicationId
    features: tuple[Feature, ...]
    environments: tuple[EnvironmentFeatureValues, ...]
    max_features: int


def dashboard_body(application_id: ApplicationId, found: Dashboard) -> ApplicationFeatureValues:
    """Return a page of the dashboard."""
    return ApplicationFeatureValues(
        application_id=application_id,
        features=tuple(feature_body(feature) for feature in found.features),
        environments=tuple(_environment(one, found) for one in found.environments),
        max_features=found.total,
    )


def _environment(one: DashboardEnvironment, found: Dashboard) -> EnvironmentFeatureValues:
    return EnvironmentFeatureValues(
        environment_id=one.environment.id,
        environment_name=one.environment.name,
        prior_environment_id=one.environment.prior_id,
        features=tuple(_values(one, found)),
        roles=tuple(role for role in Role if role in one.roles),
    )


def _values(one: DashboardEnvironment, found: Dashboard) -> Iterator[DashboardValue]:
    for feature in found.features:
        value = one.values.get(feature.id)
        if value is not None:
            attached = found.attached.get(value.id, ())
            grouped = found.grouped.get((one.environment.id, feature.id), ())
            yield _value(feature.text.key, feature.value_type, value, attached, grouped)


def _value(
    key: str,
    value_type: FeatureType,
    value: PageValue,
    attached: Sequence[PageAttachment],
    grouped: Sequence[PageGroup],
) -> DashboardValue:
    text = value.text
    shown = json_value(value_type, text)
    return DashboardValue(
        value.id,
        key,
        value.locked,
        value.version,
        value.environment_id,
        value.retired,
        Raw(value.strategies.encode()),
        shown,
        text == "true" if value_type is FeatureType.BOOLEAN else None,
        text if value_type is FeatureType.STRING else None,
        shown if value_type is FeatureType.NUMBER else ABSENT,
        text if value_type is FeatureType.JSON else None,
        tuple(
            RolloutStrategyInstance(
                strategy_id=one.strategy_id,
                name=one.name,
                value=json_value(value_type, one.text),
                disabled=one.disabled or None,
            )
            for one in attached
        ),
        tuple(
            ThinGroupRolloutStrategy(one.name, one.group_id, json_value(value_type, one.text))
            for one in grouped
        ),
    )
