from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.strategies.conditions import Condition, compile_condition
from fh.strategies.patterns import CutOffs
from fh.strategies.rule import AttributeType, Conditional

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def condition(
    conditional: str, values: tuple | None, of_type: str = "STRING", field: str = "field"
) -> Condition:
    return compile_condition(field, conditional, of_type, values, CutOffs())


@pytest.mark.parametrize(
    ("of_type", "value", "supplied"),
    [
        ("STRING", "Android", "Android"),
        ("NUMBER", 5, "5.0"),
        ("BOOLEAN", True, "true"),
        ("SEMANTIC_VERSION", "1.0", "1"),
        ("DATE", "2019-02-01", "2019-02-01Z"),
        ("DATETIME", "2019-02-01T10:00:00Z", "2019-02-01T11:00:00+01:00"),
        ("IP_ADDRESS", "10.0.0.0/8", "10.1.2.3"),
    ],
)
def test_each_type_has_its_matcher(of_type: str, value: object, supplied: str) -> None:
    assert condition("EQUALS", (value,), of_type).met_by((supplied,), NOW)
    assert not condition("NOT_EQUALS", (value,), of_type).met_by((supplied,), NOW)


def test_any_supplied_value_suffices_for_not_equals_too() -> None:
    assert condition("EQUALS", ("Android",)).met_by(("ios", "Android"), NOW)
    assert not condition("EQUALS", ("linux",)).met_by(("ios", "Android"), NOW)
    assert condition("NOT_EQUALS", ("ios",)).met_by(("ios", "Android"), NOW)


@pytest.mark.parametrize("conditional", Conditional)
def test_a_missing_attribute_meets_nothing_not_even_not_equals(conditional: str) -> None:
    assert not condition(conditional, ("a",)).met_by((), NOW)
    assert not condition(conditional, ()).met_by((), NOW)


def test_no_list_of_values_equals_no_attribute() -> None:
    assert condition("EQUALS", None).met_by((), NOW)
    assert not condition("NOT_EQUALS", None).met_by((), NOW)
    assert not condition("EQUALS", None).met_by(("a",), NOW)
    assert not condition("EQUALS", None, "DATE", "now").met_by((), NOW)


def test_an_unknown_type_or_conditional_is_never_met() -> None:
    assert not condition("RESEMBLES", ("a",)).met_by(("a",), NOW)
    assert not condition("EQUALS", ("a",), "COLOUR").met_by(("a",), NOW)
    assert not condition("EQUALS", ("2026-03-04",), "COLOUR", "now").met_by((), NOW)


@pytest.mark.parametrize("field", ["now", "NOW", "Now"])
def test_a_missing_now_is_the_time(field: str) -> None:
    # Ruling 19, fixed: upstream's date-time has no offset and so meets nothing.
    assert condition("EQUALS", ("2026-03-04",), "DATE", field).met_by((), NOW)
    same = condition("EQUALS", ("2026-03-04T05:06:07Z",), "DATETIME", field)
    assert same.met_by((), NOW)
    assert condition("LESS", ("2026-03-04T05:06:08Z",), "DATETIME", field).met_by((), NOW)
    assert not condition("GREATER", ("2026-03-05",), "DATE", field).met_by((), NOW)
    assert condition("STARTS_WITH", ("2026-",), "DATETIME", field).met_by((), NOW)


def test_a_supplied_now_is_believed() -> None:
    assert condition("EQUALS", ("2000-01-01",), "DATE", "now").met_by(("2000-01-01",), NOW)


def test_now_is_a_name_like_any_other_for_other_types() -> None:
    assert not condition("STARTS_WITH", ("2026",), "STRING", "now").met_by((), NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.decimals(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
TEXTS = st.text(max_size=8) | st.sampled_from(["\ud83d", "1.0", "2019-02-01", "10.0.0.1", "1e9"])


@given(
    st.sampled_from(["field", "now"]),
    st.sampled_from([*Conditional, "RESEMBLES"]),
    st.sampled_from([*AttributeType, "COLOUR"]),
    st.none() | st.lists(JSON | TEXTS, max_size=3),
    st.lists(TEXTS, max_size=3),
)
def test_no_input_raises(field, conditional, of_type, values, supplied) -> None:
    compiled = compile_condition(field, conditional, of_type, values, CutOffs())
    assert compiled.met_by(tuple(supplied), NOW) in (True, False)
