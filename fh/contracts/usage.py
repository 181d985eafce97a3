"""How often SDKs asked, on its way from Edge to whoever counts.

Source: sections 6.2 and 7.1 of the data plane's contract.
"""

from datetime import datetime

from msgspec import Struct, field

from fh.model.ids import ApplicationId, EnvironmentId, OrganisationId, PortfolioId


class UsageCounter(Struct, frozen=True):
    """How often a key was used in one way, with one result."""

    count: int
    result: str = field(name="resultType")
    hit: str = field(name="hitType")


class KeyUsage(Struct, frozen=True, omit_defaults=True):
    """How one key was used; `account` is the account's id, or the key itself where that is open."""

    environment_id: EnvironmentId = field(name="eId")
    account: str = field(name="sId")
    organisation_id: OrganisationId | None = field(name="oId", default=None)
    portfolio_id: PortfolioId | None = field(name="pId", default=None)
    application_id: ApplicationId | None = field(name="aId", default=None)
    counters: tuple[UsageCounter, ...] = field(default_factory=lambda: ())

    def __repr__(self) -> str:
        return f"KeyUsage({self.environment_id}, counters={len(self.counters)})"


class EdgeStatsBundle(Struct, frozen=True):
    """The use of some keys since the last bundle."""

    timestamp: datetime
    misses: int = 0
    keys: tuple[KeyUsage, ...] = field(name="apiKeys", default=())
