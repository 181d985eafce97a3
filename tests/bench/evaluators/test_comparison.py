import json
from dataclasses import replace
from datetime import UTC, datetime

from bench.evaluators.comparison import Comparison, as_json, as_text
from bench.evaluators.rounds import Row, Timing
from bench.load.process import Machine

MACHINE = Machine(2, "abacus", 2**30, "6.0", "CPython 3.11.7", 0.5)
FH = Timing("fh", (1.0, 1.0, 2.0), build_us=30.0, first_us=31.0, cold_us=50.0)
PYTHON = Timing("python", (6.0, 7.0, 8.0), build_us=6.0, first_us=13.0, cold_us=20.0)
NODE = Timing("node", (0.5, 0.5, 0.5), build_us=0.0, first_us=1.0, cold_us=9.0)
ROW = Row("1 rule", "a case", 200, 30, 0, (FH, PYTHON, NODE))


def comparison(*rows, **absent):
    versions = {timing.name: f"{timing.name} 1" for timing in rows[0].timings}
    return Comparison(MACHINE, datetime(2026, 1, 2, tzinfo=UTC), versions, absent, rows)


def test_a_case_that_is_fast_enough_is_said_to_be_reached():
    found = comparison(ROW)
    text = as_text(found)
    assert "6.00 (4.00 to 7.00)" in text
    assert "0.50 (0.25 to 0.50)" in text
    assert "reached: 1 rule: 6.00 times as fast" in text
    assert "MISSED" not in text


def test_a_case_that_is_not_is_said_to_be_missed():
    slow = replace(ROW, timings=(replace(FH, round_us=(2.0, 2.0, 2.0)), PYTHON))
    assert "MISSED: 1 rule: 3.50 times" in as_text(comparison(slow))


def test_without_the_python_sdk_there_is_no_verdict():
    found = comparison(replace(ROW, timings=(FH,)), python="not installed: no way")
    assert [target.reached for target in found.targets] == [None]
    text = as_text(found)
    assert "not measured: 1 rule" in text
    assert "python: not installed: no way" in text


def test_what_fh_has_to_make_up_for_is_counted_in_evaluations():
    lines = as_text(comparison(ROW)).splitlines()
    last_words = {line.split()[-5]: line.split()[-1] for line in lines if " 13.0 " in line}
    assert last_words == {"python": "4"}  # 24 µs behind, 6 µs ahead with each
    assert any("node" in line and line.endswith("never") for line in lines)


def test_examples_that_were_left_out_are_counted():
    assert "1 rule: 7 left out" in as_text(comparison(replace(ROW, left_out=7)))


def test_json_holds_everything():
    document = json.loads(as_json(comparison(ROW)))
    assert document["bench"] == "evaluate"
    [case] = document["cases"]
    assert case["timings"][1]["us"] == 7.0
    assert case["ratios"]["python/fh"] == [6.0, 7.0, 4.0]
    assert [target["reached"] for target in document["targets"]] == [True]
    assert document["at"] == "2026-01-02T00:00:00+00:00"
