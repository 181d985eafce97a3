from bench.evaluators.cases import cases
from bench.evaluators.of_fh import FhEvaluator, _rule
from fh.strategies.evaluate import need_time

STRATEGY = {"id": "a", "percentage": 1_000_000, "value": "x"}


def test_a_match_brings_its_value():
    evaluator = FhEvaluator()
    context = evaluator.context({"userkey": ["fred"]})
    assert evaluator.outcome(evaluator.build([STRATEGY]), "id", context) == (True, "x")
    assert evaluator.outcome(evaluator.build([]), "id", context) == (False, None)
    evaluator.one_pass([(evaluator.build([STRATEGY]), "id", context)])


def test_no_case_asks_for_the_time():
    for case in cases():
        for strategies in case.strategies:
            assert not need_time(map(_rule, strategies))
