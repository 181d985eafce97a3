from bench.result import Row, Target
from bench.text import aligned, as_text, target_line
from tests.bench.results import a_result


def test_columns_are_aligned():
    assert aligned([("name", "n"), ("x", "1,000")]) == "name      n\nx     1,000"


def test_a_result_is_a_table_with_its_legend():
    rows = (Row("fh", {"bytes": 1255.25, "missing": None}), Row("c", note="no compiler"))
    text = as_text(a_result(rows=rows, ratios={"cpu_vs_c": 1.114}))
    assert "fh  1,255.2        -" in text
    assert "c: no compiler" in text
    assert "cpu_vs_c: 1.11" in text
    assert "bytes    user memory of a stream, in bytes" in text
    assert "streams 10" in text


def test_targets_and_spoiled_figures_catch_the_eye():
    text = as_text(a_result(targets=(Target("bytes", 2048, 1024),), spoiled=("1 missing",)))
    assert "MISSED: bytes: 2,048, at most 1,024" in text
    assert "SPOILED: 1 missing" in text


def test_a_target_says_in_which_direction_it_is_one():
    assert target_line(Target("ratio", 0.7, 0.6, at_least=True)) == (
        "reached: ratio: 0.7, at least 0.6"
    )
    assert target_line(Target("ratio", None, 0.6)) == "not measured: ratio, at most 0.6"
