import json

import pytest
from click.testing import CliRunner

from bench.baselines import compiled
from bench.fanout import command, share
from bench.peers import lineup
from bench.peers.nchan import NoNchan
from bench.result import load_result

REMOTE = ["--url", "http://127.0.0.1", "--key", "e/k", "--feature", "F"]
SMALL = ["--streams", "50", "--events", "3", "--rounds", "2", "--spaced-ms", "0"]


def run(*words):
    return CliRunner().invoke(command, words, catch_exceptions=False)


def cells(path):
    return {row.name: row.cells for row in load_result(path).rows}


def test_a_small_real_run_of_the_bare_broadcaster(tmp_path):
    path = tmp_path / "fanout.json"
    done = run(*SMALL, "--only", "python", "--json", str(path))
    assert done.exit_code == 0
    assert "round 2 of 2: python" in done.stderr
    assert cells(path)["python"]["missing"] == 0
    assert cells(path)["python"]["publish µs"] >= 0


@pytest.mark.parametrize("spacing", [(), ("--back-to-back",)])
def test_every_stream_gets_its_own_environments_events(tmp_path, spacing):
    path = tmp_path / "fanout.json"
    words = [*SMALL, "--environments", "7", "--only", "fh", "--only", "python"]
    done = run(*words, *spacing, "--json", str(path))
    assert done.exit_code == 0, done.output
    assert cells(path)["fh"]["missing"] == cells(path)["python"]["missing"] == 0
    assert set(load_result(path).ratios) >= {"cpu_vs_python", "last_vs_python"}


def test_a_small_real_run_with_server_evaluated_streams(tmp_path):
    path = tmp_path / "fanout.json"
    assert run(*SMALL, "--eval", "server", "--only", "fh", "--json", str(path)).exit_code == 0
    result = load_result(path)
    assert [row.name for row in result.rows] == ["fh server", "fh"]
    assert "cpu_server_vs_client" in result.ratios
    assert any("50 % strategy" in remark for remark in result.remarks)


def test_who_is_not_installed_is_a_row_that_says_how_to(monkeypatch):
    def missing():
        raise NoNchan("nginx has no nchan: apt install it")

    monkeypatch.setattr(compiled, "_COMPILERS", ())
    monkeypatch.setattr(lineup.shutil, "which", lambda _: None)
    monkeypatch.setattr(lineup, "find_nchan", missing)
    words = [word for name in ("c", "node", "nchan") for word in ("--only", name)]
    done = run(*SMALL, "--only", "python", *words)
    assert done.exit_code == 0
    assert "c: no compiler: apt install" in done.output
    assert "node: node is not installed: apt install" in done.output
    assert "nchan: nginx has no nchan" in done.output


@pytest.mark.parametrize(
    "words",
    [
        ["--streams", "2000000"],
        ["--environments", "600000"],
        ["--url", "http://192.0.2.1", "--key", "e/k", "--feature", "F"],
    ],
)
def test_a_run_out_of_bounds_is_refused(words):
    done = run(*words)
    assert (done.exit_code, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "words",
    [
        ["--streams", "0"],
        ["--events", "1", "--rounds", "2"],
        ["--back-to-back", "--events", "100", "--rounds", "2"],
        ["--url", "http://127.0.0.1"],
        ["--only", "go"],
        [*REMOTE, "--eval", "server"],
        [*REMOTE, "--netns"],
        [*REMOTE, "--environments", "2"],
    ],
)
def test_words_that_make_no_sense_are_refused(words):
    done = run(*words)
    assert done.exit_code == 2
    assert "Usage" in done.stderr


def test_a_server_that_refuses_its_streams_is_named_and_the_others_go_on(monkeypatch):
    monkeypatch.setattr("bench.peers.lineup._FH_READY_MARK", "event: never")
    done = run(*SMALL, "--only", "fh", "--only", "python", "--seconds", "2", "--json", "-")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert document["spoiled"][0].startswith("fh: ")
    assert document["rows"][0]["name"] == "python"


def test_rounds_share_all_events():
    assert [share(7, 3, index) for index in range(3)] == [3, 2, 2]
