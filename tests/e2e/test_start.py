"""The one command works from an empty directory, for root and for an ordinary user."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from pwd import getpwnam

import pytest

from tests.e2e.party import LONG_STREAMS, Party, open_party
from tests.e2e.sdks import ROOT
from tests.e2e.wire import wait_polled

pytestmark = pytest.mark.e2e

ORDINARY_USER = getpwnam("nobody").pw_uid
AS_ORDINARY_USER = (
    "setpriv",
    f"--reuid={ORDINARY_USER}",
    f"--regid={ORDINARY_USER}",
    "--clear-groups",
    "--inh-caps=-all",
)


@pytest.fixture
def ordinary_directory() -> Iterator[Path]:
    """A directory of the ordinary user's, which pytest's own are not."""
    directory = Path(tempfile.mkdtemp(prefix="fh-ordinary-"))
    os.chown(directory, ORDINARY_USER, ORDINARY_USER)
    yield directory
    shutil.rmtree(directory)


def expect_flag_across_a_restart(directory: Path, prefix: Sequence[str]) -> None:
    with open_party(directory, LONG_STREAMS, prefix) as party:
        project = party.admin.new_project()
        project.create("flag", "BOOLEAN", True)
        wait_polled(party.server.port, project.server_key, flag=True)
        party.server.restart()
        wait_polled(party.server.port, project.server_key, flag=True)
        party.server.assert_log_is_clean()


def test_an_empty_directory_is_enough(tmp_path: Path) -> None:
    expect_flag_across_a_restart(tmp_path, ())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_can_start_it(ordinary_directory: Path) -> None:
    probe = [*AS_ORDINARY_USER, sys.executable, "-c", "import fh"]
    if subprocess.run(probe, cwd="/", capture_output=True, check=False).returncode != 0:
        pytest.skip(f"user {ORDINARY_USER} can't run {sys.executable} or can't read {ROOT}")
    expect_flag_across_a_restart(ordinary_directory, AS_ORDINARY_USER)


def test_a_second_server_on_the_same_directory_is_refused(party: Party) -> None:
    command = [sys.executable, "-m", "fh", "party-server", "--port", "0"]
    command += ["--data-dir", str(party.server.data_directory)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    said = second.stdout + second.stderr
    assert second.returncode != 0
    assert "in use by another process" in said
    assert "party_server_started" not in said
    assert "Traceback" not in said
    assert party.server.is_ready()
    party.admin.new_project()
