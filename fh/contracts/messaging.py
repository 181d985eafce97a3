"""What changed about a feature value, for people who read it in a chat, and how that went.

Members are there only when they changed.

Source: sections 6.2 and 6.10 of the data plane's contract; section 8.7 of the admin contract.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import Raw, Struct, field

from fh.contracts.published import ABSENT
from fh.model.feature_type import FeatureType
from fh.model.ids import (
    ApplicationId,
    EnvironmentId,
    FeatureId,
    FeatureValueId,
    OrganisationId,
    PersonId,
    PortfolioId,
)


class VersionUpdate(Struct, frozen=True, omit_defaults=True):
    """The version that was edited, and the one before."""

    previous: int | None = field(name="prev", default=None)
    current: int | None = field(name="curr", default=None)


class ValueUpdate(Struct, frozen=True, omit_defaults=True):
    """A value as text."""

    previous: str | None = None
    updated: str | None = None


class FlagUpdate(Struct, frozen=True):
    """Whether it was, and is, locked or retired."""

    previous: bool
    updated: bool


class StrategyUpdate(Struct, frozen=True, omit_defaults=True):
    """A strategy that was `ADDED`, `CHANGED` or `DELETED`; both keep their JSON text."""

    update_type: str = field(name="updateType")
    new: Raw = field(name="newStrategy", default=ABSENT)
    old: Raw = field(name="oldStrategy", default=ABSENT)


class StrategiesReordered(Struct, frozen=True):
    """The strategies in both orders, each with its JSON text."""

    previous: tuple[Raw, ...] = ()
    reordered: tuple[Raw, ...] = ()


class FeatureMessagingUpdate(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One edit of one feature value."""

    environment_id: EnvironmentId = field(name="eId")
    environment_name: str = field(name="eName")
    portfolio_id: PortfolioId = field(name="pId")
    portfolio_name: str = field(name="pName")
    organisation_id: OrganisationId = field(name="oId")
    organisation_name: str = field(name="oName")
    application_id: ApplicationId = field(name="aId")
    application_name: str = field(name="aName")
    when_updated: datetime = field(name="whenUpdated")
    who_updated_id: PersonId = field(name="whoUpdatedId")
    who_updated: str = field(name="whoUpdated")
    feature_key: str = field(name="fKey")
    feature_id: FeatureId = field(name="fId")
    feature_name: str = field(name="fName")
    feature_value_id: FeatureValueId = field(name="featureValueId")
    feature_value_type: FeatureType = field(name="featureValueType")
    description: str | None = field(name="desc", default=None)
    link: str | None = None
    version: VersionUpdate | None = None
    value: ValueUpdate | None = field(name="featureValueUpdated", default=None)
    lock: FlagUpdate | None = field(name="lockUpdated", default=None)
    retired: FlagUpdate | None = field(name="retiredUpdated", default=None)
    strategies: tuple[StrategyUpdate, ...] = field(name="strategiesUpdated", default=())
    strategies_reordered: StrategiesReordered | None = field(
        name="strategiesReordered", default=None
    )
    application_strategies: tuple[StrategyUpdate, ...] = field(
        name="applicationStrategiesUpdated", default=()
    )
    application_strategies_reordered: StrategiesReordered | None = field(
        name="applicationStrategiesReordered", default=None
    )
    additional: Mapping[str, str] | None = field(name="additionalInfo", default=None)

    def __repr__(self) -> str:  # what is additional holds the token of the chat
        return f"FeatureMessagingUpdate({self.environment_id}, {self.feature_key!r})"


class TrackedEventResult(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How the delivery of an event went; the three originals are those of that event."""

    status: int
    method: str
    content: str | None = None
    original_organisation: str = field(name="oceOrgId")
    original_id: str = field(name="oceId")
    original_type: str = field(name="oceType")
    incoming_headers: Mapping[str, str] | None = field(name="incomingHeaders", default=None)
    extra: Mapping[str, str] | None = None


SlackTest: TypeAlias = dict[str, Any]
"""A test message for a chat: any JSON object, the contract names no members."""
