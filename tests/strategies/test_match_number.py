from decimal import Decimal

import pytest

from fh.strategies.match_number import compile_number
from fh.strategies.patterns import CutOffs
from fh.strategies.rule import Conditional


def met(conditional: Conditional, values: list[object], supplied: str) -> bool:
    return compile_number(conditional, values, CutOffs())(supplied)


@pytest.mark.parametrize(
    ("conditional", "values", "supplied", "expected"),
    [
        (Conditional.EQUALS, [10, 5], "5", True),
        (Conditional.INCLUDES, [4, 7], "5", False),
        (Conditional.NOT_EQUALS, [23, 100923], "5", True),
        (Conditional.NOT_EQUALS, [5], "5", False),
        (Conditional.EXCLUDES, [1.2, 1.4], "1.2", False),
        (Conditional.GREATER, [2, 4], "3", True),
        (Conditional.GREATER, [7, 10], "5", False),
        (Conditional.GREATER_EQUALS, [6, 7], "6", True),
        (Conditional.LESS, [1, -1], "5", False),
        (Conditional.LESS, [7, 6], "6", True),
        (Conditional.LESS_EQUALS, [2, 5], "5", True),
        (Conditional.STARTS_WITH, [12], "123", True),
        (Conditional.ENDS_WITH, [12], "123", False),
    ],
)
def test_numbers_are_compared_by_value(conditional, values, supplied, expected) -> None:
    assert met(conditional, values, supplied) is expected


@pytest.mark.parametrize(
    ("value", "supplied"),
    [
        (5, "5.0"),
        (Decimal("5.00"), "5"),
        (0.1, "0.1"),
        (Decimal("0.1"), "1e-1"),
        (1 << 40, "1099511627776"),
        (10**30, "1e30"),
        ("7", "7.0"),
    ],
)
def test_equality_is_about_the_value_not_its_representation(value: object, supplied: str) -> None:
    # Rulings 8 and 21, fixed: upstream looks at the scale, and loses large and broken numbers.
    assert met(Conditional.EQUALS, [value], supplied)
    assert not met(Conditional.NOT_EQUALS, [value], supplied)


def test_values_that_two_floats_could_not_tell_apart_differ() -> None:
    assert not met(Conditional.EQUALS, [9007199254740993], "9007199254740992")


def test_a_regular_expression_is_the_rules_and_the_number_the_users() -> None:
    # Ruling 21, fixed: upstream takes them the other way round.
    assert met(Conditional.REGEX, [r"4\d"], "42")
    assert not met(Conditional.REGEX, [42], r"4\d")


@pytest.mark.parametrize("conditional", Conditional)
def test_text_that_is_no_number_meets_nothing(conditional: Conditional) -> None:
    assert not met(conditional, [5, ".*", "f", "e"], "five")
