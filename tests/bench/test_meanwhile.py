import json

from click.testing import CliRunner

from bench.meanwhile import as_result, command


def test_a_small_real_run_polls_alone_and_during_broadcasts() -> None:
    ran = CliRunner().invoke(command, ["--streams", "50", "--events", "2", "--json", "-"])
    assert ran.exit_code == 0, ran.output
    result = json.loads(ran.stdout)
    alone, meanwhile = result["rows"]
    assert (alone["name"], meanwhile["name"]) == ("alone", "during broadcasts")
    assert alone["cells"]["polls"] > 0
    assert 0 < meanwhile["cells"]["50 %"] <= meanwhile["cells"]["100 %"]
    assert result["targets"][0]["limit"] == 20


def test_a_run_out_of_bounds_is_refused() -> None:
    assert CliRunner().invoke(command, ["--streams", "2000000"]).exit_code == 2


def test_one_poll_that_waited_too_long_misses_the_target() -> None:
    assert as_result(1, 1, [0.1], [0.1, 20.5]).missed
    assert not as_result(1, 1, [0.1], [0.1, 19.5]).missed
