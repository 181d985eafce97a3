import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import evaluate
from bench.evaluate import command
from bench.evaluators import installed
from bench.evaluators.installed import NotInstalled
from bench.evaluators.rounds import OutcomesDiffer
from bench.result import load_result

SMALL = ["--rounds", "2", "--round-ms", "1", "--examples", "/nothing"]
ONLY_FH = [*SMALL, "--only", "fh"]


def run(*words):
    return CliRunner().invoke(command, words, catch_exceptions=False)


def test_a_small_real_run_of_fh_alone(tmp_path):
    path = tmp_path / "evaluate.json"
    done = run(*ONLY_FH, "--json", str(path))
    assert done.exit_code == 0
    assert "round 2 of 2" in done.stderr
    rows = load_result(path).rows
    assert [row.name for row in rows][:2] == ["no rule, fh", "percentage, fh"]
    assert all(row.cells["µs"] > 0 for row in rows)


def sdks_are_there():
    cache = Path(os.environ.get("FH_TEST_CACHE") or installed.ROOT / "build" / ".cache") / "e2e"
    names = (installed._PYTHON_SDK, installed._NODE_SDK)
    return all(any(path.is_dir() for path in cache.glob(f"{name}-*")) for name in names)


@pytest.mark.skipif(not sdks_are_there(), reason="the SDKs are not installed here")
def test_fh_and_the_official_sdks_come_to_the_same_outcomes(tmp_path):
    path = tmp_path / "evaluate.json"
    assert run(*SMALL, "--json", str(path)).exit_code == 0
    ratios = load_result(path).ratios
    assert {"cpu_vs_python percentage", "cpu_vs_node percentage"} <= set(ratios)


def test_an_sdk_that_is_not_there_is_named_with_the_reason(monkeypatch):
    def refuse():
        raise NotInstalled("no way to it")

    monkeypatch.setattr(evaluate, "python_sdk", refuse)
    done = run(*ONLY_FH, "--only", "python", "--case", "percentage")
    assert done.exit_code == 0
    assert "python: not installed: no way to it" in done.stdout
    assert run(*SMALL, "--only", "python").exit_code == 1


def test_a_contradiction_fails_the_run(monkeypatch):
    def contradict(case, *_, **__):
        raise OutcomesDiffer(case.name)

    monkeypatch.setattr(evaluate, "verified", contradict)
    done = run(*ONLY_FH)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "no rule"


@pytest.mark.parametrize(
    "words",
    [["--rounds", "0"], ["--round-ms", "0"], ["--case", "no such"], ["--only", "go"]],
    ids=["no round", "no time", "unknown case", "unknown evaluator"],
)
def test_words_that_make_no_sense_are_refused(words):
    assert run(*ONLY_FH, *words).exit_code == 2
