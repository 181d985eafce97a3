"""Events and their JSON, typed out letter by letter."""

from typing import Any
from uuid import UUID

import msgspec

from fh.contracts.published import (
    DELETED_VERSION,
    CacheEnvironment,
    CacheEnvironmentFeature,
    CacheFeature,
    CacheFeatureValue,
    CacheRolloutStrategy,
    CacheRolloutStrategyAttribute,
    CacheServiceAccount,
    CacheServiceAccountPermission,
    PublishAction,
    Published,
    PublishEnvironment,
    PublishFeatureValue,
    PublishFeatureValues,
    PublishServiceAccount,
)
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


def uuid(number: int) -> UUID:
    return UUID(int=number)


def text(number: int) -> str:
    return str(uuid(number))


FEATURE = CacheEnvironmentFeature(
    feature=CacheFeature(
        id=FeatureId(uuid(1)),
        key="NEW_MENU",
        value_type=FeatureType.NUMBER,
        version=3,
        filters=(FeatureFilterId(uuid(2)),),
    ),
    value=CacheFeatureValue(
        id=FeatureValueId(uuid(3)),
        key="NEW_MENU",
        locked=True,
        version=5,
        value=msgspec.Raw(b"1.10"),
        retired=True,
        person_id=PersonId(uuid(4)),
        rollout_strategies=(
            CacheRolloutStrategy(
                id="abcd",
                percentage=250_000,
                percentage_attributes=("company",),
                attributes=(
                    CacheRolloutStrategyAttribute(
                        conditional="GREATER",
                        field_name="age",
                        type="NUMBER",
                        values=(msgspec.Raw(b"18.0"), msgspec.Raw(b'"x"')),
                    ),
                ),
                value=msgspec.Raw(b"2"),
            ),
        ),
    ),
    properties={"category": "menu"},
)
FEATURE_JSON = {
    "feature": {
        "id": text(1),
        "key": "NEW_MENU",
        "valueType": "NUMBER",
        "version": 3,
        "filters": [text(2)],
    },
    "value": {
        "id": text(3),
        "key": "NEW_MENU",
        "locked": True,
        "version": 5,
        "value": 1.1,
        "retired": True,
        "pId": text(4),
        "rolloutStrategies": [
            {
                "id": "abcd",
                "percentage": 250_000,
                "percentageAttributes": ["company"],
                "attributes": [
                    {
                        "conditional": "GREATER",
                        "fieldName": "age",
                        "type": "NUMBER",
                        "values": [18.0, "x"],
                    }
                ],
                "value": 2,
            }
        ],
    },
    "fp": {"category": "menu"},
}
BARE_FEATURE = CacheEnvironmentFeature(
    feature=CacheFeature(
        id=FeatureId(uuid(1)), key="NEW_MENU", value_type=FeatureType.BOOLEAN, version=1
    )
)
BARE_FEATURE_JSON = {
    "feature": {"id": text(1), "key": "NEW_MENU", "valueType": "BOOLEAN", "version": 1}
}
EVENTS: list[tuple[Published, dict[str, Any]]] = [
    (
        PublishEnvironment(
            environment=CacheEnvironment(
                id=EnvironmentId(uuid(9)),
                version=2,
                info={"owner": "ann"},
                webhook_info={"url": "x"},
            ),
            organisation_id=OrganisationId(uuid(10)),
            portfolio_id=PortfolioId(uuid(11)),
            application_id=ApplicationId(uuid(12)),
            action=PublishAction.CREATE,
            features=(FEATURE,),
            service_accounts=(ServiceAccountId(uuid(13)),),
            count=1,
        ),
        {
            "environment": {
                "id": text(9),
                "version": 2,
                "eInf": {"owner": "ann"},
                "wInfo": {"url": "x"},
            },
            "oId": text(10),
            "pId": text(11),
            "aId": text(12),
            "action": "CREATE",
            "fv": [FEATURE_JSON],
            "sa": [text(13)],
            "c": 1,
        },
    ),
    (
        PublishEnvironment(
            environment=CacheEnvironment(id=EnvironmentId(uuid(9)), version=DELETED_VERSION),
            organisation_id=OrganisationId(uuid(10)),
            portfolio_id=PortfolioId(uuid(11)),
            application_id=ApplicationId(uuid(12)),
            action=PublishAction.DELETE,
        ),
        {
            "environment": {"id": text(9), "version": 9_223_372_036_854_775_807},
            "oId": text(10),
            "pId": text(11),
            "aId": text(12),
            "action": "DELETE",
            "fv": [],
            "sa": [],
            "c": 0,
        },
    ),
    (
        PublishServiceAccount(
            action=PublishAction.UPDATE,
            service_account=CacheServiceAccount(
                id=ServiceAccountId(uuid(13)),
                version=4,
                api_key_client_side="client*side",
                api_key_server_side="serverside",
                permissions=(
                    CacheServiceAccountPermission(
                        environment_id=EnvironmentId(uuid(9)),
                        permissions=(Role.READ, Role.CHANGE_VALUE),
                    ),
                ),
                filters=(FeatureFilterId(uuid(2)),),
            ),
            count=1,
        ),
        {
            "action": "UPDATE",
            "serviceAccount": {
                "id": text(13),
                "version": 4,
                "apiKeyClientSide": "client*side",
                "apiKeyServerSide": "serverside",
                "permissions": [
                    {"environmentId": text(9), "permissions": ["READ", "CHANGE_VALUE"]}
                ],
                "filters": [text(2)],
            },
            "count": 1,
        },
    ),
    (PublishServiceAccount(action=PublishAction.EMPTY), {"action": "EMPTY", "count": 0}),
    (
        PublishFeatureValues(
            features=(
                PublishFeatureValue(
                    action=PublishAction.UPDATE,
                    environment_id=EnvironmentId(uuid(9)),
                    feature=FEATURE,
                ),
                PublishFeatureValue(
                    action=PublishAction.DELETE,
                    environment_id=EnvironmentId(uuid(9)),
                    feature=BARE_FEATURE,
                ),
            )
        ),
        {
            "features": [
                {"action": "UPDATE", "environmentId": text(9), "feature": FEATURE_JSON},
                {"action": "DELETE", "environmentId": text(9), "feature": BARE_FEATURE_JSON},
            ]
        },
    ),
    (PublishFeatureValues(), {"features": []}),
]
