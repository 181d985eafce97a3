import pytest

from fh.strategies.match_date import compile_date, compile_instant
from fh.strategies.patterns import CutOffs
from fh.strategies.rule import Conditional

FIRST, SECOND = "2019-01-01", "2019-02-01"


def met(conditional: Conditional, values: list[object], supplied: str) -> bool:
    """Return what dates and date-times agree on."""
    on_dates = compile_date(conditional, values, CutOffs())(supplied)
    instants = [f"{each}T01:01:01Z" for each in values]
    on_instants = compile_instant(conditional, instants, CutOffs())(f"{supplied}T01:01:01Z")
    assert on_dates is on_instants
    return on_dates


@pytest.mark.parametrize(
    ("conditional", "values", "supplied", "expected"),
    [
        (Conditional.EQUALS, [FIRST, SECOND], SECOND, True),
        (Conditional.INCLUDES, [FIRST, SECOND], "2019-02-07", False),
        (Conditional.NOT_EQUALS, [FIRST, SECOND], SECOND, False),
        (Conditional.EXCLUDES, [FIRST, SECOND], "2019-02-07", True),
        (Conditional.GREATER, [FIRST, SECOND], "2019-01-07", True),
        (Conditional.GREATER, [FIRST, SECOND], "2013-02-07", False),
        (Conditional.GREATER_EQUALS, ["2019-01-02", SECOND], FIRST, False),
        (Conditional.LESS, [FIRST, SECOND], "2018-02-07", True),
        (Conditional.LESS_EQUALS, [FIRST, SECOND], SECOND, True),
    ],
)
def test_dates_are_compared_in_time(conditional, values, supplied, expected) -> None:
    assert met(conditional, values, supplied) is expected


@pytest.mark.parametrize(
    ("conditional", "values", "supplied", "expected"),
    [
        (Conditional.STARTS_WITH, ["2019", "2017"], "2017-03-06", True),
        (Conditional.STARTS_WITH, ["2019"], "2017-03-06", False),
        (Conditional.ENDS_WITH, ["06"], "2017-03-06", True),
        (Conditional.REGEX, ["2019-.*", "(.*)-03-(.*)"], "2017-03-06", True),
        (Conditional.REGEX, ["03"], "2017-03-06", False),
        (Conditional.STARTS_WITH, ["no"], "no date at all", True),
    ],
)
def test_conditionals_on_text_do_not_parse(conditional, values, supplied, expected) -> None:
    for compiled in (compile_date, compile_instant):
        assert compiled(conditional, values, CutOffs())(supplied) is expected


def test_a_date_time_is_later_wherever_it_was_written() -> None:
    values = ["2019-02-01T01:01:01Z", "2019-02-01T01:01:01-00:30"]
    later = compile_instant(Conditional.GREATER, values, CutOffs())
    assert later("2019-02-01T01:01:01-01:00")


def test_equal_date_times_may_have_different_offsets() -> None:
    # Fixed: upstream compares the offset as well.
    same = compile_instant(Conditional.EQUALS, ["2019-02-01T10:00:00Z"], CutOffs())
    assert same("2019-02-01T11:00:00+01:00")


def test_a_date_time_without_an_offset_meets_nothing() -> None:
    for conditional in (Conditional.EQUALS, Conditional.NOT_EQUALS):
        test = compile_instant(conditional, ["2019-02-01T10:00:00Z"], CutOffs())
        assert not test("2019-02-01T10:00:00")


def test_an_unreadable_value_counts_only_when_it_is_reached() -> None:
    values = [FIRST, "rubbish", SECOND]
    equals = compile_date(Conditional.EQUALS, values, CutOffs())
    assert equals(FIRST)
    assert not equals(SECOND)
    later = compile_date(Conditional.GREATER, values, CutOffs())
    assert later(SECOND)
    assert not later(FIRST)


@pytest.mark.parametrize("conditional", [Conditional.NOT_EQUALS, Conditional.EXCLUDES])
def test_with_an_unreadable_value_nothing_is_known_to_be_absent(conditional) -> None:
    assert not compile_date(conditional, [FIRST, "rubbish"], CutOffs())(SECOND)
