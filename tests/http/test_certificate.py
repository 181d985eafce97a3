"""A certificate that is renewed while it is served."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import structlog.testing
import trio
import trio.testing

from fh.http import certificate as module
from fh.http.certificate import Certificate
from fh.http.key_pair import KeyPairFiles, KeyPairRefused
from tests.http.certificates import write_pair

T = TypeVar("T")

LOOK_SECONDS = 5.0
LOOKS = 3 * LOOK_SECONDS
"""Long enough for a change to be seen, and to be seen to have settled."""


@pytest.fixture
def files(tmp_path: Path) -> KeyPairFiles:
    return write_pair(tmp_path)


@pytest.fixture
def at_will(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> trio.testing.MockClock:
    """Time passes when everybody waits; so files must not be read in threads."""

    async def at_once(read: Callable[[KeyPairFiles], T], files: KeyPairFiles) -> T:
        await trio.lowlevel.checkpoint()
        return read(files)

    monkeypatch.setattr(module, "_in_thread", at_once)
    return autojump_clock


@asynccontextmanager
async def followed(
    files: KeyPairFiles, look_seconds: float = LOOK_SECONDS
) -> AsyncIterator[Certificate]:
    certificate = Certificate(files, look_seconds=look_seconds)
    assert certificate.context is None
    async with trio.open_nursery() as nursery:
        await nursery.start(certificate.run)
        yield certificate
        nursery.cancel_scope.cancel()


def replace_files(files: KeyPairFiles, *, name: str = "new", **options: timedelta) -> None:
    """Put another pair into the place of `files`, as a renewal does."""
    newer = write_pair(files.certificate.parent, name=name, **options)
    newer.key.replace(files.key)
    newer.certificate.replace(files.certificate)


def reasons(logs: list) -> list[str]:
    return [line["reason"] for line in logs if line["log_level"] == "error"]


async def test_real_files_are_followed_in_real_time(files: KeyPairFiles) -> None:
    async with followed(files, look_seconds=0.01) as certificate:
        before = certificate.context
        replace_files(files)
        with trio.fail_after(10):
            while certificate.context is before:  # noqa: ASYNC110  it has no event to wait for
                await trio.sleep(0.01)


async def test_a_renewed_pair_is_taken_over(
    files: KeyPairFiles, at_will: trio.testing.MockClock
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with followed(files) as certificate:
            before, ends_at = certificate.context, certificate.ends_at
            await trio.sleep(LOOKS)
            assert certificate.context is before
            replace_files(files, lasts=timedelta(days=60))
            await trio.sleep(LOOKS)
            assert certificate.context is not before
            assert certificate.ends_at > ends_at
            await trio.sleep(LOOKS)
    assert [line["event"] for line in logs] == ["certificate_loaded", "certificate_renewed"]


async def test_links_that_point_to_another_pair_are_a_renewal(
    files: KeyPairFiles, tmp_path: Path, at_will: trio.testing.MockClock
) -> None:
    other = write_pair(tmp_path, name="other")
    linked = KeyPairFiles(tmp_path / "live.crt", tmp_path / "live.key")
    linked.certificate.symlink_to(files.certificate)
    linked.key.symlink_to(files.key)
    async with followed(linked) as certificate:
        before = certificate.context
        for link, target in ((linked.certificate, other.certificate), (linked.key, other.key)):
            link.unlink()
            link.symlink_to(target)
        await trio.sleep(LOOKS)
        assert certificate.context is not before


async def test_a_pair_that_is_written_file_by_file_is_waited_for(
    files: KeyPairFiles, tmp_path: Path, at_will: trio.testing.MockClock
) -> None:
    newer = write_pair(tmp_path, name="newer")
    with structlog.testing.capture_logs() as logs:
        async with followed(files) as certificate:
            before = certificate.context
            await trio.sleep(LOOK_SECONDS - 0.5)
            files.certificate.write_bytes(newer.certificate.read_bytes())
            # Looks fall between the steps, when the files do not belong together.
            await trio.sleep(1)
            files.certificate.write_bytes(newer.certificate.read_bytes() + b"\n")
            await trio.sleep(1)
            files.key.write_bytes(newer.key.read_bytes())
            await trio.sleep(LOOKS)
            assert certificate.context is not before
    assert reasons(logs) == []


async def test_a_broken_pair_is_complained_of_once_and_the_old_one_stays(
    files: KeyPairFiles, tmp_path: Path, at_will: trio.testing.MockClock
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with followed(files) as certificate:
            before = certificate.context
            other = write_pair(tmp_path, name="other")
            files.key.write_bytes(other.key.read_bytes())
            await trio.sleep(10 * LOOKS)
            (reason,) = reasons(logs)
            assert "is not the key of" in reason
            files.key.unlink()
            await trio.sleep(10 * LOOKS)
            _, reason = reasons(logs)
            assert str(files.key) in reason
            assert certificate.context is before
            replace_files(files)
            await trio.sleep(LOOKS)
            assert certificate.context is not before
    assert len(reasons(logs)) == 2


async def test_it_reads_when_told_to_however_seldom_it_looks(
    files: KeyPairFiles, at_will: trio.testing.MockClock
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with followed(files, look_seconds=0) as certificate:
            before = certificate.context
            replace_files(files)
            await trio.sleep(3600)
            assert certificate.context is before
            certificate.reload()
            await trio.sleep(1)
            assert certificate.context is not before
            files.certificate.write_text("")
            for times in (1, 2):
                certificate.reload()
                await trio.sleep(1)
                assert len(reasons(logs)) == times
            assert certificate.context is not None


async def test_a_valid_certificate_is_not_given_up_for_one_that_is_none(
    files: KeyPairFiles, at_will: trio.testing.MockClock
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with followed(files) as certificate:
            before = certificate.context
            replace_files(files, begins_in=timedelta(days=-9), lasts=timedelta(days=1))
            await trio.sleep(LOOKS)
            assert certificate.context is before
    assert len(reasons(logs)) == 1


async def test_an_expired_certificate_is_served_and_warned_of_once(
    tmp_path: Path, at_will: trio.testing.MockClock
) -> None:
    files = write_pair(tmp_path, begins_in=timedelta(days=-9), lasts=timedelta(days=1))
    with structlog.testing.capture_logs() as logs:
        async with followed(files) as certificate:
            before = certificate.context
            assert before is not None
            await trio.sleep(LOOKS)
            # Another one that is no better replaces it all the same.
            replace_files(files, begins_in=timedelta(days=1))
            await trio.sleep(LOOKS)
            assert certificate.context is not before
    warnings = [line for line in logs if line["log_level"] == "warning"]
    assert [line["event"] for line in warnings] == ["certificate_not_valid"] * 2
    assert warnings[0] != warnings[1]


async def test_a_certificate_that_ends_while_it_is_served_is_warned_of(
    tmp_path: Path, at_will: trio.testing.MockClock
) -> None:
    # Its end is in wall time, which does not jump: one second is waited for.
    files = write_pair(tmp_path, begins_in=timedelta(seconds=-10), lasts=timedelta(seconds=11))
    with structlog.testing.capture_logs() as logs, trio.fail_after(1e9):
        async with followed(files):
            while logs[-1]["event"] != "certificate_not_valid":  # noqa: ASYNC110  as above
                await trio.sleep(LOOK_SECONDS)


async def test_a_first_pair_that_can_not_be_used_ends_the_start(files: KeyPairFiles) -> None:
    files.key.unlink()
    with pytest.RaisesGroup(KeyPairRefused):
        async with followed(files):
            raise AssertionError("it started")


async def test_started_again_it_goes_on_with_what_it_has(
    files: KeyPairFiles, at_will: trio.testing.MockClock
) -> None:
    certificate = Certificate(files, look_seconds=LOOK_SECONDS)
    async with trio.open_nursery() as nursery:
        await nursery.start(certificate.run)
        nursery.cancel_scope.cancel()
    before = certificate.context
    files.key.write_text("")
    with structlog.testing.capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            await nursery.start(certificate.run)
            assert certificate.context is before
            await trio.sleep(LOOKS)
            nursery.cancel_scope.cancel()
    assert len(reasons(logs)) == 1
