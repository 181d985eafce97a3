"""Programs of a deployment: their end is noticed, and what descends from them is theirs."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.deployment.process import DeploymentFailed, Program, free_port

_WAITS = "import sys; print('up', flush=True); sys.stdin.read(); import signal; signal.pause()"


def program(directory: Path, code: str) -> Program:
    return Program("python", [sys.executable, "-c", code], directory)


def test_a_program_is_started_weighed_and_ended(tmp_path: Path) -> None:
    found = program(tmp_path, _WAITS)
    found.launch()
    try:
        found.wait_until(lambda: "up" in found.log(), "being up")
        assert found.family() == [found.pid]
        assert found.memory_bytes() > 1_000_000
        assert found.processor_seconds() > 0
    finally:
        found.end(signal.SIGKILL)
    found.end()  # it has ended already


def test_what_descends_from_a_program_is_counted_with_it(tmp_path: Path) -> None:
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_WAITS!r}])"
    found = program(tmp_path, parent)
    found.launch()
    try:
        found.wait_until(lambda: "up" in found.log(), "being up")
        own, child = found.family()
        assert own == found.pid
    finally:
        subprocess.run(["kill", "-KILL", str(child)], check=True)
        found.end()


def test_one_that_ends_by_itself_says_why(tmp_path: Path) -> None:
    found = program(tmp_path, "raise SystemExit('no room')")
    found.launch()
    with pytest.raises(DeploymentFailed, match="no room"):
        found.wait_until(lambda: False, "being up")


def test_a_port_is_given_out_once() -> None:
    assert len({free_port() for _ in range(5)}) == 5
