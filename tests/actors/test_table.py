"""Written by one, read by all."""

import pytest

from fh.actors.table import Table


def test_a_table_returns_the_newest_value():
    table = Table()
    table["a"] = 1
    table["a"] = 2
    table["b"] = 3
    del table["b"]
    assert table["a"] == table.get("a") == 2
    assert table.get("b") is None
    assert table.get("b", 4) == 4
    assert "a" in table
    assert "b" not in table
    assert list(table) == ["a"]
    assert len(table) == 1
    assert list(table.items()) == [("a", 2)]


def test_a_reader_follows_the_table_and_can_not_write():
    table = Table()
    reader = table.reader()
    table["a"] = 1
    assert dict(reader) == {"a": 1}
    with pytest.raises(TypeError):
        reader["a"] = 2
