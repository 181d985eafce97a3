"""The real process: what it says, and how signals end it."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.role_process import free_port
from tests.http.certificates import trusting, write_pair

pytestmark = pytest.mark.postgres

START_SECONDS = 60
STOP_SECONDS = 30
NOBODY_THERE = "postgresql://127.0.0.1:1/d"
TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
OF_A_TERMINAL = (sys.executable, "-c", TAKE_TERMINAL)
"""Becomes the command that follows, with its standard input for its terminal."""


class Server:
    """A party-server and the lines of its log, read in a thread."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._arriving: queue.Queue[dict[str, Any] | None] = queue.Queue(1000)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, event: str) -> dict[str, Any]:
        while True:
            line = self._arriving.get(timeout=START_SECONDS)
            assert line is not None, f"it ended without {event}: {self.lines}"
            if line["event"] == event:
                return line

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        status = self.process.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        return status

    def _read(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line = json.loads(text)
            self.lines.append(line)
            self._arriving.put(line)
        self._arriving.put(None)


@contextmanager
def running(data_directory: Path, *options: str, **environ: str) -> Iterator[Server]:
    with started(data_directory, *options, **environ) as process:
        yield Server(process)


@contextmanager
def started(
    data_directory: Path,
    *options: str,
    terminal: int | None = None,
    output: int = subprocess.PIPE,
    **environ: str,
) -> Iterator[subprocess.Popen[str]]:
    """Start a party-server, in a session of its own, and from a terminal if one is given."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with subprocess.Popen(
        [
            *([] if terminal is None else OF_A_TERMINAL),
            sys.executable,
            "-m",
            "fh",
            "party-server",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            *options,
        ],
        cwd=data_directory,
        env={**kept, "PYTHONUNBUFFERED": "1", **environ},
        stdin=subprocess.DEVNULL if terminal is None else terminal,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def of_session(session: int) -> list[int]:
    """Return the living processes that were started below the session's leader."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, owner = (directory / "stat").read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(owner) == session and state != "Z":
            found.append(int(directory.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(number: signal.Signals, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        started = server.wait_for("party_server_started")
        with urllib.request.urlopen(f"{started['url']}/health/readiness", timeout=10) as answer:
            assert answer.status == 200
        assert server.end(number) == 0
    assert of_session(server.process.pid) == []
    events = [line["event"] for line in server.lines]
    assert events.index("party_server_stopping") < events.index("party_server_stopped")
    assert events[-1] == "party_server_stopped"
    (stopping,) = [line for line in server.lines if line["event"] == "party_server_stopping"]
    assert stopping["signal"] == number.name
    assert [line for line in server.lines if line["level"] != "info"] == []


def test_a_signal_during_the_start_ends_it_too(tmp_path: Path) -> None:
    with running(tmp_path, FH_LOG_LEVEL="debug") as server:
        server.wait_for("island_started")
        assert server.end(signal.SIGTERM) == 0, server.lines
    assert of_session(server.process.pid) == []
    assert [line for line in server.lines if line["level"] == "error"] == []


def test_streams_that_could_outlive_their_clients_are_warned_of(tmp_path: Path) -> None:
    with running(
        tmp_path, EDGE_SSE_DROP_AFTER_SECONDS="0", DB_URL="postgresql://127.0.0.1:1/d"
    ) as server:
        warning = server.wait_for("dead_clients_unnoticed")
        assert warning["level"] == "warning"
        assert "edge.sse.heartbeat-period" in warning["hint"]


def test_a_misspelt_variable_is_warned_of(tmp_path: Path) -> None:
    with running(tmp_path, DB_URL=NOBODY_THERE, FH_LAST_KOWN_FILE="x") as server:
        warning = server.wait_for("environment_not_known")
    assert warning["variable"] == "FH_LAST_KOWN_FILE"
    assert warning["hint"] == "did you mean fh.last-known.file?"


def test_a_database_that_is_away_is_waited_for_until_a_signal_comes(tmp_path: Path) -> None:
    with running(tmp_path, DB_URL="postgresql://ann:hunter2@127.0.0.1:1/d") as server:
        waiting = server.wait_for("database_waiting")
        assert server.end(signal.SIGTERM) == 0, server.lines
    assert waiting["level"] == "warning"
    assert "127.0.0.1:1/d" in waiting["url"]
    assert [line["event"] for line in server.lines] == [
        "database_waiting",
        "party_server_stopping",
        "party_server_stopped",
    ]
    assert "hunter2" not in json.dumps(server.lines)


def test_whoever_waits_for_its_database_answers_probes_and_refuses_clients(tmp_path: Path) -> None:
    monitor, port = free_port(), str(free_port())
    settings = {"MONITOR_PORT": str(monitor), "DB_URL": NOBODY_THERE}
    with running(tmp_path, "--port", port, **settings) as server:
        server.wait_for("database_waiting")
        url = f"http://127.0.0.1:{monitor}/health"
        with urllib.request.urlopen(f"{url}/liveness", timeout=10) as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError) as unready:
            urllib.request.urlopen(f"{url}/readiness", timeout=10)
        with unready.value as answer:
            told = json.load(answer)
        assert told["checks"]["database"] is False
        assert told["reasons"]["process"] == "it is starting"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(port)), timeout=10)
        with running(tmp_path, "--port", port, **settings) as second:
            assert f"port {port} is in use" in second.wait_for("start_failed")["reason"]
            assert second.process.wait(STOP_SECONDS) == 1
        assert server.end(signal.SIGTERM) == 0


def test_a_certificate_is_renewed_at_a_hang_up_and_plain_requests_are_told_so(
    tmp_path: Path,
) -> None:
    files, newer = write_pair(tmp_path), write_pair(tmp_path, name="newer")
    with running(
        tmp_path,
        SERVER_TLS_CERTIFICATE=str(files.certificate),
        SERVER_TLS_KEY=str(files.key),
        SERVER_TLS_RELOAD_SECONDS="0",
    ) as server:
        started = server.wait_for("party_server_started")
        url = started["url"]
        assert url.startswith("https://127.0.0.1:")

        def readiness(address: str, trusted: Any) -> int:
            with urllib.request.urlopen(address, timeout=10, context=trusted) as answer:
                return int(answer.status)

        before = trusting(files)
        assert readiness(f"{url}/health/readiness", before) == 200
        plain = url.replace("https", "http")
        assert readiness(f"{plain}/health/readiness", None) == 200
        for path in ("/features?apiKey=x", "/mr-api/initialize", "/metrics"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                readiness(plain + path, None)
            with refused.value as answer:
                assert answer.status == 400
                assert b"https" in answer.read()
        newer.key.replace(files.key)
        newer.certificate.replace(files.certificate)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("certificate_renewed")
        with pytest.raises(urllib.error.URLError):
            readiness(f"{url}/health/readiness", before)
        assert readiness(f"{url}/health/readiness", trusting(files)) == 200
        assert server.end(signal.SIGTERM) == 0
    assert [line for line in server.lines if line["level"] != "info"] == []


def test_a_hang_up_with_nothing_to_reload_changes_nothing(tmp_path: Path) -> None:
    with running(tmp_path, DB_URL=NOBODY_THERE) as server:
        server.wait_for("database_waiting")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("nothing_to_reload")
        assert server.end(signal.SIGTERM) == 0


def test_a_terminal_that_closes_ends_what_was_started_from_it_in_order(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    with started(tmp_path, terminal=theirs, DB_URL=NOBODY_THERE) as process:
        os.close(theirs)
        server = Server(process)
        server.wait_for("database_waiting")
        process.send_signal(signal.SIGHUP)  # by somebody else: it is still there
        server.wait_for("nothing_to_reload")
        os.close(ours)
        assert server.wait_for("party_server_stopping")["signal"] == "SIGHUP"
        assert process.wait(STOP_SECONDS) == 0


def test_a_terminal_that_closes_takes_the_log_along_and_nothing_else(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    with started(tmp_path, terminal=theirs, output=theirs, DB_URL=NOBODY_THERE) as process:
        os.close(theirs)
        told = b""
        while b"database_waiting" not in told:
            told += os.read(ours, 4096)
        os.close(ours)
        assert process.wait(STOP_SECONDS) == 0


def test_workers_share_the_port_and_hand_on_what_is_not_theirs(tmp_path: Path) -> None:
    with running(tmp_path, "--workers", "2") as server:
        url = server.wait_for("party_server_started")["url"]
        for _ in range(10):  # whichever worker takes the connection
            with urllib.request.urlopen(f"{url}/health/readiness", timeout=10) as answer:
                assert answer.status == 200
            key = "6c376de1-3cb8-4297-b641-8f27e0d11612/" + "x" * 40
            with pytest.raises(urllib.error.HTTPError) as unknown:
                urllib.request.urlopen(f"{url}/features?apiKey={key}", timeout=10)
            with unknown.value as answer:
                assert answer.status == 404
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            metrics = answer.read().decode()
        assert metrics.count("edge_worker_ready{") == 2
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("workers_renewed")
        assert server.end(signal.SIGTERM) == 0
    assert of_session(server.process.pid) == []
    assert [line for line in server.lines if line["level"] not in {"info", "debug"}] == []
