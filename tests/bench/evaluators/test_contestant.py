import sys

import pytest

from bench.evaluators import contestant
from bench.evaluators.cases import cases
from bench.evaluators.contestant import Contestant, ContestantFailed

FH = [sys.executable, "-m", "bench.evaluators.of_fh"]
CASE = cases()[1]


def script(text):
    return [sys.executable, "-c", text]


def test_an_evaluator_is_asked_for_everything():
    with Contestant("fh", FH, {}) as evaluator:
        assert evaluator.version.startswith("fh ")
        assert evaluator.load(CASE) > 0
        outcomes = evaluator.outcomes(CASE.name)
        assert len(outcomes) == len(CASE.inputs)
        assert (True, "value of half") in outcomes
        assert (False, None) in outcomes
        assert evaluator.time(CASE.name, 0.001) > 0
        build_ns, first_ns = evaluator.time_build(CASE.name, 3)
        assert len(build_ns) == len(first_ns) == 3


def test_one_that_does_not_start_says_why():
    with pytest.raises(ContestantFailed, match="it: no engine"):
        Contestant("it", script("raise SystemExit('no engine')"), {})


def test_one_that_ends_says_why():
    introduction = 'print(\'{"version": "1", "interpreter": "2"}\', flush=True)'
    program = f"{introduction}; input(); raise SystemExit('tired')"
    with (
        Contestant("it", script(program), {}) as evaluator,
        pytest.raises(ContestantFailed, match="tired"),
    ):
        evaluator.load(CASE)


def test_one_that_says_nothing_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(contestant, "_ANSWER_SECONDS", 0.05)
    with pytest.raises(ContestantFailed, match="no answer"):
        Contestant("it", script("input()"), {})
