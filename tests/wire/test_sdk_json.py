import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from fh.contracts.published import (
    ABSENT,
    CacheEnvironmentFeature,
    CacheFeature,
    CacheFeatureValue,
    CacheRolloutStrategy,
    CacheRolloutStrategyAttribute,
)
from fh.model.feature_type import FeatureType
from fh.model.ids import EnvironmentId, FeatureId, FeatureValueId
from fh.wire.sdk_json import (
    Evaluation,
    encode_environment,
    encode_feature,
    encode_features,
    feature_state,
)
from fh.wire.sse import encode_json
from tests.wire.event_stream import Received, read

ENVIRONMENT = EnvironmentId(UUID("1a3e5f09-20e7-41e2-9014-1421682b71b1"))
STRATEGY = CacheRolloutStrategy(
    id="abcd",
    percentage=250_000,
    attributes=(
        CacheRolloutStrategyAttribute(
            conditional="EQUALS",
            field_name="country",
            type="STRING",
            values=(msgspec.Raw(b'"nz"'),),
        ),
    ),
    value=msgspec.Raw(b"true"),
)


def feature(
    value: CacheFeatureValue | None,
    *,
    value_type: FeatureType = FeatureType.BOOLEAN,
    properties: Mapping[str, str] | None = None,
) -> CacheEnvironmentFeature:
    identifier = FeatureId(UUID("95f6c09a-20e7-41e2-9014-1421682b71b1"))
    return CacheEnvironmentFeature(
        feature=CacheFeature(id=identifier, key="NEW_MENU", value_type=value_type, version=9),
        value=value,
        properties=properties,
    )


def value_of(
    text: bytes = b"true", *strategies: CacheRolloutStrategy, **changes: Any
) -> CacheFeatureValue:
    return CacheFeatureValue(
        **{
            "id": FeatureValueId(UUID(int=7)),
            "key": "NEW_MENU",
            "locked": True,
            "version": 4,
            "value": msgspec.Raw(text),
            "rollout_strategies": strategies,
            **changes,
        }
    )


def sent(
    of: CacheEnvironmentFeature,
    evaluation: Evaluation = Evaluation.SERVER,
    *,
    extended_data: bool = False,
) -> bytes:
    return encode_feature(feature_state(of, evaluation, extended_data=extended_data))


def test_a_feature_as_a_server_evaluated_key_reads_it() -> None:
    assert sent(feature(value_of())) == (
        b'{"id":"95f6c09a-20e7-41e2-9014-1421682b71b1","key":"NEW_MENU","l":true,"version":4,'
        b'"type":"BOOLEAN","value":true}'
    )


def test_a_client_evaluated_key_gets_every_strategy() -> None:
    assert sent(feature(value_of(b"false", STRATEGY)), Evaluation.CLIENT) == (
        b'{"id":"95f6c09a-20e7-41e2-9014-1421682b71b1","key":"NEW_MENU","l":true,"version":4,'
        b'"type":"BOOLEAN","value":false,"strategies":[{"id":"abcd","percentage":250000,'
        b'"percentageAttributes":[],"attributes":[{"conditional":"EQUALS","fieldName":"country",'
        b'"type":"STRING","values":["nz"]}],"value":true}]}'
    )


def test_no_strategies_are_an_empty_array_for_a_client_evaluated_key() -> None:
    for of in (feature(value_of()), feature(None)):
        assert json.loads(sent(of, Evaluation.CLIENT))["strategies"] == []


def test_strategies_are_never_told_to_a_server_evaluated_key() -> None:
    assert "strategies" not in json.loads(sent(feature(value_of(b"true", STRATEGY))))


def test_a_feature_that_was_never_set_is_unlocked_at_version_0_without_a_value() -> None:
    assert sent(feature(None)) == (
        b'{"id":"95f6c09a-20e7-41e2-9014-1421682b71b1","key":"NEW_MENU","l":false,"version":0,'
        b'"type":"BOOLEAN"}'
    )


@pytest.mark.parametrize("text", [b"", b"null"])
def test_an_unset_value_is_left_out(text: bytes) -> None:
    assert "value" not in json.loads(sent(feature(value_of(text))))


@pytest.mark.parametrize("text", [b"false", b"0", b'""', b'"null"'])
def test_a_value_that_is_merely_falsy_is_there(text: bytes) -> None:
    assert json.loads(sent(feature(value_of(text))))["value"] == json.loads(text)


def test_a_strategy_without_percentage_or_value_holds_no_null() -> None:
    bare = CacheRolloutStrategy(id="x")
    (strategy,) = json.loads(sent(feature(value_of(b"true", bare)), Evaluation.CLIENT))[
        "strategies"
    ]
    assert strategy == {"id": "x", "percentageAttributes": [], "attributes": []}


@pytest.mark.parametrize(
    "text",
    [b"1", b"1.0", b"1.10", b"1E+2", b"0.1000000000000000055511151231257827", b"9007199254740993"],
)
def test_a_number_keeps_its_text(text: bytes) -> None:
    of = feature(value_of(text), value_type=FeatureType.NUMBER)
    assert b'"value":' + text + b"}" in sent(of)


@given(number=st.decimals(allow_nan=False, allow_infinity=False))
def test_no_number_is_rounded(number: Decimal) -> None:
    of = feature(value_of(str(number).encode()), value_type=FeatureType.NUMBER)
    found = json.loads(sent(of), parse_float=Decimal, parse_int=Decimal)["value"]
    assert found.as_tuple() == number.as_tuple() or math.isclose(found, number, rel_tol=0)


def test_properties_are_for_keys_with_extended_data() -> None:
    of = feature(value_of(), properties={"a": "b"})
    assert json.loads(sent(of, extended_data=True))["fp"] == {"a": "b"}
    assert "fp" not in json.loads(sent(of))
    assert "fp" not in json.loads(sent(feature(value_of()), extended_data=True))


def test_nobody_learns_what_only_the_cache_knows() -> None:
    of = feature(value_of(retired=True), properties={"a": "b"})
    assert set(json.loads(sent(of))) == {"id", "key", "l", "version", "type", "value"}


@given(count=st.integers(min_value=0, max_value=3), evaluation=st.sampled_from(Evaluation))
def test_features_are_an_array_and_an_environment_wraps_it(
    count: int, evaluation: Evaluation
) -> None:
    states = [feature_state(feature(value_of()), evaluation, extended_data=False)] * count
    features = encode_features(states)
    expected = [json.loads(encode_feature(state)) for state in states]
    assert json.loads(features) == expected
    assert json.loads(encode_environment(ENVIRONMENT, features)) == {
        "id": str(ENVIRONMENT),
        "features": expected,
    }


AWKWARD = st.one_of(
    st.sampled_from(
        ["\r\n", "\n", "\r", "\0", "\u2028", "\u2029", "\x85", '"', "\\", "\n\ndata: x"]
    ),
    st.text(max_size=4),
)
TEXTS = st.lists(AWKWARD, max_size=4).map("".join)


@given(key=TEXTS, text=TEXTS, properties=st.dictionaries(TEXTS, TEXTS, max_size=2))
def test_whatever_a_feature_holds_is_one_event_of_a_stream(
    key: str, text: str, properties: dict[str, str]
) -> None:
    strategy = CacheRolloutStrategy(
        id=key,
        percentage_attributes=(text,),
        attributes=(
            CacheRolloutStrategyAttribute(
                conditional=text,
                field_name=key,
                type=text,
                values=(msgspec.Raw(msgspec.json.encode(text)),),
            ),
        ),
        value=msgspec.Raw(msgspec.json.encode(text)),
    )
    of = feature(
        value_of(msgspec.json.encode(text), strategy),
        value_type=FeatureType.STRING,
        properties=properties,
    )
    of = structs.replace(of, feature=structs.replace(of.feature, key=key))
    encoded = sent(of, Evaluation.CLIENT, extended_data=True)
    stream = read(encode_json("feature", encoded, "tag"), 1)
    assert stream.events == [Received("feature", encoded.decode(), "tag")]
    assert stream.ignored == []
    found = json.loads(encoded)
    assert (found["key"], found["value"], found["fp"]) == (key, text, properties)
    [sent_strategy] = found["strategies"]
    assert (sent_strategy["id"], sent_strategy["value"]) == (key, text)
    assert sent_strategy["attributes"][0]["values"] == [text]


@pytest.mark.parametrize("text", [b"[1,\n2]", b'{"a":\r\n"b"}', b'[\r"\\n"\r]', b"[\n\n]"])
def test_a_value_written_on_several_lines_is_sent_on_one(text: bytes) -> None:
    # Another writer may lay its JSON out; the event must neither break nor be refused.
    strategy = CacheRolloutStrategy(id="x", value=msgspec.Raw(text))
    of = feature(value_of(text, strategy), value_type=FeatureType.JSON)
    state = feature_state(of, Evaluation.CLIENT, extended_data=False)
    [event] = read(encode_json("features", encode_features([state, state]), "tag")).events
    assert event == Received("features", event.data, "tag")
    for found in json.loads(event.data):
        assert found["value"] == found["strategies"][0]["value"] == json.loads(text)


@pytest.mark.parametrize("depth", [10, 100_000])
def test_a_value_is_passed_on_however_deep_it_is(depth: int) -> None:
    text = b"[" * depth + b"]" * depth
    found = sent(feature(value_of(text), value_type=FeatureType.JSON))
    assert b'"value":' + text + b"}" in found


def test_half_a_character_is_refused_not_written() -> None:
    of = feature(value_of())
    of = structs.replace(of, feature=structs.replace(of.feature, key="\ud83d"))
    with pytest.raises(UnicodeEncodeError):
        sent(of)


@given(text=st.text())
def test_no_text_breaks_the_line(text: str) -> None:
    of = feature(value_of(msgspec.json.encode(text)), value_type=FeatureType.STRING)
    found = sent(of)
    assert b"\n" not in found
    assert b"\r" not in found
    assert json.loads(found)["value"] == text


def test_absent_is_no_text_at_all() -> None:
    assert bytes(ABSENT) == b""
