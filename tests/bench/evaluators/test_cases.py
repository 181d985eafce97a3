from collections import Counter

import pytest

from bench.evaluators.cases import cases
from bench.evaluators.of_fh import FhEvaluator

CASES = {case.name: case for case in cases()}


def values(name):
    """Return how often each value comes of a case."""
    case, evaluator = CASES[name], FhEvaluator()
    built = [evaluator.build(strategies) for strategies in case.strategies]
    return Counter(
        evaluator.outcome(built[each.strategies], each.value_id, evaluator.context(each.context))[1]
        for each in case.inputs
    )


def test_without_rules_nothing_matches():
    assert values("no rule") == {None: 200}


@pytest.mark.parametrize("name", ["percentage", "percentage by attributes"])
def test_half_of_all_are_reached_more_or_less(name):
    assert 70 < values(name)["value of half"] < 130


def test_a_rule_is_met_by_some():
    assert set(values("1 string rule")) == {None, "value of near"}


def test_each_of_the_ten_rules_and_none_of_them_decides_for_somebody():
    found = values("10 rules")
    wanted = {strategy["value"] for strategy in CASES["10 rules"].strategies[0]}
    assert set(found) == {None, *wanted}
    assert len(wanted) == 10
    assert max(found.values()) < 80


def test_the_ten_rules_are_of_seven_kinds():
    rules = [rule for each in CASES["10 rules"].strategies[0] for rule in each["attributes"]]
    types = {rule["type"] for rule in rules}
    assert types == {"STRING", "NUMBER", "SEMANTIC_VERSION", "DATE", "IP_ADDRESS", "BOOLEAN"}
    assert "REGEX" in {rule["conditional"] for rule in rules}
