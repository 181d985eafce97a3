"""What Edge asks Dacha about an SDK key, and the three answers there are.

Denied is final: the key will not work. NotReady is not, and never becomes a 4xx, a `failure`
event or an empty list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from msgspec import Struct

from fh.contracts.published import CacheEnvironmentFeature
from fh.model.ids import (
    ApplicationId,
    FeatureFilterId,
    OrganisationId,
    PortfolioId,
    ServiceAccountId,
)
from fh.model.roles import Role
from fh.model.sdk_key import SdkKey


class Granted(Struct, frozen=True, weakref=True):
    """What a key may see of its environment at one moment.

    `features` are those the account's filters let through, retired ones among them, in the
    order that the etag was computed over. `etag` is the 32 characters of the digest and the
    flag for extended data. Equal views are the same object as long as nothing changed, so a
    reader may cache what it derives by identity.
    """

    organisation_id: OrganisationId
    portfolio_id: PortfolioId
    application_id: ApplicationId
    account_id: ServiceAccountId
    roles: frozenset[Role]
    filters: frozenset[FeatureFilterId]
    environment_info: Mapping[str, str]
    features: tuple[CacheEnvironmentFeature, ...]
    etag: str

    @property
    def extended_data(self) -> bool:
        """Whether the key may see the properties of features (`fp`)."""
        return Role.EXTENDED_DATA in self.roles

    def sees(self, feature: CacheEnvironmentFeature) -> bool:
        """Return whether the account's filters let `feature` through."""
        return not self.filters or not self.filters.isdisjoint(feature.feature.filters)


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Denied:
    """No such key, no permission in that environment, or no such environment."""


@dataclass(frozen=True, slots=True)
class NotReady:
    """It can't be known at the moment."""

    reason: str


KeyAnswer: TypeAlias = Granted | Denied | NotReady


class KeyLookup(Protocol):
    """The port through which Edge reads what Dacha knows."""

    def find_key(self, key: SdkKey) -> Granted | Denied | None:
        """Return the newest answer in memory at once, or None when it has to be loaded."""

    async def load_key(self, key: SdkKey) -> KeyAnswer:
        """Return the answer, loading what is missing.

        It is not older than any event that the bus had handed to Dacha before the call.
        """
