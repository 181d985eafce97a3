"""What MR announces: environments, service accounts and feature values.

The wire names are FeatureHub's. Absent members are left out, arrays are always written, and
`value` keeps the JSON text it was written with, so that no number is ever rounded on its way.

Source: section 0.4 of the data plane's contract.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

import msgspec
from msgspec import Raw, Struct, field

from fh.model.feature_type import FeatureType
from fh.model.ids import (
    ApplicationId,
    EnvironmentId,
    FeatureFilterId,
    FeatureId,
    FeatureValueId,
    OrganisationId,
    PersonId,
    PortfolioId,
    ServiceAccountId,
)
from fh.model.roles import Role

ABSENT = Raw()
"""The JSON text of a value that is not there."""

DELETED_VERSION = (1 << 63) - 1
"""The version that a deleted environment or service account is announced with."""

_NULL = b"null"


class PublishAction(StrEnum):
    """What happened to the thing announced."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    EMPTY = "EMPTY"


def _none() -> tuple[()]:
    # A factory, not a default: omit_defaults would leave an empty array out.
    return ()


def _zero() -> int:
    # As above: a count is always written.
    return 0


class CacheRolloutStrategyAttribute(Struct, frozen=True, omit_defaults=True, gc=False):
    """One rule of a strategy."""

    conditional: str
    field_name: str = field(name="fieldName")
    type: str
    values: tuple[Raw, ...] = field(default_factory=_none)


class CacheRolloutStrategy(Struct, frozen=True, omit_defaults=True, gc=False):
    """A strategy in the order in which it is evaluated."""

    id: str
    percentage: int | None = None
    percentage_attributes: tuple[str, ...] = field(
        name="percentageAttributes", default_factory=_none
    )
    attributes: tuple[CacheRolloutStrategyAttribute, ...] = field(default_factory=_none)
    value: Raw = ABSENT


class CacheFeature(Struct, frozen=True, omit_defaults=True, gc=False):
    """A feature as all environments of its application share it."""

    id: FeatureId
    key: str
    value_type: FeatureType = field(name="valueType")
    version: int
    filters: tuple[FeatureFilterId, ...] = ()


class CacheFeatureValue(Struct, frozen=True, omit_defaults=True, gc=False):
    """A feature's setting in one environment."""

    id: FeatureValueId
    key: str
    locked: bool
    version: int
    value: Raw = ABSENT
    retired: bool = False
    person_id: PersonId | None = field(name="pId", default=None)
    rollout_strategies: tuple[CacheRolloutStrategy, ...] = field(
        name="rolloutStrategies", default_factory=_none
    )


class CacheEnvironmentFeature(Struct, frozen=True, omit_defaults=True, gc=False):
    """A feature and, where it was ever set, its value in one environment."""

    feature: CacheFeature
    value: CacheFeatureValue | None = None
    properties: Mapping[str, str] | None = field(name="fp", default=None)


class CacheEnvironment(Struct, frozen=True, omit_defaults=True, gc=False):
    """An environment without its features."""

    id: EnvironmentId
    version: int
    info: Mapping[str, str] | None = field(name="eInf", default=None)
    webhook_info: Mapping[str, str] | None = field(name="wInfo", default=None)


class PublishEnvironment(Struct, frozen=True, omit_defaults=True, gc=False):
    """A whole environment, with every live feature of its application."""

    environment: CacheEnvironment
    organisation_id: OrganisationId = field(name="oId")
    portfolio_id: PortfolioId = field(name="pId")
    application_id: ApplicationId = field(name="aId")
    action: PublishAction
    features: tuple[CacheEnvironmentFeature, ...] = field(name="fv", default_factory=_none)
    service_accounts: tuple[ServiceAccountId, ...] = field(name="sa", default_factory=_none)
    count: int = field(name="c", default_factory=_zero)


class CacheServiceAccountPermission(Struct, frozen=True, omit_defaults=True, gc=False):
    """What a service account may do in one environment."""

    environment_id: EnvironmentId = field(name="environmentId")
    permissions: tuple[Role, ...] = field(default_factory=_none)


class CacheServiceAccount(Struct, frozen=True, omit_defaults=True, gc=False):
    """A service account with both its secrets."""

    id: ServiceAccountId
    version: int
    api_key_client_side: str = field(name="apiKeyClientSide")
    api_key_server_side: str = field(name="apiKeyServerSide")
    permissions: tuple[CacheServiceAccountPermission, ...] = field(default_factory=_none)
    filters: tuple[FeatureFilterId, ...] = ()

    def __repr__(self) -> str:
        return f"CacheServiceAccount({self.id}, version={self.version})"


class PublishServiceAccount(Struct, frozen=True, omit_defaults=True, gc=False):
    """A service account was created, changed or deleted."""

    action: PublishAction
    service_account: CacheServiceAccount | None = field(name="serviceAccount", default=None)
    count: int = field(default_factory=_zero)


class PublishFeatureValue(Struct, frozen=True, omit_defaults=True, gc=False):
    """One feature of one environment was created, changed or deleted."""

    action: PublishAction
    environment_id: EnvironmentId = field(name="environmentId")
    feature: CacheEnvironmentFeature


class PublishFeatureValues(Struct, frozen=True, omit_defaults=True, gc=False):
    """Features of one environment."""

    features: tuple[PublishFeatureValue, ...] = field(default_factory=_none)


Published: TypeAlias = PublishEnvironment | PublishServiceAccount | PublishFeatureValues


def encode_published(event: Published) -> bytes:
    """Return the JSON text of `event`."""
    return msgspec.json.encode(event)


def has_value(value: Raw) -> bool:
    """Return whether a value is set: neither absent nor JSON null."""
    return bool(value) and value != Raw(_NULL)
