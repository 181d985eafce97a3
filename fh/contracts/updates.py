"""What an SDK wants changed: a test write on its way from Edge to MR.

Source: sections 1.8 and 6.4 of the data plane's contract.
"""

from typing import Protocol

from msgspec import Raw, Struct, field

from fh.contracts.published import ABSENT
from fh.model.ids import (
    ApplicationId,
    EnvironmentId,
    OrganisationId,
    PortfolioId,
    ServiceAccountId,
)


class StreamedFeatureUpdate(Struct, frozen=True, omit_defaults=True):
    """A new default value, a lock, or both, for one feature of one environment.

    At most one of the three values is there, and none of them when `updating_value` clears the
    value. Numbers keep the JSON text that they were written with. `lock` None leaves the lock.
    """

    secret: str = field(name="apiKey")
    environment_id: EnvironmentId = field(name="environmentId")
    feature_key: str = field(name="featureKey")
    value_boolean: bool | None = field(name="valueBoolean", default=None)
    value_string: str | None = field(name="valueString", default=None)
    value_number: Raw = field(name="valueNumber", default=ABSENT)
    updating_value: bool = field(name="updatingValue", default=False)
    lock: bool | None = None
    organisation_id: OrganisationId | None = field(name="oId", default=None)
    portfolio_id: PortfolioId | None = field(name="pId", default=None)
    application_id: ApplicationId | None = field(name="aId", default=None)
    account_id: ServiceAccountId | None = field(name="sId", default=None)

    def __repr__(self) -> str:
        return f"StreamedFeatureUpdate({self.environment_id}, {self.feature_key!r})"


class FeatureUpdates(Protocol):
    """The port through which Edge hands an update to MR."""

    async def submit(self, update: StreamedFeatureUpdate) -> None:
        """Hand `update` on; Edge has checked that the key may do this.

        In one process it returns when the change is committed, over a broker when the broker has
        taken it. What MR can't apply any more (the feature was deleted meanwhile) is dropped.

        Raises:
            Unavailable: it could not be handed on; whether anything was done is open, and trying
                again is right either way.
        """
