"""The process, without PostgreSQL: programs that behave as badly as need be."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trio

from fh.db import server_process
from fh.db.errors import EmbeddedServerFailed
from fh.db.server_process import start_process, wait_for_orphans

STUBBORN = (
    "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (2, 3)];"
    "print('deaf', flush=True); time.sleep(60)"
)


@pytest.fixture
async def bounded():
    with trio.fail_after(30):
        yield


@pytest.fixture
def start(tmp_path):
    def start(*command):
        return start_process(
            command,
            pid_file=tmp_path / "postmaster.pid",
            log_file=tmp_path / "log",
            environment={},
            options={},
        )

    return start


async def test_the_status_of_the_end_is_returned(bounded, start):
    assert await start(sys.executable, "-c", "raise SystemExit(3)").wait() == 3


async def test_the_signal_of_the_end_is_returned(bounded, start):
    process = start(sys.executable, "-c", "import time; time.sleep(60)")
    os.kill(process.pid, signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    await process.stop()


async def test_the_end_is_noticed_without_pidfd_too(bounded, start, monkeypatch):
    monkeypatch.delattr(os, "pidfd_open")
    assert await start(sys.executable, "-c", "raise SystemExit(3)").wait() == 3


async def test_a_process_that_ends_never_gets_ready(bounded, start):
    assert not await start(sys.executable, "-c", "").wait_ready()


async def test_it_is_ready_when_its_own_pid_file_says_so(bounded, start, tmp_path):
    lines = "{}\n/data\n0\n5432\n/run\n\n0\n{}\n"
    file = tmp_path / "postmaster.pid"
    file.write_text(lines.format(1, "ready   "))  # somebody else's
    process = start(sys.executable, "-c", "import time; time.sleep(60)")
    with trio.move_on_after(0.02) as waiting:
        await process.wait_ready()
    assert waiting.cancelled_caught

    file.write_text(lines.format(process.pid, "starting"))
    with trio.move_on_after(0.02) as waiting:
        await process.wait_ready()
    assert waiting.cancelled_caught

    file.write_text(lines.format(process.pid, "ready   "))
    assert await process.wait_ready()
    await process.stop()


async def test_a_process_that_ignores_signals_is_ended_by_force(
    bounded, start, tmp_path, monkeypatch
):
    stops = ((signal.SIGINT, 0.01), (signal.SIGQUIT, 0.01), (signal.SIGKILL, 5.0))
    monkeypatch.setattr(server_process, "_STOPS", stops)
    process = start(sys.executable, "-c", STUBBORN)
    while "deaf" not in (tmp_path / "log").read_text():  # noqa: ASYNC110 - another program's
        await trio.sleep(0.005)

    await process.stop()

    assert await process.wait() == -signal.SIGKILL


@pytest.fixture
def orphan(tmp_path):
    """Something called postgres at work in the data directory."""
    program = tmp_path / "bin" / "postgres"
    program.parent.mkdir()
    program.symlink_to("/bin/sleep")
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    with subprocess.Popen([program, "60"], cwd=cluster) as process:
        (cluster / "postmaster.pid").write_text(f"{process.pid}\n")
        # The kernel renames a process only after its parent has heard that it runs.
        while Path(f"/proc/{process.pid}/comm").read_text().strip() != "postgres":
            time.sleep(0.001)
        yield process, cluster
        process.kill()


async def test_an_orphan_is_waited_for_and_then_told_to_stop(bounded, orphan, monkeypatch):
    monkeypatch.setattr(server_process, "_ORPHAN_PATIENCE_SECONDS", 0.02)
    process, cluster = orphan

    await wait_for_orphans(cluster, cluster / "postmaster.pid")

    assert process.wait() == -signal.SIGINT
    assert not (cluster / "postmaster.pid").exists()


async def test_an_orphan_that_stays_is_named(bounded, orphan, monkeypatch):
    monkeypatch.setattr(server_process, "_ORPHAN_SECONDS", 0.02)
    process, cluster = orphan
    with pytest.raises(EmbeddedServerFailed, match=f"does not end: processes {process.pid}"):
        await wait_for_orphans(cluster, cluster / "postmaster.pid")


async def test_a_pid_that_belongs_to_another_program_by_now_is_no_orphan(bounded, tmp_path):
    file = tmp_path / "postmaster.pid"
    file.write_text(f"{os.getpid()}\n")

    await wait_for_orphans(tmp_path, file)

    assert not file.exists()


async def test_without_a_pid_file_there_is_no_orphan(bounded, tmp_path):
    await wait_for_orphans(tmp_path, tmp_path / "postmaster.pid")
