import json

import pytest

from bench.baselines import compiled
from bench.fanout import main

REMOTE = ["--url", "http://127.0.0.1", "--key", "e/k", "--feature", "F"]
SMALL = ["--streams", "50", "--events", "3", "--rounds", "2", "--spaced-ms", "0"]


def test_a_small_real_run_of_the_bare_broadcaster(capsys, tmp_path):
    path = tmp_path / "fanout.json"
    assert main([*SMALL, "--only", "python", "--json", str(path)]) == 0
    output = capsys.readouterr()
    assert "python" in output.out
    assert "round 2 of 2" in output.err
    (server,) = json.loads(path.read_text())["servers"]
    assert (server["streams"], server["events"], server["missing"]) == (50, 3, 0)


def test_a_small_real_run_with_server_evaluated_streams(capsys, tmp_path):
    path = tmp_path / "fanout.json"
    assert main([*SMALL, "--eval", "server", "--only", "fh", "--json", str(path)]) == 0
    assert "fh server / fh" in capsys.readouterr().out
    document = json.loads(path.read_text())
    evaluated, plain = document["servers"]
    assert (evaluated["name"], evaluated["missing"], evaluated["wrong_outcomes"]) == (
        "fh server",
        0,
        0,
    )
    assert 0 < evaluated["by_strategy"] < 1
    assert plain["by_strategy"] is None
    assert len(document["ratios"]["fh server/fh"]) == 2


def test_without_a_compiler_the_others_run(capsys, monkeypatch):
    monkeypatch.setattr(compiled, "_COMPILERS", ())
    assert main([*SMALL, "--only", "python", "--only", "c"]) == 0
    assert "c: no compiler" in capsys.readouterr().out


def test_a_target_that_was_not_measured_fails_the_check():
    assert main([*SMALL, "--only", "python", "--check"]) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--streams", "0"],
        ["--streams", "2000000"],
        ["--url", "http://192.0.2.1", "--key", "e/k", "--feature", "F"],
    ],
)
def test_a_run_out_of_bounds_is_refused(words, capsys):
    assert main(words) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "words",
    [
        ["--events", "1", "--rounds", "2"],
        ["--url", "http://127.0.0.1"],
        ["--only", "go"],
        [*REMOTE, "--eval", "server"],
    ],
)
def test_words_that_make_no_sense_are_refused(words):
    with pytest.raises(SystemExit):
        main(words)


def test_the_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "examples" in capsys.readouterr().out


def test_a_server_that_refuses_its_streams_is_named(capsys, monkeypatch):
    monkeypatch.setattr("bench.fanout._BARE_READY_MARK", "event: never")
    assert main([*SMALL, "--only", "python", "--seconds", "0.5"]) == 1
    assert "python: " in capsys.readouterr().err.splitlines()[-1]
