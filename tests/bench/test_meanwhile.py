import pytest

from bench.meanwhile import main


def test_a_small_real_run_polls_alone_and_during_broadcasts(capsys: pytest.CaptureFixture[str]):
    assert main(["--streams", "50", "--events", "2"]) == 0
    head, alone, meanwhile = capsys.readouterr().out.splitlines()
    assert "50 streams" in head
    assert alone.startswith("alone")
    assert meanwhile.startswith("during broadcasts")


def test_a_run_out_of_bounds_is_refused():
    assert main(["--streams", "2000000"]) == 2
