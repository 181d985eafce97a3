"""A report keeps what was found out before, in an order of its own."""

import json
from dataclasses import replace
from pathlib import Path

from tests.faults.report import Row, write

ROW = Row("cut", 1000, 10_000, 20, 20_000, 4, 0, 0, 0, 1.0, 0.1, 0.1)


def names(stem: Path) -> list[str]:
    return [row["fault"] for row in json.loads(stem.with_suffix(".json").read_text())]


def test_rows_of_other_faults_stay_and_all_stand_in_order(tmp_path: Path) -> None:
    stem, order = tmp_path / "faults", ["cut", "slow", "kill"]
    for row in (replace(ROW, fault="kill"), ROW, replace(ROW, fault="kill", lost=3)):
        write(row, stem, order)
    assert names(stem) == ["cut", "kill"]
    heading, first, last = stem.with_suffix(".txt").read_text().splitlines()
    assert heading.split()[:2] == ["fault", "streams"]
    assert first.split()[0] == "cut"
    assert last.split()[7] == "3"


def test_what_is_no_fault_any_more_is_dropped(tmp_path: Path) -> None:
    stem = tmp_path / "faults"
    write(ROW, stem, ["cut"])
    write(replace(ROW, fault="slow"), stem, ["slow"])
    assert names(stem) == ["slow"]


def test_rows_with_other_columns_are_dropped(tmp_path: Path) -> None:
    stem = tmp_path / "faults"
    stem.with_suffix(".json").write_text('[{"fault": "slow", "streams": 1000}]')
    write(ROW, stem, ["cut", "slow"])
    assert names(stem) == ["cut"]
