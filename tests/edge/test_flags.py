import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from edge_under_test import boolean, granted, targeted_at
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, structs
from msgspec.structs import replace

from fh.contracts.published import (
    ABSENT,
    CacheEnvironmentFeature,
    CacheRolloutStrategy,
    CacheRolloutStrategyAttribute,
)
from fh.edge.evaluation import FeatureStates
from fh.edge.flags import Flags, Unreadable, typed
from fh.model.feature_type import FeatureType
from fh.model.roles import Role
from fh.wire.context_header import NO_CONTEXT, ClientContext
from fh.wire.ofrep import ErrorCode, Flag, FlagError, Reason

FRED: ClientContext = {"userkey": ("fred",)}
FOR_FRED = (CacheRolloutStrategyAttribute("EQUALS", "userkey", "STRING", (Raw(b'"fred"'),)),)
ALL = 1_000_000


def flags() -> Flags:
    return Flags(FeatureStates(now=lambda: datetime(2026, 1, 1, tzinfo=UTC)))


def feature(
    kind: FeatureType = FeatureType.STRING,
    value: bytes = b'"own"',
    *strategies: CacheRolloutStrategy,
    key: str = "text",
) -> CacheEnvironmentFeature:
    made = boolean(key, True, version=7, locked=True)
    assert made.value is not None
    stored = structs.replace(made.value, value=Raw(value), rollout_strategies=strategies)
    return structs.replace(
        made, feature=structs.replace(made.feature, value_type=kind), value=stored
    )


def found(item: CacheEnvironmentFeature, context: ClientContext = NO_CONTEXT) -> Flag:
    flag = flags().find(granted([item]), item.feature.key, context)
    assert isinstance(flag, Flag)
    return flag


@pytest.mark.parametrize(
    ("kind", "stored", "expected"),
    [
        pytest.param(FeatureType.BOOLEAN, b"true", b"true", id="boolean"),
        pytest.param(FeatureType.BOOLEAN, b'"false"', b"false", id="boolean-as-text"),
        pytest.param(FeatureType.NUMBER, b"15", b"15", id="integer"),
        pytest.param(FeatureType.NUMBER, b"-2.5", b"-2.5", id="decimal"),
        pytest.param(FeatureType.NUMBER, b'"15"', b"15", id="number-as-text"),
        pytest.param(FeatureType.NUMBER, b"3.0", b"3", id="whole"),
        pytest.param(FeatureType.NUMBER, b"-0.0", b"0", id="zero"),
        pytest.param(FeatureType.NUMBER, b"1.2e3", b"1200", id="whole-with-exponent"),
        pytest.param(FeatureType.NUMBER, b"1e300", b"1e300", id="large-keeps-its-exponent"),
        pytest.param(FeatureType.NUMBER, b"1e-300", b"1e-300", id="small"),
        pytest.param(
            FeatureType.NUMBER,
            b"12345678901234567890.123456789",
            b"12345678901234567890.123456789",
            id="all-digits",
        ),
        pytest.param(FeatureType.NUMBER, b"9" * 400, b"9" * 400, id="more-digits-than-a-float-has"),
        pytest.param(FeatureType.STRING, b'"blue"', b'"blue"', id="string"),
        pytest.param(FeatureType.STRING, b'""', b'""', id="empty-string"),
        pytest.param(FeatureType.STRING, b"5", b'"5"', id="string-from-number"),
        pytest.param(FeatureType.JSON, b'"{\\"a\\": [1]}"', b'{"a": [1]}', id="json"),
        pytest.param(FeatureType.JSON, b'"5"', b"5", id="json-scalar"),
        pytest.param(FeatureType.JSON, b'{"a":1}', b'{"a":1}', id="json-itself"),
    ],
)
def test_values_are_of_their_type(kind: FeatureType, stored: bytes, expected: bytes) -> None:
    assert bytes(typed(kind, Raw(stored))) == expected


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        pytest.param(FeatureType.BOOLEAN, b'"yes"', id="boolean"),
        pytest.param(FeatureType.BOOLEAN, b"1", id="boolean-from-number"),
        pytest.param(FeatureType.NUMBER, b'"ten"', id="number"),
        pytest.param(FeatureType.NUMBER, b'"NaN"', id="not-a-number"),
        pytest.param(FeatureType.NUMBER, b'"\xd9\xa1"', id="other-digits"),
        pytest.param(FeatureType.NUMBER, b'"1e9999999999999999999"', id="beyond-decimal"),
        pytest.param(FeatureType.NUMBER, b"true", id="number-from-boolean"),
        pytest.param(FeatureType.STRING, b'"\xff"', id="not-utf-8"),
        pytest.param(FeatureType.STRING, b'"\\ud800"', id="half-a-pair"),
        pytest.param(FeatureType.JSON, b'"{"', id="json"),
        pytest.param(FeatureType.JSON, b'""', id="empty-json"),
        pytest.param(FeatureType.JSON, b'"' + b"[" * 100_000 + b'"', id="deep-json"),
    ],
)
def test_what_is_not_of_its_type_is_told(kind: FeatureType, stored: bytes) -> None:
    with pytest.raises(Unreadable):
        typed(kind, Raw(stored))
    error = flags().find(granted([feature(kind, stored)]), "text", NO_CONTEXT)
    assert isinstance(error, FlagError)
    assert (error.code, error.key) == (ErrorCode.PARSE_ERROR, "text")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_whatever_is_stored_becomes_json_or_is_told(value: object) -> None:
    for kind in FeatureType:
        for stored in (json.dumps(value), json.dumps(json.dumps(value))):
            with suppress(Unreadable):
                json.loads(bytes(typed(kind, Raw(stored.encode()))))


@pytest.mark.parametrize(
    ("strategies", "context", "reason", "variant", "value"),
    [
        pytest.param((), FRED, "STATIC", "default", b'"own"', id="no-strategies"),
        pytest.param(
            (CacheRolloutStrategy("s1", attributes=FOR_FRED, value=Raw(b'"his"')),),
            FRED,
            "TARGETING_MATCH",
            "s1",
            b'"his"',
            id="attributes",
        ),
        pytest.param(
            (CacheRolloutStrategy("s1", attributes=FOR_FRED, value=Raw(b'"his"')),),
            NO_CONTEXT,
            "DEFAULT",
            "default",
            b'"own"',
            id="nobody-matches",
        ),
        pytest.param(
            (CacheRolloutStrategy("s1", percentage=ALL, value=Raw(b'"share"')),),
            FRED,
            "SPLIT",
            "s1",
            b'"share"',
            id="percentage",
        ),
        pytest.param(
            (CacheRolloutStrategy("s1", percentage=ALL, value=Raw(b'"share"')),),
            NO_CONTEXT,
            "DEFAULT",
            "default",
            b'"own"',
            id="percentage-of-nobody",
        ),
        pytest.param(
            (CacheRolloutStrategy("s1", ALL, attributes=FOR_FRED, value=Raw(b'"both"')),),
            FRED,
            "TARGETING_MATCH",
            "s1",
            b'"both"',
            id="percentage-of-some",
        ),
        pytest.param(
            (
                CacheRolloutStrategy("s1", percentage=0, value=Raw(b'"share"')),
                CacheRolloutStrategy("s2", attributes=FOR_FRED, value=Raw(b'"his"')),
                CacheRolloutStrategy("s3", percentage=ALL, value=Raw(b'"rest"')),
            ),
            FRED,
            "TARGETING_MATCH",
            "s2",
            b'"his"',
            id="the-first-that-matches",
        ),
        pytest.param(
            (CacheRolloutStrategy("s1", attributes=FOR_FRED),),
            FRED,
            "TARGETING_MATCH",
            "s1",
            b"",
            id="a-strategy-without-a-value",
        ),
    ],
)
def test_each_value_has_its_reason(
    strategies: tuple[CacheRolloutStrategy, ...],
    context: ClientContext,
    reason: str,
    variant: str,
    value: bytes,
) -> None:
    flag = found(feature(FeatureType.STRING, b'"own"', *strategies), context)
    assert (flag.reason, flag.variant, bytes(flag.value)) == (reason, variant, value)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        pytest.param(boolean("text", True, retired=True), Reason.DISABLED, id="retired"),
        pytest.param(boolean("text"), Reason.DEFAULT, id="never-set"),
        pytest.param(feature(value=b""), Reason.DEFAULT, id="absent"),
        pytest.param(feature(value=b"null"), Reason.DEFAULT, id="null"),
    ],
)
def test_without_a_value_the_code_decides(item: CacheEnvironmentFeature, reason: Reason) -> None:
    flag = found(item)
    assert (flag.reason, flag.variant, flag.value) == (reason, "none", ABSENT)


def test_a_flag_tells_of_its_version_its_lock_and_what_extended_data_is_granted() -> None:
    item = structs.replace(feature(), properties={"owner": "core", "version": "of the property"})
    assert found(item).metadata == {"type": "STRING", "version": 7, "locked": True}
    view = granted([item], roles=[Role.READ, Role.EXTENDED_DATA])
    flag = flags().find(view, "text", NO_CONTEXT)
    assert isinstance(flag, Flag)
    assert flag.metadata == {"owner": "core", "type": "STRING", "version": 7, "locked": True}


def test_a_flag_that_is_not_there_is_none() -> None:
    assert flags().find(granted([feature()]), "other", NO_CONTEXT) is None


def test_all_flags_are_those_that_are_found_one_by_one() -> None:
    made = flags()
    items = [feature(key="own"), boolean("off", True, retired=True), boolean("new")]
    view = granted([*items, targeted_at("userkey", "fred", b'"his"')])
    for context in (FRED, NO_CONTEXT, FRED):
        listed = {flag["key"]: flag for flag in json.loads(made.encoded(view, context))}
        assert listed.keys() == {"own", "off", "new", "rolled"}
        for key, flag in listed.items():
            alone = made.find(view, key, context)
            assert isinstance(alone, Flag)
            assert (flag["reason"], flag["variant"]) == (alone.reason, alone.variant)
        assert listed["rolled"]["value"] == ("his" if context else "default")


@pytest.mark.parametrize("items", [[], [boolean("flag", True)], [targeted_at("a", "b", b'"c"')]])
def test_any_mixture_is_an_array(items: list[CacheEnvironmentFeature]) -> None:
    listed = json.loads(flags().encoded(granted(items), NO_CONTEXT))
    assert [flag["key"] for flag in listed] == [item.feature.key for item in items]


@pytest.mark.parametrize("bounds", [{"capacity": 1}, {"capacity_bytes": 10}, {"capacity": 0}])
def test_what_is_kept_is_bounded_and_never_mixed_up(bounds: dict[str, int]) -> None:
    made = Flags(FeatureStates(), **bounds)
    views = [granted([boolean(f"flag-{number}", True)]) for number in range(3)]
    for view in [*views, *reversed(views)]:
        [flag] = json.loads(made.encoded(view, NO_CONTEXT))
        assert flag["key"] == view.features[0].feature.key


def test_one_view_with_and_without_extended_data_is_two() -> None:
    item = structs.replace(boolean("flag", True), properties={"owner": "core"})
    plain = granted([item])
    rich = replace(plain, roles=frozenset({Role.READ, Role.EXTENDED_DATA}))
    made = flags()
    owners = [
        json.loads(made.encoded(view, NO_CONTEXT))[0]["metadata"].get("owner")
        for view in (plain, rich, plain)
    ]
    assert owners == [None, "core", None]
