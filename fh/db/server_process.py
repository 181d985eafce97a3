"""The postgres process: started, watched, stopped, and what is left of an earlier one."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import structlog
import trio

from fh.db.errors import EmbeddedServerFailed

log = structlog.get_logger()

_POLL_SECONDS = 0.004
_SLOW_POLL_SECONDS = 0.05
_SLOW_SECONDS = 5.0  # a start that takes longer replays its log after a crash
_ORPHAN_PATIENCE_SECONDS = 3.0  # an orphan normally stops by itself
_ORPHAN_SECONDS = 30.0
# Fast stop with a checkpoint; immediate stop, recovery at the next start; and by force. PostgreSQL
# 18 may never finish a fast stop that arrives while it recovers from a crash: the bound is real.
_STOPS = ((signal.SIGINT, 8.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 3.0))
_READY_LINE = 7


class ServerProcess:
    """One running postgres."""

    def __init__(self, process: "subprocess.Popen[bytes]", pid_file: Path) -> None:
        self._process = process
        self._pid_file = pid_file

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait until it has ended; return its status, or minus the signal."""
        if self._process.poll() is None and hasattr(os, "pidfd_open"):
            await _wait_for_exit(self._process.pid)
        # Below only for a Python that was built for older kernels.
        while self._process.poll() is None:  # noqa: ASYNC110 - nothing else tells
            await trio.sleep(_SLOW_POLL_SECONDS)
        return self._process.wait()

    async def wait_ready(self) -> bool:
        """Wait until it takes connections and return True, or False when it has ended."""
        slow_at = trio.current_time() + _SLOW_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None:
                return False
            if trio.current_time() > slow_at:
                log.warning("embedded_postgres_recovering", log=str(self._pid_file.parent.parent))
                slow_at = float("inf")
            await trio.sleep(_POLL_SECONDS)
        return True

    async def stop(self) -> None:
        """End it, as gently as it lets us, within a quarter of a minute."""
        for number, seconds in _STOPS:
            if self._process.poll() is not None:
                return
            self._process.send_signal(number)
            with trio.move_on_after(seconds):
                await self.wait()
                return
            log.warning("embedded_postgres_ignored_signal", signal=number.name)

    def _is_ready(self) -> bool:
        """Read what the server writes for pg_ctl."""
        try:
            lines = self._pid_file.read_text().splitlines()
        except FileNotFoundError:
            return False
        return (
            len(lines) > _READY_LINE
            and lines[0].strip() == str(self._process.pid)
            and lines[_READY_LINE].strip() == "ready"
        )


def start_process(
    command: Sequence[str],
    *,
    pid_file: Path,
    log_file: Path,
    environment: dict[str, str],
    options: dict[str, object],
) -> ServerProcess:
    """Start postgres. Call it on the thread that lives as long as the server shall.

    The server is told to stop when the *thread* that started it ends, which is why no worker
    thread may do this. It gets a session of its own: Ctrl-C is for us, we stop it when we are
    done with it.
    """
    with log_file.open("ab") as output:
        process = subprocess.Popen(  # type: ignore[call-overload]  # the options' types vary # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd="/",
            start_new_session=True,
            **options,
        )
    return ServerProcess(process, pid_file)


async def wait_for_orphans(cluster: Path, pid_file: Path) -> None:
    """Wait until no server process of an earlier run is alive, and remove its traces.

    Only call it while holding the directory's lock: then such processes have no owner. Their pid
    file must go, for a new process may have got that pid, and postgres would refuse to start.

    Raises:
        EmbeddedServerFailed: they do not end.
    """
    if _pid_in(pid_file) is None:
        return
    began = trio.current_time()
    asked = False
    while orphans := _server_processes(cluster):
        waited = trio.current_time() - began
        if waited > _ORPHAN_SECONDS:
            raise EmbeddedServerFailed(
                f"a PostgreSQL of an earlier run still uses {cluster} and does not end: "
                f"processes {', '.join(map(str, orphans))}"
            )
        if not asked and waited > _ORPHAN_PATIENCE_SECONDS:
            asked = True
            for pid in orphans:
                if _pid_in(pid_file) == pid:
                    log.warning("embedded_postgres_orphan_stopped", pid=pid)
                    os.kill(pid, signal.SIGINT)
        await trio.sleep(_POLL_SECONDS)
    _forget(pid_file)


def _server_processes(cluster: Path) -> list[int]:
    """Return the pids of postgres processes at work in `cluster`: each one's directory is that."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            process = Path(entry.path)
            try:
                if (process / "comm").read_text().strip() != "postgres":
                    continue
                if (process / "cwd").readlink() == cluster:
                    found.append(int(entry.name))
            except OSError:  # ended meanwhile, or of another user
                continue
    return found


def _forget(pid_file: Path) -> None:
    pid_file.unlink(missing_ok=True)  # one that ended properly took it along


def _pid_in(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


async def _wait_for_exit(pid: int) -> None:
    descriptor = os.pidfd_open(pid)
    try:
        await trio.lowlevel.wait_readable(descriptor)
    finally:
        trio.lowlevel.notify_closing(descriptor)
        os.close(descriptor)
