import os
import stat
import subprocess
import sys

import pytest

from fh.dacha.replaced_file import ReplacedFile, remove_unfinished


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some[thing].sealed"


def names(path):
    return sorted(each.name for each in path.parent.iterdir())


def test_it_takes_the_place_of_the_older_one_when_it_is_finished(path):
    path.write_bytes(b"older")
    newer = ReplacedFile(path)
    newer.write(b"new")
    newer.write(b"er")
    assert path.read_bytes() == b"older"
    newer.finish()
    assert path.read_bytes() == b"newer"
    assert names(path) == [path.name]


def test_only_its_owner_reads_it_whatever_the_mask(path):
    mask = os.umask(0)
    try:
        newer = ReplacedFile(path)
        newer.finish()
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_discarded_it_leaves_no_trace(path):
    path.write_bytes(b"older")
    newer = ReplacedFile(path)
    newer.write(b"newer")
    newer.discard()
    newer.discard()
    assert path.read_bytes() == b"older"
    assert names(path) == [path.name]


def test_two_writers_do_not_meet(path):
    one, other = ReplacedFile(path), ReplacedFile(path)
    for part in (b"a", b"b"):
        one.write(part)
        other.write(part.upper())
    one.finish()
    assert path.read_bytes() == b"ab"
    other.finish()
    assert path.read_bytes() == b"AB"


def test_short_writes_are_continued(path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    newer = ReplacedFile(path)
    newer.write(b"more than three")
    newer.finish()
    assert path.read_bytes() == b"more than three"


def test_it_and_its_name_are_on_the_disk_before_finish_returns(path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, type(path).replace

    def noted_fsync(descriptor):
        calls.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def noted_replace(self, target):
        calls.append("replace")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(type(path), "replace", noted_replace)
    ReplacedFile(path).finish()
    assert calls == ["file", "replace", "directory"]


def test_what_nobody_writes_any_more_is_removed_and_nothing_else(path):
    path.write_bytes(b"older")
    other = path.with_name("some.sealed")
    ReplacedFile(other)  # of another file
    ended = ReplacedFile(path)
    os.close(ended._descriptor)  # as the end of its process does
    alive = ReplacedFile(path)
    assert len(names(path)) == 4
    assert remove_unfinished(path) == 1
    assert len(names(path)) == 3
    alive.finish()
    assert remove_unfinished(path) == 0


def test_where_there_is_no_directory_nothing_is_to_be_removed(tmp_path):
    assert remove_unfinished(tmp_path / "none" / "file") == 0


def test_one_that_is_finished_meanwhile_is_not_missed(path, monkeypatch):
    unfinished = ReplacedFile(path)
    open_ = os.open

    def finish_first(name, flags, *mode):
        if os.fspath(name) == os.fspath(unfinished._unfinished):
            unfinished.finish()
        return open_(name, flags, *mode)

    monkeypatch.setattr(os, "open", finish_first)
    assert remove_unfinished(path) == 0
    assert path.exists()


def test_a_killed_process_lets_go_of_its_file(path):
    script = (
        "import os, signal, sys; from pathlib import Path;"
        "from fh.dacha.replaced_file import ReplacedFile;"
        "ReplacedFile(Path(sys.argv[1])).write(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, path], timeout=60, check=False)
    assert done.returncode == -9
    assert len(names(path)) == 1
    assert remove_unfinished(path) == 1
    assert names(path) == []
