"""A real NATS server for tests: started, killed, frozen, started again on its port."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_LOOK_SECONDS = 0.005


def find_binary() -> str | None:
    """Return the server to use: `FH_NATS_BIN`, the one installed with the tests, any other."""
    beside = Path(sys.executable).with_name("nats-server")
    for candidate in (os.environ.get("FH_NATS_BIN"), str(beside), "nats-server"):
        if candidate and (found := shutil.which(candidate)):
            return found
    return None


class NatsServer:
    """One server process on 127.0.0.1, and its port for as long as it is needed.

    `options` are of its command line; `config` is the text of a configuration file.
    """

    def __init__(self, binary: str, directory: Path, *options: str, config: str = "") -> None:
        self._binary = binary
        self._directory = directory
        self._options = options
        self._config = config
        self._log = directory / "nats.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def cluster_port(self) -> int:
        """The port for servers that want to join."""
        return self._announced_port("cluster")

    def log(self) -> str:
        """Return what it has written so far."""
        return self._log.read_text()

    def start(self) -> None:
        """Start, on the port of last time if there was one; return when clients can connect."""
        command = [self._binary, "-a", "127.0.0.1", "-p", str(self.port or -1)]
        command += ["--ports_file_dir", str(self._directory), *self._options]
        if self._config:
            file = self._directory / "nats.conf"
            file.write_text(self._config, encoding="utf-8")
            command += ["-c", str(file)]
        if setpriv := shutil.which("setpriv"):  # it must not outlive a killed test
            command = [setpriv, "--pdeathsig", "KILL", *command]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start: {self.log()[-2000:]}")
            time.sleep(_LOOK_SECONDS)

    def kill(self) -> None:
        """End it without a goodbye."""
        self._signal(signal.SIGKILL)
        self._wait()

    def stop(self) -> None:
        """End it in order; do nothing if it has ended."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._wait()
            except subprocess.TimeoutExpired:
                self.kill()
                raise

    def freeze(self) -> None:
        """Have it keep its connections and do nothing."""
        self._signal(signal.SIGSTOP)
        assert self._process is not None
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)  # all of its threads

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def reload(self) -> None:
        """Have it read its configuration again."""
        self._signal(signal.SIGHUP)

    def leave_slowly(self) -> None:
        """Have it ask its clients to go elsewhere, and end when they have."""
        self._signal(signal.SIGUSR2)

    def _is_up(self) -> bool:
        if not self.port:
            self.port = self._announced_port("nats")
        if not self.port:
            return False
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False

    def _announced_port(self, kind: str) -> int:
        for file in self._directory.glob("*.ports"):
            try:
                urls = json.loads(file.read_text())[kind]
            except (ValueError, KeyError):
                continue  # it is being written
            return int(urls[0].rpartition(":")[2])
        return 0

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _wait(self) -> None:
        assert self._process is not None
        self._process.wait(timeout=_STOP_SECONDS)
        for file in self._directory.glob("*.ports"):  # a killed one leaves it behind
            file.unlink()


@contextmanager
def running_server(directory: Path, *options: str, config: str = "") -> Iterator[NatsServer]:
    """Run a server in `directory` as long as the context lasts; it may be killed meanwhile."""
    binary = find_binary()
    if binary is None:
        raise RuntimeError("there is no nats-server: install the extra `dev` or set FH_NATS_BIN")
    server = NatsServer(binary, directory, *options, config=config)
    server.start()
    try:
        yield server
    finally:
        server.stop()
