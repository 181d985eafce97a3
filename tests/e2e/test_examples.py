"""What a newcomer runs first, and is told when it does not work."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.role_process import free_port
from tests.e2e.server import PartyServer

pytestmark = pytest.mark.e2e

ADMIN = Path(__file__).parents[2] / "examples" / "admin.py"


@contextmanager
def party_server(directory: Path) -> Iterator[PartyServer]:
    server = PartyServer(directory)
    try:
        server.start()
        yield server
    finally:
        server.discard()


def run(url: str, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ADMIN), command],
        env={**os.environ, "FH_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_flag_is_set_up_and_turned_and_a_second_time_is_refused_in_words(tmp_path: Path) -> None:
    with party_server(tmp_path) as server:
        made = run(server.url, "setup")
        assert (made.returncode, made.stderr) == (0, "")
        assert [line.split(":")[0] for line in made.stdout.splitlines()] == [
            "server-evaluated key",
            "client-evaluated key",
        ]
        again = run(server.url, "setup")
        assert again.returncode == 1
        assert again.stderr.startswith("The server refused with 409: {")
        assert "Traceback" not in again.stderr
        assert run(server.url, "flip").stdout == "NEW_MENU is now True, version 2\n"


def test_a_server_that_is_not_there_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    away = run(url, "setup")
    assert away.returncode == 1
    assert away.stderr.startswith(f"The server at {url} can't be reached: ")
    assert "Traceback" not in away.stderr
