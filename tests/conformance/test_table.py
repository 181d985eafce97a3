"""Every test that the table names is there."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.conformance.table import ITEMS, RULINGS

ROOT = Path(__file__).resolve().parents[2]
ROWS = {**ITEMS, **RULINGS}
NAMED = sorted({test for tests in ROWS.values() for test in tests})


@cache
def names_in(file: str) -> frozenset[str]:
    module = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("test", NAMED)
def test_what_is_named_exists(test: str) -> None:
    file, _, name = test.partition("::")
    assert name.startswith("test_")
    assert name in names_in(file)


def test_every_row_has_tests() -> None:
    assert [row for row, tests in ROWS.items() if not tests] == []


def test_every_ruling_about_edge_and_evaluation_is_there() -> None:
    assert RULINGS.keys() == {*range(1, 25), 37, 39}


def test_every_item_about_the_data_plane_is_there() -> None:
    assert {item.split()[0] for item in ITEMS} == {"1", "2", "3", "4", "5", "8", "10"}
