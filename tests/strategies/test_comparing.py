import pytest

from fh.strategies.comparing import compare, never, ordered
from fh.strategies.rule import Conditional


def number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


@pytest.mark.parametrize(
    ("conditional", "met_by"),
    [
        (Conditional.EQUALS, "37"),
        (Conditional.INCLUDES, "37"),
        (Conditional.NOT_EQUALS, "24568"),
        (Conditional.EXCLUDES, "24568"),
        (Conditional.GREATER, "45678"),
        (Conditional.GREATER_EQUALS, "345678"),
        (Conditional.LESS, "23456"),
        (Conditional.LESS_EQUALS, "234567"),
    ],
)
def test_wanted_values_are_alternatives(conditional: Conditional, met_by: str) -> None:
    test = compare(conditional, [7, 3], number)
    assert test is not None
    assert "".join(filter(test, "2345678")) == met_by


@pytest.mark.parametrize(
    "conditional", [each for each in Conditional if not each.endswith(("WITH", "REGEX"))]
)
def test_a_text_that_can_not_be_parsed_meets_nothing(conditional: Conditional) -> None:
    for wanted in ([], [7, 3]):
        test = compare(conditional, wanted, number)
        assert test is not None
        assert not test("x")


def test_without_values_only_exclusions_are_met() -> None:
    met = [each for each in Conditional if (test := compare(each, [], number)) and test("5")]
    assert met == [Conditional.NOT_EQUALS, Conditional.EXCLUDES]


def test_conditionals_on_text_are_somebody_elses() -> None:
    assert compare(Conditional.STARTS_WITH, [7], number) is None
    assert compare(Conditional.REGEX, [], number) is None
    assert ordered(Conditional.EQUALS, [7], number) is None


def test_never_means_never() -> None:
    assert not never("")
