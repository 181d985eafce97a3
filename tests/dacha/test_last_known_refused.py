"""Files that a process can't rely on, and disks that fail it."""

import pytest
from structlog.testing import capture_logs

from fh.contracts.answers import Granted, NotReady
from fh.wire.sealed import VERSION
from tests.dacha.restarts import OTHER_RAW, away, leave, open_process
from tests.dacha.world import change, feature, features_published, known_world


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kept" / "last-known.sealed"


def tampered(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def newer(path):
    raw = bytearray(path.read_bytes())
    raw[8:10] = (VERSION + 1).to_bytes(2)
    path.write_bytes(raw)


def truncated(path):
    path.write_bytes(path.read_bytes()[:-1])


def emptied(path):
    path.write_bytes(b"")


def not_ours(path):
    path.write_bytes(b"{}")


def a_directory(path):
    path.unlink()
    path.mkdir()


REFUSED = [
    pytest.param(tampered, {}, "was changed", "good copy", id="tampered"),
    pytest.param(truncated, {}, "cut off", "good copy", id="truncated"),
    pytest.param(emptied, {}, "cut off", "good copy", id="empty"),
    pytest.param(newer, {}, "version 2", "the fh that wrote it", id="newer"),
    pytest.param(not_ours, {}, "does not begin like", "another name", id="not-ours"),
    pytest.param(a_directory, {}, "directory", "may read it", id="directory"),
    pytest.param(
        lambda _: None, {"key": OTHER_RAW}, "another key", "fh.last-known.key", id="other-key"
    ),
    pytest.param(
        lambda _: None,
        {"origin": "elsewhere"},
        "another installation",
        "of its own",
        id="other-origin",
    ),
]


@pytest.mark.parametrize(("change_it", "options", "reason", "hint"), REFUSED)
async def test_it_is_refused_and_the_process_starts_without_it(
    path, change_it, options, reason, hint
):
    await leave(known_world(feature()), path)
    change_it(path)
    with capture_logs() as logs:
        async with open_process(away(), path, **options) as process:
            assert isinstance(await process.ask(), NotReady)
            now = process.statistics()
            assert (now.refused, now.restored_environments) == (1, 0)
            assert process.last_known.position == -1
    (told,) = [each for each in logs if each["event"] == "last_known_refused"]
    assert told["log_level"] == "error"
    assert told["file"] == str(path)
    assert reason in told["reason"].lower() or reason in told["reason"]
    assert hint in told["hint"]


async def test_a_refused_file_stays_until_there_is_something_to_write_and_is_then_set_aside(path):
    await leave(known_world(feature()), path)
    raw = path.read_bytes()
    async with open_process(away(), path, key=OTHER_RAW):
        pass
    assert path.read_bytes() == raw  # so a mistyped key costs nothing
    await leave(known_world(feature()), path, key=OTHER_RAW)
    assert path.with_name(path.name + ".refused").read_bytes() == raw
    async with open_process(away(), path, key=OTHER_RAW) as process:
        assert isinstance(await process.ask(), Granted)


async def test_a_disk_that_fails_is_told_once_and_tried_again(path):
    with capture_logs() as logs:
        async with open_process(known_world(feature()), path, seconds=0.001) as process:
            path.parent.write_bytes(b"no directory")
            await process.ask()
            await process.until(lambda: process.statistics().failed >= 3)
            assert isinstance(await process.ask(), Granted)
            path.parent.unlink()
            await process.until(lambda: process.statistics().written == 1)
    events = [each["event"] for each in logs if each["event"].startswith("last_known")]
    assert events == ["last_known_not_written", "last_known_written_again"]


async def test_what_does_not_fit_is_told_once(path):
    source = known_world(feature())
    with capture_logs() as logs:
        async with open_process(source, path, most_megabytes=0) as process:
            await process.ask()
            await process.last_known._look()
            assert process.statistics().left_out == 2
            await process.dacha.on_delivery(features_published(change(feature(value_version=2))))
    assert [each["event"] for each in logs].count("last_known_incomplete") == 1
    async with open_process(away(), path) as process:
        assert (process.statistics().refused, process.statistics().restored_environments) == (0, 0)


async def test_what_killed_processes_left_is_removed_at_the_start(path):
    path.parent.mkdir()
    leftover = path.with_name(f".{path.name}.0123.unfinished")
    leftover.write_bytes(b"half a file")
    async with open_process(away(), path):
        assert not leftover.exists()


async def test_a_leftover_that_can_not_be_removed_stops_nothing(path):
    await leave(known_world(feature()), path)
    path.with_name(f".{path.name}.0123.unfinished").mkdir()
    with capture_logs() as logs:
        async with open_process(away(), path) as process:
            assert isinstance(await process.ask(), Granted)
    assert "unfinished_files_not_removed" in [each["event"] for each in logs]
