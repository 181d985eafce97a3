import fcntl
import subprocess
import sys

import pytest
import trio

from fh.db.binaries import Binaries
from fh.db.cluster import DataDirectory, child_environment
from fh.db.errors import EmbeddedServerFailed
from fh.db.launch import Launch


def test_another_process_is_kept_out_and_named(tmp_path):
    hold = (
        "import fcntl, os, sys; f = open(sys.argv[1], 'w+'); fcntl.lockf(f, fcntl.LOCK_EX);"
        "print(os.getpid(), file=f, flush=True); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, tmp_path / "fh.lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(EmbeddedServerFailed, match=rf"in use .* \(pid {holder.pid}\)"),
            DataDirectory(tmp_path).locked(),
        ):
            pass
        holder.communicate()

    with DataDirectory(tmp_path).locked():
        pass


def test_the_lock_ends_with_the_context(tmp_path):
    for _ in range(2):
        with DataDirectory(tmp_path / "new" / "one").locked():
            assert (tmp_path / "new" / "one").stat().st_mode & 0o777 == 0o700
    with (tmp_path / "new" / "one" / "fh.lock").open("r+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_directory_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    directory = DataDirectory(tmp_path / "file" / "data")
    with pytest.raises(EmbeddedServerFailed, match="file/data can't be used"), directory.locked():
        pass


def test_a_version_file_that_is_none_is_named(tmp_path):
    directory = DataDirectory(tmp_path)
    assert directory.major() is None
    directory.cluster.mkdir()
    (directory.cluster / "PG_VERSION").write_text("?")
    with pytest.raises(EmbeddedServerFailed, match="cluster can't be used"):
        directory.major()


def test_a_long_path_gets_its_socket_elsewhere_always_at_the_same_place(tmp_path):
    long = tmp_path / ("x" * 100)
    socket_directory = DataDirectory(long).socket_directory
    assert long not in socket_directory.parents
    assert DataDirectory(long).socket_directory == socket_directory
    assert DataDirectory(long / "y").socket_directory != socket_directory
    assert DataDirectory(tmp_path).socket_directory == tmp_path / "run"


async def test_a_socket_directory_of_somebody_else_is_left_alone(tmp_path):
    directory = DataDirectory(tmp_path)
    directory.socket_directory.symlink_to(tmp_path)
    with pytest.raises(EmbeddedServerFailed, match="belongs to somebody else"):
        await directory.prepare(Binaries(tmp_path, 18), Launch())


async def test_initdbs_words_are_in_the_message(tmp_path):
    initdb = tmp_path / "initdb"
    initdb.write_text("#!/bin/sh\necho 'initdb: error: no space left' >&2; exit 1\n")
    initdb.chmod(0o755)

    with trio.fail_after(30), pytest.raises(EmbeddedServerFailed, match="no space left"):
        await DataDirectory(tmp_path).prepare(Binaries(tmp_path, 18), Launch())


@pytest.mark.parametrize(("major", "option"), [(18, "--builtin-locale"), (15, "--locale=C.UTF-8")])
async def test_the_locale_is_the_same_in_every_version(tmp_path, major, option):
    initdb = tmp_path / "initdb"
    initdb.write_text('#!/bin/sh\necho "$@"; exit 1\n')
    initdb.chmod(0o755)

    with trio.fail_after(30), pytest.raises(EmbeddedServerFailed, match=option):
        await DataDirectory(tmp_path).prepare(Binaries(tmp_path, major), Launch())


def test_the_servers_environment_has_nothing_of_the_users_postgresql_or_locale():
    given = {"PATH": "/bin", "PGDATA": "/x", "PGHOST": "y", "LC_TIME": "de_DE", "LANG": "de_DE"}
    assert child_environment(given) == {"PATH": "/bin", "LC_ALL": "C", "TZ": "UTC"}
