from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.strategies.version import parse_numbers, parse_version

# From the first to the last.
ASCENDING = [
    "1-alpha",
    "1-alpha2",
    "1-alpha-123",
    "1-beta-2",
    "1-beta123",
    "1-m2",
    "1-m11",
    "1-rc",
    "1-cr2",
    "1-rc123",
    "1-SNAPSHOT",
    "1",
    "1-sp",
    "1-sp2",
    "1-sp123",
    "1-abc",
    "1-def",
    "1-pom-1",
    "1-1-snapshot",
    "1-1",
    "1-2",
    "1-123",
    "1.0.1",
    "1.1",
    "1.9",
    "1.10",
    "2.0.0-beta",
    "2",
    "2+build",
    "10",
]
EQUAL = [
    ("1", "1.0"),
    ("1", "1.0.0-ga"),
    ("1", "1-final"),
    ("1", "1.0-RELEASE"),
    ("1", "01.00"),
    ("1", "1-0.0"),
    ("1", "1--"),
    ("0", ""),
    ("1-alpha1", "1-a1"),
    ("1b2", "1-beta-2"),
    ("1m3", "1MILESTONE3"),
    ("1-cr", "1-RC"),
    ("1..2", "1.0.2"),
    ("1-0-1", "1--1"),
    ("1.0-x", "1-x"),
]
TEXTS = st.lists(
    st.sampled_from(["0", "1", "10", ".", "-", "a", "rc", "x", "ga", "sp", "é", "+"]), max_size=8
).map("".join)


@pytest.mark.parametrize(("earlier", "later"), list(pairwise(ASCENDING)))
def test_versions_are_ordered_as_mavens_are(earlier: str, later: str) -> None:
    assert parse_version(earlier) < parse_version(later)
    assert parse_version(earlier) <= parse_version(later)
    assert not parse_version(later) <= parse_version(earlier)


def test_the_order_holds_for_any_two_of_a_list() -> None:
    versions = [parse_version(text) for text in ASCENDING]
    assert all(earlier < later for earlier, later in combinations(versions, 2))


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_what_says_nothing_makes_no_difference(one: str, other: str) -> None:
    assert parse_version(one) == parse_version(other)
    assert parse_version(one) <= parse_version(other)
    assert not parse_version(one) < parse_version(other)


def test_build_metadata_is_an_unknown_qualifier() -> None:
    assert parse_version("1.2.0") < parse_version("1.2.0+7")


def test_a_version_equals_nothing_but_versions() -> None:
    assert parse_version("1") != "1"


def test_a_list_that_goes_on_is_compared_with_nothing_item_by_item() -> None:
    assert parse_version("1") < parse_version("1-0.1")
    assert parse_version("1-0.alpha") < parse_version("1")
    assert parse_version("1.0.x") > parse_version("1")


@given(TEXTS, TEXTS)
def test_either_comes_first_or_both_are_equal(one: str, other: str) -> None:
    left, right = parse_version(one), parse_version(other)
    assert [left < right, left == right, right < left].count(True) == 1


def test_versions_of_forty_thousand_characters_can_be_compared() -> None:
    for unit in ("a1", "1-", "0.", "9"):
        long = parse_version(unit * 20_000)
        assert long == parse_version(unit * 20_000)
        assert long < parse_version(unit * 20_000 + "7")


NUMBERS = st.lists(
    st.sampled_from(
        ["0", "00", "1", "9", "10", "0" * 20 + "1", "9" * 18, "9" * 19, "1" + "0" * 18]
    ),
    min_size=1,
    max_size=4,
).map(".".join)


@given(NUMBERS, NUMBERS)
def test_versions_of_numbers_order_as_their_numbers_do(one: str, other: str) -> None:
    left, right = parse_numbers(one), parse_numbers(other)
    assert left is not None
    assert right is not None
    # Each apart in a list that is no version of numbers, so that the long way is taken.
    by_long_way = parse_version(f"{one}-x") < parse_version(f"{other}-x")
    assert (left < right) == (parse_version(one) < parse_version(other)) == by_long_way
    assert (left == right) == (parse_version(one) == parse_version(other))
    digits = [[int(part) for part in text.split(".")] + [0] * 4 for text in (one, other)]
    assert (left < right) == (digits[0][:4] < digits[1][:4])


@pytest.mark.parametrize("text", ["", ".", "1.", ".1", "1..2", "1-1", "1.x", "\u0661"])
def test_any_other_version_has_no_numbers_alone(text: str) -> None:
    assert parse_numbers(text) is None
