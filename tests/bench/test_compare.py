import json

import pytest
from click.testing import CliRunner

from bench.compare import Verdict, changes, command, differences
from bench.result import NoResult, Row, Target, encode_result
from tests.bench.results import a_result

BEFORE = a_result(
    rows=(Row("fh", {"bytes": 100.0, "missing": 0}), Row("c", {"bytes": 5.0})),
    ratios={"cpu_vs_c": 1.2},
)


def with_bytes(count, **parts):
    return a_result(
        rows=(Row("fh", {"bytes": count, "missing": 0}),), ratios={"cpu_vs_c": 1.2}, **parts
    )


def verdicts(after, tolerance=0.1):
    found = changes(BEFORE, after, tolerance=tolerance)
    return {(each.row, each.figure): each.verdict for each in found}


@pytest.mark.parametrize(
    ("count", "verdict"),
    [(80.0, Verdict.BETTER), (109.0, Verdict.SAME), (111.0, Verdict.WORSE)],
)
def test_a_column_says_in_which_direction_it_is_better(count, verdict):
    assert verdicts(with_bytes(count))["fh", "bytes"] is verdict


def test_what_was_nothing_and_is_something_is_worse_whatever_the_tolerance():
    after = a_result(rows=(Row("fh", {"bytes": 100.0, "missing": 3}),))
    found = {each.figure: each for each in changes(BEFORE, after, tolerance=10)}
    assert (found["missing"].verdict, found["missing"].change) == (Verdict.WORSE, None)


def test_a_ratio_is_better_the_smaller_it_is():
    after = a_result(rows=(), ratios={"cpu_vs_c": 1.5, "cpu_vs_nchan": 0.7})
    assert verdicts(after) == {("ratios", "cpu_vs_c"): Verdict.WORSE}


def test_a_ratio_of_which_a_target_asks_for_more_is_better_the_larger_it_is():
    target = Target("pace, as a share of c's", 1.5, 1.0, at_least=True)
    after = a_result(rows=(), ratios={"cpu_vs_c": 1.5}, targets=(target,))
    assert verdicts(after) == {("ratios", "cpu_vs_c"): Verdict.BETTER}


def test_what_only_one_of_them_measured_is_left_out():
    after = a_result(rows=(Row("fh", {"bytes": None}), Row("node", {"bytes": 4.0})))
    assert verdicts(after) == {}


def test_different_benches_are_not_compared():
    with pytest.raises(NoResult, match="different things"):
        list(changes(BEFORE, a_result(bench="poll"), tolerance=0))


def test_what_makes_them_hard_to_compare_is_told():
    after = with_bytes(1.0, options={"streams": 20}, versions={"fh": "2"}, spoiled=("1 missing",))
    assert list(differences(BEFORE, after)) == [
        "streams was 10, is 20",
        "version of fh was 0.1.0, is 2",
        "the second is spoiled: 1 missing",
    ]


def compared(tmp_path, after, *words):
    before_file, after_file = tmp_path / "before.json", tmp_path / "after.json"
    before_file.write_bytes(encode_result(BEFORE))
    after_file.write_bytes(encode_result(after))
    return CliRunner().invoke(command, [str(before_file), str(after_file), *words])


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((), 0),
        (("--check",), 1),
        (("--check", "--tolerance", "60"), 0),
        (("--check", "--ratios"), 0),
    ],
)
def test_a_check_fails_when_something_got_worse(tmp_path, words, status):
    done = compared(tmp_path, with_bytes(150.0), *words)
    assert done.exit_code == status
    assert ("+50.0%" in done.output) == ("--ratios" not in words)


def test_changes_can_be_had_as_json(tmp_path):
    done = compared(tmp_path, with_bytes(150.0), "--json", "-")
    first = json.loads(done.stdout)[0]
    assert (first["row"], first["figure"], first["change"]) == ("fh", "bytes", 0.5)
    assert first["verdict"] == "worse"


def test_a_file_without_a_result_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    done = CliRunner().invoke(command, [str(tmp_path / "x.json")] * 2)
    assert done.exit_code == 2
