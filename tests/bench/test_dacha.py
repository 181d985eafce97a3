"""A small real run: every situation is measured, and what must be free is."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.dacha import command
from bench.result import load_result

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]


def test_a_small_run_measures_every_situation(tmp_path: Path) -> None:
    file = tmp_path / "dacha.json"
    ran = CliRunner().invoke(
        command, ["--environments", "20", "--features", "160", "--json", str(file)]
    )
    assert ran.exit_code == 0, (ran.output, ran.exception)
    asked = {row.name: row.cells.get("asked") for row in load_result(file).rows}
    # An environment and its account, each once.
    assert asked["miss through Edge, 1 at a time"] == 2
    assert asked["unknown key, first time"] == 1
    assert asked["unknown key, again"] == 0
    assert asked["hit, /v2, 1 at a time"] == 0
    assert asked["announced, accounts and environments"] == 0
    assert asked["reload after a long absence"] >= 1


def test_too_few_features_are_refused() -> None:
    ran = CliRunner().invoke(command, ["--environments", "20", "--features", "20"])
    assert ran.exit_code == 2
    assert "at least 4 each" in ran.output
