import json
import os
from pathlib import Path

import pytest

from bench import evaluate
from bench.evaluate import main
from bench.evaluators import installed
from bench.evaluators.installed import NotInstalled
from bench.evaluators.rounds import OutcomesDiffer

SMALL = ["--rounds", "2", "--round-ms", "1", "--examples", "/nothing"]
ONLY_FH = [*SMALL, "--only", "fh"]


def test_a_small_real_run_of_fh_alone(capsys, tmp_path):
    path = tmp_path / "evaluate.json"
    assert main([*ONLY_FH, "--json", str(path)]) == 0
    output = capsys.readouterr()
    assert "10 rules" in output.out
    assert "round 2 of 2" in output.err
    cases = json.loads(path.read_text())["cases"]
    assert [case["case"] for case in cases][:2] == ["no rule", "percentage"]
    assert all(len(case["timings"][0]["round_us"]) == 2 for case in cases)


def sdks_are_there():
    cache = Path(os.environ.get("FH_TEST_CACHE") or installed.ROOT / "build" / ".cache") / "e2e"
    names = (installed._PYTHON_SDK, installed._NODE_SDK)
    return all(any(path.is_dir() for path in cache.glob(f"{name}-*")) for name in names)


@pytest.mark.skipif(not sdks_are_there(), reason="the SDKs are not installed here")
def test_fh_and_the_official_sdks_come_to_the_same_outcomes(capsys):
    assert main(SMALL) == 0
    output = capsys.readouterr().out
    assert "python / fh" in output
    assert "node / fh" in output


def test_an_sdk_that_is_not_there_is_named_with_the_reason(capsys, monkeypatch):
    def refuse():
        raise NotInstalled("no way to it")

    monkeypatch.setattr(evaluate, "python_sdk", refuse)
    words = [*ONLY_FH, "--only", "python", "--case", "percentage"]
    assert main(words) == 0
    assert "python: not installed: no way to it" in capsys.readouterr().out
    assert main([*words, "--check"]) == 1
    assert main([*SMALL, "--only", "python"]) == 1


def test_a_contradiction_fails_the_run(capsys, monkeypatch):
    def contradict(case, *_, **__):
        raise OutcomesDiffer(case.name)

    monkeypatch.setattr(evaluate, "verified", contradict)
    assert main(ONLY_FH) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines()[-1] == "no rule"


@pytest.mark.parametrize(
    "words",
    [["--rounds", "0"], ["--round-ms", "0"], ["--case", "no such"], ["--only", "go"]],
    ids=["no round", "no time", "unknown case", "unknown evaluator"],
)
def test_words_that_make_no_sense_are_refused(words):
    with pytest.raises(SystemExit):
        main([*ONLY_FH, *words])


def test_the_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "examples" in capsys.readouterr().out
