"""A result survives the way into a file and back, and says plainly what it can't read."""

import json
from math import inf, nan

import pytest

from bench.result import (
    FORMAT,
    Chart,
    Column,
    Line,
    NoResult,
    Row,
    Target,
    begin_result,
    decode_result,
    encode_result,
    load_result,
)
from tests.bench.results import a_result


def test_a_result_comes_back_as_it_went():
    result = a_result(
        rows=(Row("fh", {"bytes": 255.5, "missing": 0}), Row("c", note="no compiler")),
        ratios={"cpu_vs_c": 1.11},
        targets=(Target("bytes", 255.5, 1024),),
        charts=(Chart("latency", "s", "ms", (Line("fh", (1.0, 2.0), (3.0, None)),)),),
        remarks=("the client was busy",),
        spoiled=("1 missing",),
    )
    assert decode_result(encode_result(result)) == result


def test_what_is_no_finite_number_is_not_measured():
    result = a_result(rows=(Row("fh", {"bytes": nan, "missing": inf}),))
    (row,) = json.loads(encode_result(result))["rows"]
    assert row["cells"] == {"bytes": None, "missing": None}


@pytest.mark.parametrize(
    ("measured", "at_least", "reached"),
    [(1.0, False, True), (1.1, False, False), (1.0, True, True), (0.9, True, False)],
)
def test_a_target_is_a_bound_above_or_below(measured, at_least, reached):
    target = Target("ratio", measured, 1.0, at_least=at_least)
    assert target.reached is reached
    assert a_result(targets=(target,)).missed == (() if reached else (target,))


def test_what_was_not_measured_is_neither_reached_nor_missed():
    target = Target("ratio", None, 1.0)
    assert target.reached is None
    assert a_result(targets=(target,)).missed == ()


def test_a_result_begins_with_the_machine_and_the_versions():
    result = begin_result(
        "fanout", "how?", options={"streams": 10}, columns=[Column("a", "b")], versions={"c": "1"}
    )
    assert result.machine.processors >= 1
    assert result.versions.keys() == {"fh", "c"}


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"bench": 1}'])
def test_what_is_no_result_is_refused(data):
    with pytest.raises(NoResult, match="not a result"):
        decode_result(data)


def test_a_later_format_is_refused():
    document = json.loads(encode_result(a_result()))
    with pytest.raises(NoResult, match="later fh"):
        decode_result(json.dumps({**document, "format": FORMAT + 1}).encode())


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NoResult, match=r"gone\.json"):
        load_result(tmp_path / "gone.json")
