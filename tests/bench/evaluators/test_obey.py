import json
import subprocess
import sys
from dataclasses import asdict

from bench.evaluators.cases import cases
from bench.evaluators.obey import _LEAST_PASS, _Loaded

CASE = {
    "name": "it",
    "strategies": [["a"], ["b", "b"]],
    "inputs": [
        {"strategies": 0, "value_id": "v", "context": {"x": ["1"]}},
        {"strategies": 1, "value_id": "v", "context": {"x": ["2"]}},
    ],
}


class Recorder:
    """An evaluator that matches whatever has two strategies, and raises if `fails`."""

    def __init__(self, *, fails=False):
        self.fails = fails
        self.passes = []
        self.built = 0

    def build(self, strategies):
        self.built += 1
        return len(strategies)

    def context(self, attributes):
        return attributes

    def outcome(self, built, value_id, context):
        if self.fails and built == 1:
            raise ValueError
        return built == 2, context["x"]

    def one_pass(self, inputs):
        self.passes.append(len(inputs))


def test_outcomes_come_in_the_order_of_the_inputs_and_a_failure_is_none():
    assert _Loaded(Recorder(), CASE).outcomes() == [(False, ["1"]), (True, ["2"])]
    assert _Loaded(Recorder(fails=True), CASE).outcomes() == [None, (True, ["2"])]


def test_whole_passes_are_timed_each_of_them_long():
    evaluator = Recorder()
    took_ns, evaluations = _Loaded(evaluator, CASE).time(0)
    assert took_ns > 0
    assert evaluations == evaluator.passes[-1] >= _LEAST_PASS
    assert evaluations % len(CASE["inputs"]) == 0


def test_strategies_are_built_anew_for_each_time():
    evaluator = Recorder()
    loaded = _Loaded(evaluator, CASE)
    before = evaluator.built
    build_ns, first_ns = loaded.time_build(3)
    assert (len(build_ns), len(first_ns)) == (3, 3)
    assert evaluator.built - before == 3 * len(CASE["strategies"]) + 3


def test_orders_are_obeyed_line_by_line_until_their_end():
    case = asdict(cases()[1])
    orders = [
        {"load": case},
        {"outcomes": case["name"]},
        {"time": case["name"], "seconds": 0},
        {"build": case["name"], "times": 2},
    ]
    done = subprocess.run(
        [sys.executable, "-m", "bench.evaluators.of_fh"],
        input="\n".join(map(json.dumps, orders)),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    introduced, loaded, outcomes, timed, built = map(json.loads, done.stdout.splitlines())
    assert introduced["version"].startswith("fh ")
    assert loaded["cold_ns"] > 0
    assert len(outcomes["outcomes"]) == len(case["inputs"])
    assert timed["evaluations"] >= len(case["inputs"])
    assert len(built["first_ns"]) == 2
