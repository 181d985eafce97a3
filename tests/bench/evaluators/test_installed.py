import sys
from pathlib import Path

import pytest

from bench.evaluators import installed
from bench.evaluators.installed import NotInstalled, node_sdk, python_sdk


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("FH_TEST_CACHE", str(tmp_path))
    return tmp_path / "e2e"


def test_what_could_not_be_fetched_leaves_nothing_behind(cache, monkeypatch):
    def refuse(command, **_):
        raise NotInstalled("no way")

    monkeypatch.setattr(installed, "_run", refuse)
    with pytest.raises(NotInstalled, match="no way"):
        python_sdk()
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_what_is_there_is_not_fetched_again(cache, monkeypatch):
    monkeypatch.setattr(installed, "_run", lambda command, **_: None)
    first = python_sdk()
    monkeypatch.setattr(installed, "_run", pytest.fail)
    assert python_sdk() == first
    assert Path(first.command[0]).is_relative_to(cache)
    assert first.environment == {"PYTHONPATH": str(installed.ROOT)}


def test_a_command_that_fails_says_why():
    with pytest.raises(NotInstalled, match="out of paper"):
        installed._run([sys.executable, "-c", "raise SystemExit('out of paper')"])


def test_a_command_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(installed, "_INSTALL_SECONDS", 0.05)
    with pytest.raises(NotInstalled, match="longer than"):
        installed._run([sys.executable, "-c", "import signal; signal.pause()"])


def test_without_node_there_is_no_node_sdk(cache, monkeypatch):
    monkeypatch.setattr(installed.shutil, "which", lambda _: None)
    monkeypatch.setattr(installed, "find_spec", lambda _: None)
    with pytest.raises(NotInstalled, match=r"no Node\.js"):
        node_sdk()
