"""Identifiers: UUIDs that the type checker keeps apart."""

from typing import Final, NewType
from uuid import UUID

OrganisationId = NewType("OrganisationId", UUID)
PersonId = NewType("PersonId", UUID)
GroupId = NewType("GroupId", UUID)
PortfolioId = NewType("PortfolioId", UUID)
ApplicationId = NewType("ApplicationId", UUID)
EnvironmentId = NewType("EnvironmentId", UUID)
FeatureId = NewType("FeatureId", UUID)
FeatureValueId = NewType("FeatureValueId", UUID)
ApplicationStrategyId = NewType("ApplicationStrategyId", UUID)
FeatureGroupId = NewType("FeatureGroupId", UUID)
FeatureFilterId = NewType("FeatureFilterId", UUID)
ServiceAccountId = NewType("ServiceAccountId", UUID)

_SIGNS: Final = 1 << 127 | 1 << 63


def java_order(identifier: UUID) -> int:
    """Return the sort key under which Java orders UUIDs: by two signed 64-bit halves.

    So identifiers that start with 8 to f come first.

    Source: java.util.UUID.compareTo; Dacha2 orders the features of an etag by it.
    """
    # With the sign bits turned round, numbers without signs have that order.
    return identifier.int ^ _SIGNS
