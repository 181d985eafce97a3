import sys

import pytest

from bench.progress import progress


def test_each_step_is_a_line_where_there_is_no_terminal(capsys):
    with progress("fanout", 2) as tell:
        tell("starting fh")
        tell("round 1")
    assert capsys.readouterr().err == "starting fh\nround 1\n"


def test_it_works_without_rich(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with progress("fanout", 1) as tell:
        tell("starting fh")
    assert capsys.readouterr().err == "starting fh\n"


@pytest.mark.parametrize("steps", [1, 2])
def test_on_a_terminal_there_is_a_bar(capsys, monkeypatch, steps):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with progress("fanout", steps) as tell:
        tell("starting fh")
        tell("round 1")
    assert "round 1" in capsys.readouterr().err
