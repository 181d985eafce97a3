"""The names on the wire are a contract with other programs: typed out here, letter by letter."""

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.contracts.published import (
    ABSENT,
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
    encode_published,
    has_value,
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
    (PublishServiceAccount(action=PublishAction.EMPTY), {"action": "EMPTY"}),
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


@pytest.mark.parametrize(("event", "expected"), EVENTS)
def test_an_event_has_its_wire_names(event: Published, expected: dict[str, Any]) -> None:
    encoded = encode_published(event)
    assert json.loads(encoded) == expected
    assert b"null" not in encoded


@pytest.mark.parametrize(("event", "expected"), EVENTS)
def test_an_event_comes_back_as_it_went(event: Published, expected: dict[str, Any]) -> None:
    assert msgspec.json.decode(encode_published(event), type=type(event)) == event


def with_strangers(value: Any) -> Any:
    match value:
        case {"eInf": _} | {"category": _}:
            return value  # a map of texts: every member is somebody's
        case dict():
            return {"UNKNOWN": [1, None], **{k: with_strangers(v) for k, v in value.items()}}
        case list():
            return [with_strangers(each) for each in value]
        case _:
            return value


@pytest.mark.parametrize(("event", "expected"), EVENTS)
def test_members_that_are_not_known_are_ignored(event: Published, expected: dict[str, Any]) -> None:
    text_with_strangers = json.dumps(with_strangers(expected)).encode()
    found = msgspec.json.decode(text_with_strangers, type=type(event))
    assert json.loads(encode_published(found)) == expected


def test_arrays_without_a_default_are_written_even_when_empty() -> None:
    strategy = CacheRolloutStrategy(id="x")
    attribute = CacheRolloutStrategyAttribute(conditional="EQUALS", field_name="a", type="STRING")
    account = CacheServiceAccount(
        id=ServiceAccountId(uuid(1)), version=1, api_key_client_side="", api_key_server_side=""
    )
    value = CacheFeatureValue(id=FeatureValueId(uuid(1)), key="k", locked=False, version=1)
    assert encoded(strategy) == {"id": "x", "percentageAttributes": [], "attributes": []}
    assert encoded(attribute)["values"] == []
    assert encoded(account)["permissions"] == []
    assert encoded(value)["rolloutStrategies"] == []


def test_what_is_not_set_is_left_out() -> None:
    value = CacheFeatureValue(id=FeatureValueId(uuid(1)), key="k", locked=False, version=1)
    assert set(encoded(value)) == {"id", "key", "locked", "version", "rolloutStrategies"}
    assert set(encoded(BARE_FEATURE)) == {"feature"}
    assert "filters" not in encoded(BARE_FEATURE)["feature"]


@pytest.mark.parametrize(
    ("member", "has"),
    [("", False), (',"value":null', False), (',"value": null ', False), (',"value":false', True)]
    + [(f',"value":{each}', True) for each in ('""', "0", '"null"', "[]")],
)
def test_absent_and_null_are_no_value_and_all_else_is_one(member: str, has: bool) -> None:
    json_text = f'{{"id":"{text(1)}","key":"k","locked":false,"version":1{member}}}'
    value = msgspec.json.decode(json_text.encode(), type=CacheFeatureValue)
    assert has_value(value.value) is has
    assert (value.value == ABSENT) is not member


@pytest.mark.parametrize(
    "number", [b"1.10", b"1E400", b"0.10000000000000000555", b"123456789012345678901234567890"]
)
def test_a_number_keeps_its_text_on_the_way(number: bytes) -> None:
    value = CacheFeatureValue(
        id=FeatureValueId(uuid(1)), key="k", locked=False, version=1, value=msgspec.Raw(number)
    )
    found = msgspec.json.decode(msgspec.json.encode(value), type=CacheFeatureValue)
    assert bytes(found.value) == number


@given(version=st.integers(min_value=-(1 << 63), max_value=DELETED_VERSION))
def test_versions_have_64_bits(version: int) -> None:
    environment = CacheEnvironment(id=EnvironmentId(uuid(1)), version=version)
    found = msgspec.json.decode(msgspec.json.encode(environment), type=CacheEnvironment)
    assert found.version == version


def test_an_account_does_not_show_its_secrets() -> None:
    account = CacheServiceAccount(
        id=ServiceAccountId(uuid(1)),
        version=1,
        api_key_client_side="client*secret",
        api_key_server_side="serversecret",
    )
    event = PublishServiceAccount(action=PublishAction.UPDATE, service_account=account)
    for shown in (repr(account), str(account), f"{account}", repr(event)):
        assert "secret" not in shown


def encoded(value: msgspec.Struct) -> Any:
    return json.loads(msgspec.json.encode(value))
