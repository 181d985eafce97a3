from uuid import UUID

import pytest

from fh.contracts.answers import Granted
from fh.contracts.published import CacheEnvironmentFeature, CacheFeature
from fh.model.feature_type import FeatureType
from fh.model.ids import (
    ApplicationId,
    FeatureFilterId,
    FeatureId,
    OrganisationId,
    PortfolioId,
    ServiceAccountId,
)
from fh.model.roles import Role


def filters(numbers: str) -> tuple[FeatureFilterId, ...]:
    return tuple(FeatureFilterId(UUID(int=int(number))) for number in numbers)


def granted(numbers: str, roles: frozenset[Role] = frozenset({Role.READ})) -> Granted:
    return Granted(
        organisation_id=OrganisationId(UUID(int=1)),
        portfolio_id=PortfolioId(UUID(int=2)),
        application_id=ApplicationId(UUID(int=3)),
        account_id=ServiceAccountId(UUID(int=4)),
        roles=roles,
        filters=frozenset(filters(numbers)),
        environment_info={},
        features=(),
        etag="",
    )


@pytest.mark.parametrize(
    ("account", "feature", "sees"),
    [
        ("", "", True),
        ("", "1", True),
        ("1", "", False),
        ("1", "1", True),
        ("1", "2", False),
        ("12", "23", True),
    ],
)
def test_an_account_sees_what_shares_a_filter_with_it(
    account: str, feature: str, sees: bool
) -> None:
    cached = CacheFeature(
        id=FeatureId(UUID(int=5)),
        key="k",
        value_type=FeatureType.STRING,
        version=1,
        filters=filters(feature),
    )
    assert granted(account).sees(CacheEnvironmentFeature(feature=cached)) is sees


def test_extended_data_needs_its_role() -> None:
    assert not granted("").extended_data
    assert granted("", frozenset({Role.READ, Role.EXTENDED_DATA})).extended_data
