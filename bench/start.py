"""How long a user waits: from an empty data directory, and from a used one, to a flag served.

Each run uses a new directory. Times are wall time in seconds, from the start of the process.
"""

import contextlib
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from bench.command import FAILED, conclude, with_output
from bench.deployment.process import free_port
from bench.progress import progress
from bench.result import Better, Cell, Chart, Column, Line, Result, Row, Target, begin_result

PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 0.005
MOST_SECONDS = {"cold": 5.0, "warm": 2.0}
MEANINGS: Final = {
    "cold, ready": "an empty directory: start the process, wait until it says that it is ready",
    "cold": "the same, then set the organisation up, make an application, a feature and a service "
    "account over HTTP, and poll until the flag is in the answer",
    "warm": "the same directory after a stop: start the process, poll until the flag is there",
    "killed": "as warm, after kill -9",
}
ROWS: Final = tuple(MEANINGS)
COLUMNS: Final = (
    Column("median s", "wall time from the start of the process", "s", Better.LOWER, 2),
    Column("least s", "the quickest run", "s", decimals=2),
    Column("most s", "the slowest run", "s", decimals=2),
)
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


def as_result(runs: Sequence[dict[str, float]]) -> Result:
    """Return the result of all runs."""
    begun = begin_result(
        "start",
        "how long from an empty directory to the first flag?",
        options={"runs": len(runs)},
        columns=COLUMNS,
    )
    rows = []
    for row in ROWS:
        values = [run[row] for run in runs]
        cells: dict[str, Cell] = {
            "median s": statistics.median(values),
            "least s": min(values),
            "most s": max(values),
        }
        rows.append(Row(row, cells, MEANINGS[row]))
    medians = tuple(statistics.median(run[row] for run in runs) for row in ROWS)
    return msgspec.structs.replace(
        begun,
        rows=tuple(rows),
        targets=tuple(
            Target(f"{row} start, seconds", medians[ROWS.index(row)], most)
            for row, most in MOST_SECONDS.items()
        ),
        charts=(Chart("Until the first flag is served", "", "s", (Line("s", ROWS, medians),)),),
    )


@click.command
@click.option(
    "--runs",
    type=click.IntRange(1, 1_000),
    default=5,
    show_default=True,
    help="Directories to start from.",
)
@with_output
def command(runs: int, json_file: Path | None, html_file: Path | None, *, check: bool) -> None:
    """How long from an empty directory to the first flag?

    Starts a party-server with an embedded PostgreSQL in a new directory, sets up what one flag
    needs, and polls until it is served; then again on the same directory, after an orderly end and
    after kill -9. Times are wall time in seconds, from the start of the process.

    \b
    Examples:
      fh bench start
      fh bench start --runs 1 --json start.json
    """  # noqa: D301  click takes the backspace as "leave these lines as they are"
    with progress("start", runs) as tell:
        found = []
        for number in range(1, runs + 1):
            tell(f"run {number} of {runs}")
            try:
                found.append(measure())
            except StartFailed as failure:
                click.echo(failure, err=True)
                sys.exit(FAILED)
    conclude(as_result(found), json_file=json_file, html_file=html_file, check=check)
