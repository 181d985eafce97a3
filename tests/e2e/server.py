"""The real party-server, in a process of its own, with its log kept and read."""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 30

_TROUBLE = re.compile(
    r"Traceback \(most recent call last\)|Task exception|was never retrieved|never awaited"
    r"|ExceptionGroup|ResourceWarning"
    r'|"level": ?"(error|critical)"|\[(error|critical) *\]|level=(error|critical)'
)


class Server:
    """`fh party-server` on a data directory and a port of its own.

    start() may be called again after stop() or kill9(): same directory, same port.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data_directory = directory / "data"
        self._log_path = directory / "party-server.log"
        self._settings = dict(settings or {})
        self._prefix = list(prefix)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and return when the server says that it is ready."""
        command = [*self._prefix, sys.executable, "-m", "fh", "party-server"]
        command += ["--data-dir", str(self.data_directory), "--port", str(self.port)]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **self._settings}
        # A session of its own, so that nothing it started can outlive discard().
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            assert self._process.poll() is None, f"it ended while starting\n{self.log()}"
            assert time.monotonic() < deadline, f"it did not become ready\n{self.log()}"
            time.sleep(0.02)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health/readiness", timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    def stop(self) -> int:
        """End it as a service manager does; return the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not stop on SIGTERM\n{self.log()}") from None

    def kill9(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(STOP_SECONDS)

    def restart(self) -> None:
        assert self.stop() == 0, self.log()
        self.start()

    def discard(self) -> None:
        """End whatever is left of it. Only for the end of a fixture."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)

    def log(self) -> str:
        return self._log_path.read_text(errors="replace")[-20_000:]

    def log_length(self) -> int:
        """Return a mark for assert_log_is_clean(since=…)."""
        return self._log_path.stat().st_size

    def assert_log_is_clean(self, *, expected: str = "", since: int = 0) -> None:
        """Fail on a traceback or an error line, except those that match `expected`."""
        troubles = list(self._troubles(expected, since))
        assert not troubles, "\n".join(troubles[:20]) + f"\n--- log ---\n{self.log()}"

    def resident_bytes(self) -> int:
        fields = Path(f"/proc/{self.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def _troubles(self, expected: str, since: int) -> Iterator[str]:
        text = self._log_path.read_bytes()[since:].decode(errors="replace")
        for line in text.splitlines():
            if _TROUBLE.search(line) and not (expected and re.search(expected, line)):
                yield line


def free_port() -> int:
    """Return a port nobody listens on, below the range of outgoing connections.

    A client that tries to reach a port of that range while its server restarts may be given the
    very same port as its own, and then it talks to itself.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port below 32000")
