from dataclasses import replace

import pytest

from bench.evaluators.cases import Case, Input
from bench.evaluators.rounds import OutcomesDiffer, Row, Timing, played, verified

CASE = Case(
    "it",
    "a case",
    (({"id": "a"},), ({"id": "b"},), ({"id": "c"},)),
    tuple(Input(place, "v", {}) for place in range(3)),
)


class Contestant:
    """An evaluator with given outcomes, and times in ns."""

    def __init__(self, name, outcomes, times=()):
        self.name = name
        self._outcomes = outcomes
        self._times = iter(times)
        self.loaded = []

    def load(self, case):
        self.loaded.append(case)
        return 7_000.0

    def outcomes(self, name):
        return self._outcomes

    def time(self, name, seconds):
        return next(self._times)

    def time_build(self, name, times):
        return [3_000.0] * times, [4_000.0] * times


SAME = ((True, "x"), (False, None), (True, "z"))


def test_equal_outcomes_are_counted():
    checked = verified(CASE, [Contestant("a", SAME), Contestant("b", SAME)])
    assert (checked.case, checked.matched, checked.left_out) == (CASE, 2, 0)


@pytest.mark.parametrize("other", [(True, "y"), None], ids=["another value", "a failure"])
def test_a_contradiction_ends_the_run_and_is_shown(other):
    contestants = [Contestant("a", SAME), Contestant("b", (SAME[0], other, SAME[2]))]
    with pytest.raises(OutcomesDiffer, match="input 1"):
        verified(CASE, contestants)


def test_failing_alike_is_no_outcome():
    with pytest.raises(OutcomesDiffer):
        verified(CASE, [Contestant("a", (None,) * 3), Contestant("b", (None,) * 3)])


def test_examples_keep_what_is_agreed():
    contestants = [Contestant("a", SAME), Contestant("b", (SAME[0], None, SAME[2]))]
    checked = verified(CASE, contestants, only_agreed=True)
    assert (checked.matched, checked.left_out) == (2, 1)
    assert checked.case.strategies == (CASE.strategies[0], CASE.strategies[2])
    assert checked.case.inputs == (CASE.inputs[0], replace(CASE.inputs[2], strategies=1))
    assert all(each.loaded == [CASE, checked.case] for each in contestants)


def test_the_warm_up_does_not_count_and_ratios_are_taken_round_by_round():
    fh = Contestant("fh", SAME, [9_999, 1_000, 2_000, 4_000])
    python = Contestant("python", SAME, [9_999, 5_000, 20_000, 4_000])
    told = []
    contestants = [fh, python]
    [row] = played(
        [verified(CASE, contestants)], contestants, rounds=3, seconds=1, tell=told.append
    )
    assert (row.case, row.inputs, row.matched) == ("it", 3, 2)
    assert row.timing("fh") == Timing("fh", (1.0, 2.0, 4.0), 3.0, 4.0, 7.0)
    assert row.timing("fh").us == 2.0
    assert row.ratios("python", "fh") == (5.0, 10.0, 1.0)
    assert row.ratios("node", "fh") == ()
    assert isinstance(row, Row)
    assert told == ["warm-up", "round 1 of 3", "round 2 of 3", "round 3 of 3", "building"]
