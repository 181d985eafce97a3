import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.strategies.rule_values import numbers_of, parse_decimal, texts_of


def test_scalars_have_a_text_and_the_rest_is_left_out() -> None:
    values = ["a", True, False, 5, Decimal("1.50"), 0.1, None, [1], {"a": 1}]
    assert texts_of(values) == ("a", "true", "false", "5", "1.50", "0.1")


def test_numbers_are_exact_and_the_rest_is_left_out() -> None:
    values = [5, 0.1, Decimal("1.50"), "7", True, None, "seven", [1], float("nan"), float("inf")]
    assert numbers_of(values) == (5, Decimal("0.1"), Decimal("1.5"), 7)


def test_an_integer_of_ten_thousand_digits_is_a_number_like_any_other() -> None:
    huge = 10**10_000
    assert numbers_of([huge]) == (Decimal(huge),)
    assert texts_of([huge]) == ("1" + "0" * 10_000,)


@pytest.mark.parametrize("text", ["5", "+5", "-5.", ".5", "5e3", "5.0E-3"])
def test_a_decimal_literal_is_a_number(text: str) -> None:
    assert parse_decimal(text) == Decimal(text)


@pytest.mark.parametrize(
    "text", ["", " 5", "5 ", "5\n", "1_000", "NaN", "Infinity", "٣", "0x10", "1e", "."]
)
def test_other_text_is_no_number(text: str) -> None:
    assert parse_decimal(text) is None


@pytest.mark.parametrize("text", ["1" * 60_000 + "x", "1" * 60_000 + ".", "." + "1" * 60_000 + "e"])
def test_a_long_text_is_read_in_linear_time(text: str) -> None:
    # As long as a request's head may be: in quadratic time it would take half a minute.
    started = time.process_time()
    parse_decimal(text)
    assert time.process_time() - started < 0.5


def test_an_exponent_beyond_reason_is_no_number() -> None:
    assert parse_decimal("1e99999999999999999999999") is None


@given(st.text(alphabet="+-.eE0123456789", max_size=30))
def test_nothing_that_looks_like_a_number_raises(text: str) -> None:
    number = parse_decimal(text)
    assert number is None or number.is_finite()
