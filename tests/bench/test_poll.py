import json
import sys

import pytest
from click.testing import CliRunner

from bench import poll
from bench.baselines.contestant import Contestant, Entry
from bench.baselines.frame import ENVIRONMENT_ID
from bench.baselines.nginx import HOW_TO_INSTALL
from bench.poll_host import CLIENT_SECRET
from bench.result import load_result

SHORT = ("--rounds", "2", "--round-seconds", "0.05", "--connections", "4")


def run(*arguments):
    return CliRunner().invoke(poll.command, [*SHORT, *arguments])


def test_a_small_real_run_of_every_contestant(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.baselines.nginx._PLACES", "/nonexistent")
    file = tmp_path / "poll.json"
    done = run("--features", "5", "--json", str(file))
    assert done.exit_code == 0, done.output
    result = load_result(file)
    rows = {row.name: row for row in result.rows}
    measured = [
        f"{name} {each}" for name in ("fh", "fh server", "uvicorn") for each in poll.WORKLOADS
    ]
    assert list(rows) == [*measured, "nginx"]
    assert all(rows[name].cells["requests/s"] > 0 for name in measured)
    assert rows["nginx"].note == f"absent: {HOW_TO_INSTALL}"
    assert set(result.ratios) == {f"vs_uvicorn_{each}" for each in poll.WORKLOADS}
    assert [target.reached is None for target in result.targets] == [True, True, False, False]
    assert "requests a processor" in done.output


def test_pipelining_and_one_workload_of_one_contestant():
    done = run("--only", "fh", "--workload", "304", "--depth", "4", "--json", "-")
    assert done.exit_code == 0, done.output
    [row] = json.loads(done.stdout)["rows"]
    assert row["name"] == "fh 304"


def test_a_server_that_runs_already():
    command = [sys.executable, "-m", "bench.poll_host", "--features", "3"]
    with Contestant(Entry("fh", command, "", lambda _: b"")) as host:
        url = f"http://127.0.0.1:{host.port}"
        key = f"{ENVIRONMENT_ID}/{CLIENT_SECRET}"
        done = run("--url", url, "--key", key, "--pid", str(host.pid), "--json", "-")
        assert done.exit_code == 0, done.output
        assert [row["name"] for row in json.loads(done.stdout)["rows"]] == [
            "url 200",
            "url 304",
            "url traced",
        ]
        wrong = run("--url", url, "--key", f"{ENVIRONMENT_ID}/wrong")
        assert wrong.exit_code == 1
        assert "404" in wrong.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--url", "http://192.0.2.1:80", "--key", "a/b"), "not this machine"),
        (("--url", "ftp://127.0.0.1"), "no http:// address"),
        (("--url", "http://127.0.0.1"), "needs --key"),
        (("--connections", "99999999"), "must be"),
        (("--rounds", "99999"), "a run lasts"),
    ],
)
def test_a_run_out_of_bounds_is_refused(arguments, reason):
    done = run("--only", "fh", *arguments)
    assert (done.exit_code, reason in done.output) == (2, True)
