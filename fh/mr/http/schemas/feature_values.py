"""Feature values on the wire."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Raw, Struct, field

from fh.contracts.published import ABSENT
from fh.model.feature_type import FeatureType
from fh.model.ids import EnvironmentId, FeatureValueId
from fh.model.roles import Role
from fh.mr.attachment import SentAttachment
from fh.mr.http.schemas.applications import Application
from fh.mr.http.schemas.environments import Environment, environment_body
from fh.mr.http.schemas.features import Feature
from fh.mr.http.schemas.people import Author, author_body
from fh.mr.http.schemas.service_accounts import ServiceAccount, account_outline
from fh.mr.http.schemas.strategies import (
    Instances,
    RolloutStrategyInstance,
    ThinGroupRolloutStrategy,
)
from fh.mr.repositories import feature_values as rows
from fh.mr.rollout_strategy import RolloutStrategy
from fh.mr.services.environments import EnvironmentDetails
from fh.mr.services.feature_environments import FeatureInEnvironment
from fh.mr.services.feature_values import EnvironmentValues
from fh.mr.services.value_writes import SentValue
from fh.mr.values import json_value

_NO_NAME = "No name"


def _none() -> tuple[()]:
    # A factory, not a default: omit_defaults would leave an empty array out.
    return ()


def _no() -> bool:
    # As above: a false is written, too.
    return False


class FeatureValueContent(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What clients send as a `FeatureValue`: of what they got, the members that count.

    A list that is absent or null is left alone. `value` does not count: clients send back the
    one they got, beside the typed member they changed.
    """

    key: str
    locked: bool
    id: FeatureValueId | None = None
    version: int | None = 0
    environment_id: EnvironmentId | None = None
    retired: bool | None = False
    value_boolean: bool | None = None
    value_string: str | None = None
    value_number: Raw = ABSENT
    value_json: str | None = None
    rollout_strategies: tuple[RolloutStrategy, ...] | None = None
    rollout_strategy_instances: Instances | None = None


class FeatureValue(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A value; it stands in the member of its type and in `value`.

    Strategies of groups are only shown on the dashboard, shared ones only as instances.
    """

    id: FeatureValueId
    key: str
    locked: bool
    version: int
    environment_id: EnvironmentId
    retired: bool = field(default_factory=_no)
    value: Raw = ABSENT
    value_boolean: bool | None = None
    value_string: str | None = None
    value_number: Raw = ABSENT
    value_json: str | None = None
    rollout_strategies: tuple[RolloutStrategy, ...] = field(default_factory=_none)
    rollout_strategy_instances: Instances = field(default_factory=_none)
    shared_rollout_strategies: tuple[RolloutStrategy, ...] = field(default_factory=_none)
    feature_group_strategies: tuple[ThinGroupRolloutStrategy, ...] = field(default_factory=_none)
    who_updated: Author | None = None
    when_updated: datetime | None = None


class EnvironmentFeaturesResult(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """All values of an environment."""

    feature_values: tuple[FeatureValue, ...] = field(default_factory=_none)
    environments: tuple[Environment, ...] = field(default_factory=_none)
    applications: tuple[Application, ...] = field(default_factory=_none)
    features: tuple[Feature, ...] = field(default_factory=_none)


class FeatureEnvironment(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A feature in one environment of many."""

    environment: Environment
    roles: tuple[Role, ...] = field(default_factory=_none)
    feature_value: FeatureValue | None = None
    service_accounts: tuple[ServiceAccount, ...] = field(default_factory=_none)


def value_body(value: rows.FeatureValue, *, author: bool = True) -> FeatureValue:
    """Return a value, with who wrote it where that is shown."""
    setting, value_type = value.setting, value.value_type
    shown = json_value(value_type, setting.value)
    return FeatureValue(
        id=value.id,
        key=value.key,
        locked=setting.locked,
        version=value.version,
        environment_id=value.environment_id,
        retired=setting.retired,
        value=shown,
        value_boolean=setting.value == "true" if value_type is FeatureType.BOOLEAN else None,
        value_string=setting.value if value_type is FeatureType.STRING else None,
        value_number=shown if value_type is FeatureType.NUMBER else ABSENT,
        value_json=setting.value if value_type is FeatureType.JSON else None,
        rollout_strategies=setting.strategies,
        rollout_strategy_instances=tuple(
            RolloutStrategyInstance(
                strategy_id=one.strategy_id,
                name=value.attached_names[one.strategy_id],
                value=json_value(value_type, one.value),
                disabled=one.disabled or None,
            )
            for one in setting.attached
        ),
        who_updated=author_body(value.author) if author else None,
        when_updated=value.when_updated if author else None,
    )


def values_body(found: EnvironmentValues) -> EnvironmentFeaturesResult:
    """Return all values of an environment."""
    return EnvironmentFeaturesResult(
        feature_values=tuple(value_body(value) for value in found.values),
        environments=(environment_body(EnvironmentDetails(found.environment)),),
    )


def feature_environment_body(found: FeatureInEnvironment) -> FeatureEnvironment:
    """Return a feature in one environment."""
    held = found.held.environment
    return FeatureEnvironment(
        environment=environment_body(EnvironmentDetails(found.environment)),
        roles=tuple(role for role in Role if role in held),
        feature_value=None if found.value is None else value_body(found.value),
        service_accounts=tuple(account_outline(account) for account in found.accounts),
    )


def sent_value(body: FeatureValueContent) -> SentValue:
    """Return what a client wants a value to be."""
    return SentValue(
        locked=body.locked,
        retired=bool(body.retired),
        id=body.id,
        version=body.version or 0,
        boolean=body.value_boolean,
        string=body.value_string,
        number=body.value_number,
        json=body.value_json,
        strategies=body.rollout_strategies,
        attached=_attachments(body.rollout_strategy_instances),
    )


def _attachments(instances: Instances | None) -> Sequence[SentAttachment] | None:
    if instances is None:
        return None
    return [
        SentAttachment(one.strategy_id, one.value, disabled=bool(one.disabled)) for one in instances
    ]
