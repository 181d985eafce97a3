from dataclasses import replace

import pytest

from bench.evaluators.comparison import as_result
from bench.evaluators.rounds import Row, Timing
from bench.text import as_text

FH = Timing("fh", (1.0, 1.0, 2.0), build_us=30.0, first_us=31.0, cold_us=50.0)
PYTHON = Timing("python", (6.0, 7.0, 8.0), build_us=6.0, first_us=13.0, cold_us=20.0)
NODE = Timing("node", (0.5, 0.5, 0.5), build_us=0.0, first_us=1.0, cold_us=9.0)
ROW = Row("1 rule", "a case", 200, 30, 0, (FH, PYTHON, NODE))


def compared(*cases, **absent):
    versions = {timing.name: "1" for timing in cases[0].timings}
    return as_result(cases, versions=versions, absent=absent, options={})


def test_each_evaluator_stands_beside_fh():
    rows = {row.name: row.cells for row in compared(ROW).rows}
    python = rows["1 rule, python"]
    assert (python["µs"], python["times fh"], python["least"], python["most"]) == (7, 6, 4, 7)
    assert "times fh" not in rows["1 rule, fh"]


def test_ratios_are_fhs_cost_as_a_share():
    assert compared(ROW).ratios["cpu_vs_python 1 rule"] == pytest.approx(1 / 6)


def test_a_case_is_fast_enough_or_not():
    slow = replace(ROW, timings=(replace(FH, round_us=(2.0, 2.0, 2.0)), PYTHON))
    assert [target.reached for target in compared(ROW, slow).targets] == [True, False]


def test_without_the_python_sdk_there_is_no_verdict():
    found = compared(replace(ROW, timings=(FH,)), python="not installed: no way")
    assert [target.reached for target in found.targets] == [None]
    assert "python: not installed: no way" in as_text(found)


def test_what_fh_has_to_make_up_for_is_counted_in_evaluations():
    rows = {row.name: row.cells for row in compared(ROW).rows}
    assert rows["1 rule, python"]["pays after"] == 4  # 24 µs behind, 6 µs ahead with each
    assert rows["1 rule, node"]["pays after"] == "never"


def test_examples_that_were_left_out_are_counted():
    assert any("7 left out" in remark for remark in compared(replace(ROW, left_out=7)).remarks)
