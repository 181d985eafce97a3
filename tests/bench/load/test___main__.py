import json
import subprocess
import sys

import pytest

from bench.load.__main__ import arguments


def run(*words):
    command = [sys.executable, "-m", "bench.load", *words]
    return subprocess.run(
        command, input="", capture_output=True, text=True, timeout=30, check=False
    )


def test_the_help_says_what_is_obeyed(capsys):
    with pytest.raises(SystemExit):
        arguments().parse_args(["--help"])
    assert json.dumps({"expect": 1})[:9] in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["--host", "192.0.2.1"], ["--streams", "0"], ["--seconds", "1e9"]],
    ids=["foreign", "empty", "endless"],
)
def test_a_run_out_of_bounds_is_refused_before_anything_is_opened(words):
    done = run("--port", "9", "--path", "/", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_a_refused_connection_is_one_line_and_no_traceback():
    done = run("--port", "1", "--path", "/", "--streams", "1")
    assert done.returncode == 1
    assert "refused" in done.stderr
    assert "Traceback" not in done.stderr
