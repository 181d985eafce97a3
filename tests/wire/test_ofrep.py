import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from fh.strategies.evaluate import compile_strategies
from fh.strategies.patterns import CutOffs
from fh.strategies.rule import AttributeType, Conditional, ConditionSpec, Rule
from fh.wire.context_header import MOST_ATTRIBUTES, NO_CONTEXT, ClientContext
from fh.wire.ofrep import (
    MOST_CONTEXT_BYTES,
    ErrorCode,
    Flag,
    FlagError,
    Reason,
    UnusableRequest,
    encode_answer,
    encode_flag,
    encode_notice,
    parse_request,
)

SCALARS = st.text(max_size=9) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=10,
)


def parsed(context: object) -> ClientContext:
    return parse_request(json.dumps({"context": context}).encode())


def refused(body: bytes) -> UnusableRequest:
    with pytest.raises(UnusableRequest) as caught:
        parse_request(body)
    return caught.value


@pytest.mark.parametrize(
    ("given_context", "expected"),
    [
        pytest.param({"targetingKey": "fred"}, {"userkey": ("fred",)}, id="targeting-key"),
        pytest.param({"targetingKey": ""}, {}, id="empty-targeting-key"),
        pytest.param({"targetingKey": None}, {}, id="null-targeting-key"),
        pytest.param(
            {"userkey": "attribute", "targetingKey": "fred"},
            {"userkey": ("fred",)},
            id="targeting-key-before-attribute",
        ),
        pytest.param({"userkey": "fred"}, {"userkey": ("fred",)}, id="user-key-as-attribute"),
        pytest.param({"plan": "a,b=c%2C"}, {"plan": ("a,b=c%2C",)}, id="text-as-it-is"),
        pytest.param({"name": "Grüße 世界 🚩"}, {"name": ("Grüße 世界 🚩",)}, id="unicode"),
        pytest.param({"empty": ""}, {"empty": ("",)}, id="empty-text"),
        pytest.param({"age": 42, "rate": -1.5}, {"age": ("42",), "rate": ("-1.5",)}, id="numbers"),
        pytest.param({"a": True, "b": False}, {"a": ("true",), "b": ("false",)}, id="booleans"),
        pytest.param(
            {"teams": ["a", 1, True, None, {"x": 1}, ["deep"], "b"]},
            {"teams": ("a", "1", "true", "b")},
            id="list",
        ),
        pytest.param({"none": [], "nothing": [None]}, {}, id="empty-lists"),
        pytest.param({"company": {"name": "x"}, "no": None, "plan": "pro"}, {"plan": ("pro",)}),
    ],
)
def test_a_context_becomes_texts(
    given_context: object, expected: Mapping[str, tuple[str, ...]]
) -> None:
    assert parsed(given_context) == expected


@pytest.mark.parametrize(
    "body", [b"", b" \r\n", b"{}", b'{"context":null}', b'{"context":{}}', b'{"other":[1]}']
)
def test_no_context_is_none(body: bytes) -> None:
    assert parse_request(body) == NO_CONTEXT


def test_numbers_keep_their_text() -> None:
    body = b'{"context": {"big": 12345678901234567890123 , "dot": [ 1.50 , 2e3 ]}}'
    assert parse_request(body) == {"big": ("12345678901234567890123",), "dot": ("1.50", "2e3")}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"{", ErrorCode.PARSE_ERROR, id="half"),
        pytest.param(b"no", ErrorCode.PARSE_ERROR, id="no-json"),
        pytest.param(b"[]", ErrorCode.PARSE_ERROR, id="an-array"),
        pytest.param(b'"context"', ErrorCode.PARSE_ERROR, id="a-text"),
        pytest.param(b'{"context":{"a":"\xff"}}', ErrorCode.PARSE_ERROR, id="not-utf-8"),
        pytest.param(b'{"context":{"\xff":1}}', ErrorCode.PARSE_ERROR, id="name-not-utf-8"),
        pytest.param(b'{"context":{"a":"\\ud800"}}', ErrorCode.PARSE_ERROR, id="half-a-pair"),
        pytest.param(b'{"context":{"a":01}}', ErrorCode.PARSE_ERROR, id="bad-number"),
        pytest.param(b'{"context":{"a":' + b"[" * 30_000, ErrorCode.PARSE_ERROR, id="deep"),
        pytest.param(b'{"context":{}} x', ErrorCode.PARSE_ERROR, id="more-behind"),
        pytest.param(b'{"context":[]}', ErrorCode.INVALID_CONTEXT, id="context-an-array"),
        pytest.param(b'{"context":"fred"}', ErrorCode.INVALID_CONTEXT, id="context-a-text"),
        pytest.param(
            b'{"context":{"targetingKey":7}}', ErrorCode.INVALID_CONTEXT, id="key-a-number"
        ),
        pytest.param(
            b'{"context":{"targetingKey":["fred"]}}', ErrorCode.INVALID_CONTEXT, id="key-a-list"
        ),
        pytest.param(
            b'{"context":{"a":"%b"}}' % (b"x" * MOST_CONTEXT_BYTES),
            ErrorCode.INVALID_CONTEXT,
            id="too-long",
        ),
    ],
)
def test_what_tells_of_no_context_is_refused(body: bytes, code: ErrorCode) -> None:
    error = refused(body)
    assert error.code is code
    assert error.details


def test_after_thirty_attributes_the_rest_is_left_out_but_not_the_targeting_key() -> None:
    attributes: dict[str, object] = {f"a{number}": number for number in range(MOST_ATTRIBUTES + 5)}
    context = parsed({"ignored": {}, **attributes, "targetingKey": "fred"})
    assert list(context) == ["userkey", *list(attributes)[: MOST_ATTRIBUTES - 1]]


@given(st.dictionaries(st.text(max_size=9), VALUES, max_size=40))
def test_whatever_is_in_a_context_can_be_evaluated(attributes: dict[str, object]) -> None:
    attributes.pop("targetingKey", None)
    context = parsed(attributes)
    assert len(context) <= MOST_ATTRIBUTES
    assert all(values for values in context.values())
    rules = [
        Rule("all", None, 1_000_000, (), (ConditionSpec(name, conditional, kind, ("1",)),))
        for name in context
        for kind in AttributeType
        for conditional in (Conditional.EQUALS, Conditional.GREATER)
    ]
    strategies = compile_strategies(rules, CutOffs())
    strategies.evaluate(context, "value", datetime(2026, 1, 1, tzinfo=UTC))


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_no_body_makes_a_mess(body: bytes) -> None:
    with suppress(UnusableRequest):
        assert len(parse_request(body)) <= MOST_ATTRIBUTES


def test_a_flag_without_a_value_leaves_it_out() -> None:
    flag = Flag("dark", Reason.DISABLED, "none", {"version": 3, "locked": True})
    assert json.loads(encode_flag(flag)) == {
        "key": "dark",
        "reason": "DISABLED",
        "variant": "none",
        "metadata": {"version": 3, "locked": True},
    }


def test_all_flags_come_with_the_path_of_their_notices() -> None:
    flag = encode_flag(Flag("dark", Reason.SPLIT, "a1", {}, Raw(b"false")))
    assert json.loads(encode_answer(b"[%b]" % flag, "/ofrep/x")) == {
        "flags": [
            {
                "key": "dark",
                "reason": "SPLIT",
                "variant": "a1",
                "metadata": {},
                "value": False,
            }
        ],
        "eventStreams": [{"type": "sse", "endpoint": {"requestUri": "/ofrep/x"}}],
    }


def test_an_error_of_a_whole_request_has_no_key() -> None:
    error = FlagError(ErrorCode.PARSE_ERROR, "why")
    assert json.loads(encode_flag(error)) == {"errorCode": "PARSE_ERROR", "errorDetails": "why"}


def test_a_notice_is_a_message_with_the_etag_as_its_id() -> None:
    assert encode_notice("0a1") == (
        b'event: message\nid: 0a1\ndata: {"type":"refetchEvaluation","etag":"0a1"}\n\n'
    )
