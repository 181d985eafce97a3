"""One `fh ROLE` in a process of its own, with its log kept and read."""

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

# A deployment asks for many before it listens on the first.
_promised: set[int] = set()


class RoleProcess:
    """A role on a port of its own, and on a data directory where it keeps data.

    start() may be called again after stop() or kill9(): same directory, same port.
    """

    def __init__(
        self,
        role: str,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        *,
        data_directory: Path | None = None,
    ):
        self.role = role
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = directory / f"{role}-{self.port}.log"
        self._data_directory = data_directory
        self._settings = dict(settings or {})
        self._prefix = list(prefix)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def children(self) -> list[int]:
        """Return the processes that it has started, on its main thread, and that live."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    @property
    def data_directory(self) -> Path:
        assert self._data_directory is not None, f"{self.role} keeps no data"
        return self._data_directory

    @property
    def probe_port(self) -> int:
        """Where health is told: the port of operators where there is one."""
        return int(self._settings.get("MONITOR_PORT", self.port))

    def start(self) -> None:
        """Start, and return when it says that it is ready."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start, and return at once."""
        command = [*self._prefix, sys.executable, "-m", "fh", self.role, "--port", str(self.port)]
        if self._data_directory is not None:
            command += ["--data-dir", str(self._data_directory)]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **self._settings}
        # A session of its own, so that nothing it started can outlive discard().
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Return when it says that it is ready."""
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            assert self._process.poll() is None, f"it ended while starting\n{self.log()}"
            assert time.monotonic() < deadline, f"it did not become ready\n{self.log()}"
            time.sleep(0.02)

    def probe(self, path: str) -> tuple[int, bytes]:
        """Return status and body of an operator's page; status 0 where nobody answers."""
        address = f"http://127.0.0.1:{self.probe_port}{path}"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            return 0, b""

    def is_ready(self) -> bool:
        return self.probe("/health/readiness")[0] == 200

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

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

    def freeze(self) -> None:
        """Have it keep its connections and do nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

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
        return self.log_path.read_text(errors="replace")[-20_000:]

    def log_mark(self) -> tuple[int, ...]:
        """Return a mark for assert_log_is_clean(since=…)."""
        return (self.log_path.stat().st_size,)

    def assert_log_is_clean(self, *, expected: str = "", since: tuple[int, ...] = ()) -> None:
        """Fail on a traceback or an error line, except those that match `expected`."""
        troubles = list(self.troubles(expected, sum(since)))
        assert not troubles, "\n".join(troubles[:20]) + f"\n--- log ---\n{self.log()}"

    def troubles(self, expected: str = "", since: int = 0) -> Iterator[str]:
        """Return the lines of its log that nobody should ever read."""
        text = self.log_path.read_bytes()[since:].decode(errors="replace")
        for line in text.splitlines():
            if _TROUBLE.search(line) and not (expected and re.search(expected, line)):
                yield line

    def resident_bytes(self) -> int:
        fields = Path(f"/proc/{self.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    """Return a port nobody listens on, below the range of outgoing connections.

    A client that tries to reach a port of that range while its server restarts may be given the
    very same port as its own, and then it talks to itself. No port is returned twice, and none of
    those that benchmarks take.
    """
    for port in random.sample(range(20_000, 26_000), 100):
        if port in _promised:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            _promised.add(port)
            return port
    raise AssertionError("no free port below 26000")
