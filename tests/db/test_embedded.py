"""A real PostgreSQL through its life."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from fh.db.binaries import find_binaries
from fh.db.embedded import EmbeddedPostgres
from fh.db.errors import BinariesNotFound, ClusterLost, EmbeddedServerDied, EmbeddedServerFailed
from fh.db.launch import NOBODY, find_launch, works

pytestmark = pytest.mark.postgres

is_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


@pytest.fixture
async def bounded():
    with trio.fail_after(90):
        yield


@pytest.fixture
def ask(open_service, open_database):
    """Start a server, run SQL on it and stop it."""

    async def ask(server, sql):
        async with (
            open_service(server),
            open_database(lambda: server.dsn) as database,
        ):
            return await database.transaction(lambda tx: tx.fetchval(sql))

    return ask


def commands_of(pid):
    try:
        return Path("/proc", str(pid), "cmdline").read_bytes()
    except FileNotFoundError:
        return b""


@asynccontextmanager
async def killed(server):
    """Start a server and kill it with SIGKILL in the end."""
    with pytest.RaisesGroup(EmbeddedServerDied):
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run)
            yield
            os.kill(server.pid, signal.SIGKILL)


async def test_data_outlives_a_stop_a_restart_and_a_kill(bounded, ask, open_database, tmp_path):
    server = EmbeddedPostgres(tmp_path / "new" / "data")
    assert await ask(server, "SELECT 1") == 1
    async with killed(server), open_database(lambda: server.dsn) as database:
        await database.transaction(lambda tx: tx.execute("CREATE TABLE kept AS SELECT 7 AS x"))
    assert await ask(server, "SELECT x FROM kept") == 7
    assert server.pid is None


async def test_a_cluster_that_vanished_is_not_made_anew(bounded, ask, tmp_path):
    server = EmbeddedPostgres(tmp_path)
    async with killed(server):
        (tmp_path / "cluster").rename(tmp_path / "elsewhere")
    with pytest.raises(ClusterLost, match=f"{tmp_path} lost its cluster: is the volume mounted"):
        await server.run()
    assert not (tmp_path / "cluster").exists()
    (tmp_path / "elsewhere").rename(tmp_path / "cluster")
    assert await ask(server, "SELECT 1") == 1


async def test_it_is_reachable_by_its_socket_only_and_writes_safely(bounded, ask, tmp_path):
    server = EmbeddedPostgres(tmp_path)
    settings = "SELECT array_agg(setting ORDER BY name) FROM pg_settings WHERE name IN "
    names = "('fsync', 'full_page_writes', 'listen_addresses', 'synchronous_commit')"
    assert await ask(server, settings + names) == ["on", "on", "", "on"]
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    encoding = "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'postgres'"
    assert await ask(server, encoding) == "UTF8"
    assert await ask(server, "SELECT upper('ä')") == "Ä"


async def test_a_half_made_data_directory_is_made_anew(bounded, ask, tmp_path):
    (tmp_path / "cluster.new" / "base").mkdir(parents=True)
    (tmp_path / "cluster.new" / "PG_VERSION").write_text("18")
    assert await ask(EmbeddedPostgres(tmp_path), "SELECT 1") == 1
    assert not (tmp_path / "cluster.new").exists()


async def test_a_long_path_works(bounded, ask, tmp_path):
    server = EmbeddedPostgres(tmp_path / ("long" * 25))
    try:
        assert await ask(server, "SELECT 1") == 1
        assert await ask(server, "SELECT 2") == 2
    finally:
        shutil.rmtree(server._directory.socket_directory)


async def test_a_reused_pid_in_what_a_crash_left_is_no_obstacle(bounded, ask, tmp_path):
    server = EmbeddedPostgres(tmp_path)
    async with killed(server):
        pass
    file = tmp_path / "cluster" / "postmaster.pid"
    left = file.read_text().splitlines()
    file.write_text("\n".join([str(os.getpid()), *left[1:]]) + "\n")
    for lock in (tmp_path / "run").glob("*.lock"):
        lock.write_text("\n".join([str(os.getpid()), *lock.read_text().splitlines()[1:]]) + "\n")

    assert await ask(server, "SELECT 1") == 1


async def test_a_server_whose_program_was_killed_ends_with_it(bounded, ask, tmp_path):
    """kill -9 of the whole program, then a start at once, while the old server still stops."""
    script = (
        "import sys, trio; from pathlib import Path; from fh.db.embedded import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(Path(sys.argv[1]))\n"
        "async def main():\n"
        "    async with trio.open_nursery() as nursery:\n"
        "        await nursery.start(server.run)\n"
        "        print('pid', server.pid, flush=True)\n"
        "trio.run(main)\n"
    )
    with subprocess.Popen(  # noqa: ASYNC220 - the test has nothing else to do
        [sys.executable, "-c", script, tmp_path],
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        pid = next(line for line in program.stdout if line.startswith("pid")).split()[1]
        program.kill()

    assert await ask(EmbeddedPostgres(tmp_path), "SELECT 1") == 1
    # It may still be a zombie where nobody buries orphans; that uses nothing.
    assert commands_of(int(pid)) == b""


async def test_an_unwritable_directory_is_named(bounded, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedServerFailed, match="file can't be used"):
        await EmbeddedPostgres(tmp_path / "file").run()


async def test_without_programs_the_message_says_what_to_do(bounded, tmp_path):
    server = EmbeddedPostgres(tmp_path, environ={"FH_PG_BIN": str(tmp_path)})
    with pytest.raises(BinariesNotFound, match=r"db\.url"):
        await server.run()


async def test_a_directory_of_another_version_names_both(bounded, tmp_path):
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "PG_VERSION").write_text("13\n")
    with pytest.raises(EmbeddedServerFailed, match=r"PostgreSQL 13, .* \(18\)"):
        await EmbeddedPostgres(tmp_path).run()


async def test_a_server_that_does_not_start_has_its_last_words_in_the_message(
    bounded, ask, tmp_path
):
    server = EmbeddedPostgres(tmp_path, settings={"shared_buffers": "nonsense"})
    with pytest.raises(EmbeddedServerFailed, match='invalid value for parameter "shared_buffers"'):
        await server.run()


async def test_a_long_log_is_forgotten(bounded, ask, tmp_path):
    (tmp_path / "postgres.log").write_bytes(b"x" * 5_000_000)
    await ask(EmbeddedPostgres(tmp_path), "SELECT 1")
    assert (tmp_path / "postgres.log").stat().st_size < 100_000


@is_root
async def test_root_without_user_namespaces_becomes_another_user(bounded, ask):
    data = Path(tempfile.mkdtemp(prefix="fh-test-"))

    def no_namespaces(command):
        return "unshare" not in command and works(command)

    try:
        server = EmbeddedPostgres(data, find_launch=lambda: find_launch(no_namespaces))
        assert await ask(server, "SELECT 1") == 1
        assert (data / "cluster").stat().st_uid == NOBODY
        # and back, when they are there: the files change hands
        assert await ask(EmbeddedPostgres(data), "SELECT 1") == 1
        assert (data / "cluster" / "PG_VERSION").stat().st_uid == 0
    finally:
        shutil.rmtree(data)


@is_root
async def test_an_ordinary_user_needs_nothing_special(bounded, tmp_path):
    script = (
        "import os, sys, trio; from pathlib import Path\n"
        "from fh.db.embedded import EmbeddedPostgres\n"
        "from fh.db.errors import EmbeddedServerFailed\n"
        "assert os.geteuid() == 1000\n"
        "async def main():\n"
        "    async with trio.open_nursery() as nursery:\n"
        "        await nursery.start(EmbeddedPostgres(Path(sys.argv[1], 'data')).run)\n"
        "        nursery.cancel_scope.cancel()\n"
        "    os.chmod(sys.argv[1], 0o500)\n"
        "    try:\n"
        "        await EmbeddedPostgres(Path(sys.argv[1], 'other')).run()\n"
        "    except EmbeddedServerFailed as error:\n"
        "        print(error)\n"
        "trio.run(main)\n"
    )
    as_user = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
    if not works(as_user):
        pytest.skip("no user namespaces here")
    run = await trio.run_process(
        [*as_user, sys.executable, "-c", script, str(tmp_path)],
        capture_stdout=True,
    )
    assert "embedded_postgres_started" in run.stdout.decode()
    assert "can't be used: [Errno 13] Permission denied" in run.stdout.decode()


@pytest.mark.skipif(
    not Path("/usr/lib/postgresql/15/bin/initdb").exists(), reason="no PostgreSQL 15 here"
)
async def test_the_oldest_supported_version_runs_too(bounded, ask, tmp_path):
    server = EmbeddedPostgres(tmp_path, environ={"FH_PG_BIN": "/usr/lib/postgresql/15/bin"})
    assert (await ask(server, "SHOW server_version")).startswith("15.")
    newest = {"FH_PG_BIN": str(find_binaries({}).directory)}
    with pytest.raises(EmbeddedServerFailed, match=r"made by PostgreSQL 15"):
        await EmbeddedPostgres(tmp_path, environ=newest).run()
