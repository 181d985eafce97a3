"""`fh bench mr`: what it makes of its waits, and a whole run at its smallest."""

import json
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from click.testing import CliRunner

from bench.admin.filling import Filled, Size
from bench.admin.waits import DASHBOARD, PEOPLE, WRITE, questions
from bench.cli import bench
from bench.mr import FULL, as_result
from bench.result import decode_result
from bench.text import as_text

FILLED = Filled(
    applications=3,
    environments=2,
    features=8,
    people=5,
    portfolio=UUID(int=1),
    application=UUID(int=2),
    environment=UUID(int=3),
)


def asked(waits):
    return [(question, waits) for question in questions(FILLED)]


def test_waits_become_percentiles_beside_their_targets():
    found = as_result(FILLED, asked([1.0] * 98 + [60.0, 70.0]), remarks=["Said."])
    row = next(row for row in found.rows if row.name == WRITE)
    assert row.cells == {"requests": 100, "50 %": 1.0, "99 %": 60.0, "target": 50}
    assert [target.text for target in found.missed] == [f"{WRITE}, 99 % in ms"]
    assert found.remarks == ("Said.",)


def test_what_a_server_does_not_offer_is_said_and_not_reached():
    found = as_result(FILLED, asked(()), remarks=())
    row = next(row for row in found.rows if row.name == DASHBOARD)
    assert row.cells == {}
    assert "has no findAllFeatureAndFeatureValuesForEnvironmentsByApplication" in row.note
    assert {target.reached for target in found.targets} == {None}
    assert PEOPLE in as_text(found)


def test_the_full_size_is_the_one_that_was_promised():
    assert Size(applications=1_000, environments=10, features=500, people=1_000) == FULL
    assert FULL.steps == 1_020


@pytest.mark.timeout(func_only=True)
def test_a_small_installation_is_filled_asked_and_asked_again(tmp_path: Path):
    def run(*more: str):
        options = ["mr", "--requests", "3", "--directory", str(tmp_path), "--json", "-", *more]
        found = CliRunner().invoke(bench, options, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return decode_result(found.stdout.encode())

    small = ["--applications", "2", "--environments", "2", "--features", "5", "--people", "3"]
    first = run(*small)
    assert first.options["applications"] == 2
    assert {row.name: row.cells["requests"] for row in first.rows if row.cells}.items() >= {
        ("value write", 3),
        ("applications", 3),
        ("features", 3),
        ("values", 3),
    }
    kept = msgspec.json.decode((tmp_path / "filled.json").read_bytes(), type=Filled)
    again = run()
    assert again.options == first.options
    assert again.options["features"] == kept.features == 5
    assert json.loads((tmp_path / "filled.json").read_text())["environments"] == 2
