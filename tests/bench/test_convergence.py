import pytest
from click.testing import CliRunner

from bench.convergence import command, measure
from bench.result import load_result

SMALL = {"seconds": 2.0, "rate": 20.0, "churn": 20.0, "drop_after": 0}


def test_streams_that_come_and_go_hold_what_mr_holds(party_server, run_measured):
    found = run_measured(measure, party_server.wanted(), SMALL)
    (row,) = found.rows
    assert found.spoiled == ()
    assert row.cells["updates"] > 0
    assert row.cells["returns"] > 0
    assert (row.cells["streams"], row.cells["lost"], row.cells["back"]) == (20, 0, 0)
    assert row.cells["converged"] is not None


def test_a_run_without_a_change_proves_nothing(party_server, run_measured):
    # Nothing may be changed there, so nothing is.
    found = run_measured(measure, party_server.wanted(feature=None, streams=2), SMALL)
    assert found.rows[0].cells["lost"] == 0
    assert any("nothing was proved" in text for text in found.spoiled)


@pytest.mark.timeout(400)
def test_it_starts_a_server_of_its_own(tmp_path):
    file = tmp_path / "result.json"
    words = [
        "--streams",
        "30",
        "--environments",
        "2",
        "--seconds",
        "3",
        "--rate",
        "10",
        "--drop-after",
        "2",
        "--json",
    ]
    done = CliRunner().invoke(command, [*words, str(file)])
    assert done.exit_code == 0, done.output
    cells = load_result(file).rows[0].cells
    assert (cells["streams"], cells["lost"]) == (30, 0)
    assert cells["returns"] > 0  # the server sends its streams away


def test_the_help_shows_examples():
    done = CliRunner().invoke(command, ["--help"])
    assert "fh bench convergence --shape split" in done.output
