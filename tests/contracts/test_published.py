"""The names on the wire are a contract with other programs: typed out here, letter by letter."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.contracts.published import (
    ABSENT,
    DELETED_VERSION,
    CacheEnvironment,
    CacheFeatureValue,
    CacheRolloutStrategy,
    CacheRolloutStrategyAttribute,
    CacheServiceAccount,
    PublishAction,
    Published,
    PublishServiceAccount,
    encode_published,
    has_value,
)
from fh.model.ids import (
    EnvironmentId,
    FeatureValueId,
    ServiceAccountId,
)
from tests.contracts.published_events import BARE_FEATURE, EVENTS, text, uuid


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
