"""How long a user waits: from an empty data directory, and from a used one, to a flag served.

    python -m bench.start [--runs 5] [--json FILE]

cold     empty directory: start the process, set the organisation up, make an application, a
         feature and a service account over HTTP, and poll until the flag is in the answer
warm     the same directory after a stop: start the process, poll until the flag is in the answer
killed   as warm, after kill -9

Each run uses a new directory. Times are wall time in seconds, from the start of the process.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from bench.deployment.process import free_port

PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 0.005
MOST_SECONDS = {"cold": 5.0, "warm": 2.0}
ROWS = ("cold, ready", "cold", "warm", "killed")
EMAIL = "bench@example.org"
PASSWORD = "not-a-secret-at-all"


class StartFailed(Exception):
    """The server ended, or did not serve in time; the text holds its log."""


class PartyServer:
    """One process after another on the same directory and port."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._log = directory / "log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""

    def start(self) -> None:
        """Start the process and return at once."""
        command = [sys.executable, "-m", "fh", "party-server"]
        command += ["--data-dir", str(self._directory / "data"), "--port", str(self._port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def end(self, how: signal.Signals) -> None:
        """Send the signal and wait for the end."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(PATIENCE_SECONDS)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Return status and body of one request on a connection of its own."""
        headers = {"content-type": "application/json"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON answer of a request that must succeed."""
        status, answer = self.ask(method, path, body)
        if status not in range(200, 300):
            raise StartFailed(f"{method} {path}: {status} {answer!r}")
        return json.loads(answer)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds`; a refused connection means not yet."""
        assert self._process is not None
        deadline = time.perf_counter() + PATIENCE_SECONDS
        while True:
            with contextlib.suppress(OSError, HTTPException):
                if holds():
                    return
            if self._process.poll() is not None or time.perf_counter() > deadline:
                raise StartFailed(self._log.read_text(errors="replace")[-5000:])
            time.sleep(PAUSE_SECONDS)

    def is_ready(self) -> bool:
        """Whether the server says that it can serve a key end to end."""
        return self.ask("GET", "/health/readiness")[0] == 200

    def make_flag(self) -> str:
        """Set everything up that one flag needs; return the key that reads it."""
        setup = {"organizationName": "Bench", "portfolio": "Bench", "name": "Bench"}
        setup |= {"emailAddress": EMAIL, "password": PASSWORD}
        self._token = self.call("POST", "/mr-api/initialize", setup)["accessToken"]
        (portfolio, *_) = self.call("GET", "/mr-api/portfolio")
        application = self.call(
            "POST",
            f"/mr-api/portfolio/{portfolio['id']}/application?includeEnvironments=true",
            {"name": "Bench", "description": "made by bench.start"},
        )
        (environment,) = application["environments"]
        feature = {"key": "flag", "name": "Flag", "valueType": "BOOLEAN"}
        self.call("POST", f"/mr-api/application/{application['id']}/features", feature)
        path = f"/mr-api/features/{environment['id']}/feature/flag"
        value = self.call("GET", path)
        self.call("PUT", path, {**value, "locked": False, "valueBoolean": True})
        account = self.call(
            "POST",
            f"/mr-api/portfolio/{portfolio['id']}/service-account?includePermissions=true",
            {
                "name": "Bench",
                "description": "made by bench.start",
                "permissions": [{"environmentId": environment["id"], "permissions": ["READ"]}],
            },
        )
        return str(account["permissions"][0]["sdkUrlServerEval"])

    def serves(self, key: str) -> bool:
        """Whether a poll with this key shows the flag switched on."""
        status, body = self.ask("GET", f"/features?apiKey={key}&contextSha=0")
        return status == 200 and json.loads(body)[0]["features"][0].get("value") is True


def measure() -> dict[str, float]:
    """Return the seconds of one run: an empty directory, then the same one twice more."""
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="fh-bench-") as name:
        server = PartyServer(Path(name))
        started_at = time.perf_counter()
        server.start()
        try:
            server.wait_until(server.is_ready)
            seconds["cold, ready"] = time.perf_counter() - started_at
            key = server.make_flag()
            server.wait_until(lambda: server.serves(key))
            seconds["cold"] = time.perf_counter() - started_at
            for row, how in (("warm", signal.SIGTERM), ("killed", signal.SIGKILL)):
                server.end(how)
                started_at = time.perf_counter()
                server.start()
                server.wait_until(lambda: server.serves(key))
                seconds[row] = time.perf_counter() - started_at
        finally:
            server.end(signal.SIGTERM)
    return seconds


def report(runs: Sequence[dict[str, float]]) -> str:
    """Return the figures as an aligned table, with the targets below it."""
    lines = [f"{'':<12}{'median s':>10}{'least s':>10}{'most s':>10}"]
    medians = {}
    for row in ROWS:
        values = [run[row] for run in runs]
        medians[row] = statistics.median(values)
        lines.append(f"{row:<12}{medians[row]:>10.2f}{min(values):>10.2f}{max(values):>10.2f}")
    lines.append("")
    for row, most in MOST_SECONDS.items():
        verdict = "reached" if medians[row] < most else "NOT reached"
        lines.append(f"target: {row} start below {most:g} s: {verdict} ({medians[row]:.2f} s)")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the JSON file when asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.start",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runs", type=int, default=5, help="directories to start from (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    options = parser.parse_args(arguments)
    if options.runs < 1:
        parser.error("--runs: at least one")
    machine = f"{os.cpu_count()} cores, {platform.release()}, Python {platform.python_version()}"
    print(f"start: {options.runs} runs on {machine}")
    runs = []
    for number in range(1, options.runs + 1):
        runs.append(measure())
        print(f"run {number}: " + ", ".join(f"{row} {runs[-1][row]:.2f}" for row in ROWS))
    print("\n" + report(runs))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, "runs": runs}, indent=2) + "\n")


if __name__ == "__main__":
    main()
