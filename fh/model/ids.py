"""Identifiers: UUIDs that the type checker keeps apart."""

from typing import NewType
from uuid import UUID

OrganisationId = NewType("OrganisationId", UUID)
PersonId = NewType("PersonId", UUID)
GroupId = NewType("GroupId", UUID)
PortfolioId = NewType("PortfolioId", UUID)
ApplicationId = NewType("ApplicationId", UUID)
EnvironmentId = NewType("EnvironmentId", UUID)
FeatureId = NewType("FeatureId", UUID)
FeatureValueId = NewType("FeatureValueId", UUID)
FeatureFilterId = NewType("FeatureFilterId", UUID)
ServiceAccountId = NewType("ServiceAccountId", UUID)


def signed_halves(identifier: UUID) -> tuple[int, int]:
    """Return the sort key under which Java orders UUIDs: two signed 64-bit halves.

    So identifiers that start with 8 to f come first.

    Source: java.util.UUID.compareTo; Dacha2 orders the features of an etag by it.
    """
    value = identifier.int
    return _signed(value >> 64), _signed(value & 0xFFFF_FFFF_FFFF_FFFF)


def _signed(half: int) -> int:
    return half - (1 << 64) if half >> 63 else half
