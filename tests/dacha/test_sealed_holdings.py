"""Whatever happens to a process or its disk: the file is the older one or the newer one, whole."""

import errno
import gc
import os
import resource
import shlex
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio

from fh.dacha.sealed_holdings import LastKnownRefused, read_knowledge, write_holdings
from fh.wire.last_known import NO_POSITION, Head, encode_record
from fh.wire.sealed import Sealer
from tests.dacha import last_known_writer
from tests.dacha.last_known_writer import ENVIRONMENTS, generation, read, write
from tests.dacha.restarts import ORIGIN, sealing_key

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = [sys.executable, last_known_writer.__file__]
AT = datetime(2026, 11, 22, tzinfo=UTC)
HEAD = Head(ORIGIN, written_at=AT, as_of=AT, position=NO_POSITION)
KILLS = 12
MOST_STEPS = 40


@pytest.fixture
def path(tmp_path):
    return tmp_path / "last-known.sealed"


@contextmanager
def writer(*arguments, **options):
    process = subprocess.Popen(
        [*SCRIPT, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        **options,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def names(path):
    return sorted(each.name for each in path.parent.iterdir())


async def test_a_file_is_read_as_it_was_written(path):
    size = await write(path, 7)
    assert size == path.stat().st_size
    assert await read(path) == 7


async def test_without_a_file_nothing_is_known(path):
    assert await read_knowledge(path, sealing_key(), ORIGIN) is None


async def test_when_it_is_full_what_was_used_longest_ago_is_left_out(path):
    held = generation(1)
    whole = await write_holdings(path, sealing_key(), HEAD, held, most_bytes=1 << 30)
    assert whole.left_out == 0
    written = await write_holdings(path, sealing_key(), HEAD, held, most_bytes=whole.bytes // 2)
    assert written.bytes < whole.bytes * 0.52
    _, knowledge = await read_knowledge(path, sealing_key(), ORIGIN)
    kept = [each.environment.id for each in knowledge.environments]
    assert len(kept) + written.left_out == ENVIRONMENTS
    assert kept == [each.environment.id for each in held.environments[: len(kept)]]
    assert all(len(each.features) == last_known_writer.FEATURES for each in knowledge.environments)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (encode_record(HEAD) + b"\0\0\0\1x", "none of this version"),
        (encode_record(HEAD) + b"\0\0\0\2x", "cut off"),
        (b"", "no records"),
    ],
    ids=["no record", "cut off", "nothing"],
)
async def test_genuine_bytes_that_are_no_records_are_refused(path, content, reason):
    sealer = Sealer(sealing_key())
    path.write_bytes(sealer.seal(content) + sealer.end())
    with pytest.raises(LastKnownRefused, match=rf"{reason}.*good copy"):
        await read_knowledge(path, sealing_key(), ORIGIN)


async def test_a_fault_that_is_nobodys_leaves_no_trace(path):
    held = generation(1)
    broken = type(held)([None], held.accounts, (), is_behind=False)
    with pytest.raises(AttributeError):
        await write_holdings(path, sealing_key(), HEAD, broken, most_bytes=1 << 30)
    assert names(path) == []


@pytest.mark.parametrize("was_enabled", [True, False])
async def test_the_collector_is_left_as_it_was_found(path, was_enabled):
    await write(path, 1)
    (gc.enable if was_enabled else gc.disable)()
    try:
        await read(path)
        assert gc.isenabled() is was_enabled
    finally:
        gc.unfreeze()
        gc.enable()


async def test_a_process_killed_at_any_step_leaves_a_whole_file(path):
    with writer(path, MOST_STEPS) as process:
        steps = process.stdout.read().split()
        assert process.wait(60) == 0
    assert steps[-1] == "ended"
    assert {"open", "write", "fsync", "replace", "close"} <= set(steps)
    found = [await read(Path(f"{path}.{step}")) for step in range(len(steps) + 1)]
    replaced = steps.index("replace") + 1
    assert found == [1] * (replaced + 1) + [2] * (len(steps) - replaced)


async def test_a_process_killed_at_any_time_leaves_a_whole_file(path):
    newest = 0
    for kill in range(KILLS):
        with writer(path) as process:
            for _ in range(1 + kill % 3):
                newest = int(process.stdout.readline())
            process.kill()
        assert await read(path) >= newest
    assert newest >= KILLS


async def test_two_processes_with_one_file_do_not_harm_it(path):
    with writer(path) as one, writer(path) as other:
        for _ in range(5):
            for process in (one, other):
                assert process.stdout.readline()
            await read(path)


# A disk without room


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))


async def test_where_files_can_not_grow_the_older_one_stays(path):
    await write(path, 1)
    with writer(path, "once", 2, preexec_fn=limit_files) as process:
        assert process.stdout.read().strip() == os.strerror(errno.EFBIG)
    assert await read(path) == 1
    assert names(path) == [path.name]


def test_where_the_disk_is_full_the_older_one_stays(tmp_path):
    # 1.2 MB in a namespace of its own: room for one file, not for two.
    python = shlex.join([*SCRIPT, "small/f", "once"])
    script = f"""
        mkdir small && mount -t tmpfs -o size=1200k tmpfs small || exit 77
        {python} 1 && cp small/f first && {python} 2 && cp small/f second && ls -A small
    """
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    size, fault, left = done.stdout.splitlines()
    assert int(size) > 650_000
    assert fault == os.strerror(errno.ENOSPC)
    assert left == "f"
    assert trio.run(read, tmp_path / "first") == trio.run(read, tmp_path / "second") == 1
