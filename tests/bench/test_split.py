"""A small real run of both deployments: nothing is lost, and everything is measured."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.result import load_result
from bench.split import command

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]


def test_a_small_run_loses_nothing(tmp_path: Path) -> None:
    file = tmp_path / "split.json"
    options = ["--streams", "12", "--environments", "2", "--updates", "4", "--rounds", "2"]
    ran = CliRunner().invoke(command, [*options, "--rate", "50", "--json", str(file)])
    assert ran.exit_code == 0, (ran.output, ran.exception)
    result = load_result(file)
    assert result.spoiled == ()
    party, split, *programs = result.rows
    for row in (party, split):
        assert (row.cells["streams"], row.cells["updates"], row.cells["lost"]) == (12, 4, 0)
        assert row.cells["CPU"] > 0
        assert row.cells["memory"] > 0
    assert len(programs) == 7  # NATS, MR, two Dachas, three Edges
    assert result.ratios["memory_vs_party_server"] > 1
