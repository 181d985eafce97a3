"""One Edge worker as its parent holds on to it: the process, the link, and what it hands over.

The process is tied to its parent by the link and by nothing else: a parent that dies, however it
dies, closes it, and the worker says goodbye to its streams and ends. A death signal would leave it
no time for that.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog
import trio
from msgspec import Raw

from fh.contracts.truth import TruthSource
from fh.contracts.updates import FeatureUpdates
from fh.edge.hand_over import open_channel, take_over
from fh.edge.life import TakeAway
from fh.edge.link import Begin, encode_frame
from fh.edge.link_parent import LinkLimits, ParentLink
from fh.edge.orders import Standing
from fh.errors import FeatureHubError
from fh.roles.edge_worker import WorkerSettings

log = structlog.get_logger()

_INHERITED: Final = frozenset({"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV"})
_INHERITED_PREFIXES: Final = ("LC_", "LD_", "PYTHON", "MALLOC_", "COVERAGE_")
_KILLED_SECONDS: Final = 5.0
_LAST_CONNECTIONS_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.01


class WorkerEnded(FeatureHubError):
    """A worker ended that nobody had told to."""


class WorkerNotReady(FeatureHubError):
    """A worker took too long to start."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What workers need of their parent; `take_…` receive the connections that Edge can't serve.

    `standing` returns what operators want of whoever begins.
    """

    truth: TruthSource
    updates: FeatureUpdates
    take_elsewhere: TakeAway
    take_other_protocol: TakeAway
    standing: Callable[[], Standing] = Standing


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a worker may take to start, and to end when it is told to."""

    start_seconds: float
    end_seconds: float


class WorkerProcess:
    """One process, from its start to its end. `run` it, or `discard` it.

    Attributes:
        link: The parent's end of the link.
        pid: Its process id.
    """

    def __init__(
        self, settings: WorkerSettings, surroundings: Surroundings, limits: LinkLimits
    ) -> None:
        """Start the process."""
        parent_end, worker_end = socket.socketpair()
        channel, worker_channel = open_channel()
        with worker_end, worker_channel:
            try:
                self._process = _start(worker_end.fileno(), worker_channel.fileno())
            except BaseException:
                parent_end.close()
                channel.close()
                raise
        self._surroundings = surroundings
        self._channel = trio.socket.from_stdlib_socket(channel)
        self._stream = trio.SocketStream(trio.socket.from_stdlib_socket(parent_end))
        self._drained = trio.Event()
        self.pid = self._process.pid
        self.link = ParentLink(self._stream, surroundings.truth, surroundings.updates, limits)
        self.link.order(encode_frame(Begin(Raw(msgspec.json.encode(settings)))))
        self.link.order(encode_frame(surroundings.standing()))

    @property
    def is_serving(self) -> bool:
        """Whether it takes connections, as far as anybody knows."""
        is_told_to = self.link.ready.is_set() and not self._drained.is_set()
        return is_told_to and self._process.poll() is None

    async def run(self, patience: Patience, *, task_status: trio.TaskStatus[None]) -> None:
        """Return when the process has ended after `drain`; it never outlives this call.

        Raises:
            WorkerEnded: it ended by itself.
            WorkerNotReady: it never took connections.
            WorkerSilent, LinkFault: it went wrong, and was killed.
        """
        failure: FeatureHubError | None = None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._take_over)
                failure = await self._live(patience, task_status)
                await self._kill()
                # What it handed over before it ended is still to be taken.
                nursery.cancel_scope.deadline = trio.current_time() + _LAST_CONNECTIONS_SECONDS
        finally:
            await self.discard()
        if failure is not None:
            raise failure

    def drain(self) -> None:
        """Have the worker say goodbye to its streams and end."""
        if not self._drained.is_set():
            self._drained.set()
            self.link.drain()

    async def discard(self) -> None:
        """End the process now, if it has not ended, and let go of all that was its."""
        with trio.CancelScope(shield=True):
            await self._kill()
            self._channel.close()
            await trio.aclose_forcefully(self._stream)

    # A life -----------------------------------------------------------------------------------

    async def _live(
        self, patience: Patience, task_status: trio.TaskStatus[None]
    ) -> FeatureHubError | None:
        """Return what went wrong, if anything did."""
        failure: FeatureHubError | None = None
        async with trio.open_nursery() as nursery:

            async def watch_start() -> None:
                nonlocal failure
                with trio.move_on_after(patience.start_seconds):
                    await self.link.ready.wait()
                    task_status.started()
                    return
                failure = WorkerNotReady(f"not ready after {patience.start_seconds:g} s")
                nursery.cancel_scope.cancel()

            async def watch_end() -> None:
                await self._drained.wait()
                await trio.sleep(patience.end_seconds)
                log.warning("edge_worker_killed", pid=self.pid, seconds=patience.end_seconds)
                nursery.cancel_scope.cancel()

            nursery.start_soon(watch_start)
            nursery.start_soon(watch_end)
            try:
                await self.link.run()
                failure = await self._ended(patience.end_seconds)
            except FeatureHubError as fault:
                failure = fault
            nursery.cancel_scope.cancel()
        return failure

    async def _ended(self, end_seconds: float) -> WorkerEnded | None:
        """Return why the process ended, after its end of the link was closed."""
        with trio.move_on_after(end_seconds):
            status = await self._wait_exit()
            if self._drained.is_set():
                return None
            by = f"exit status {status}"
            return WorkerEnded(f"killed by {signal.Signals(-status).name}" if status < 0 else by)
        return WorkerEnded("it closed the link, but did not end")

    async def _kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        with trio.move_on_after(_KILLED_SECONDS):
            await self._wait_exit()
            return
        log.error("edge_worker_unkillable", pid=self.pid)

    async def _wait_exit(self) -> int:
        # Only ever called when the end is near.
        while (status := self._process.poll()) is None:  # noqa: ASYNC110  nothing else tells on every kernel
            await trio.sleep(_POLL_SECONDS)
        return status

    async def _take_over(self) -> None:
        surroundings = self._surroundings
        await take_over(
            self._channel, surroundings.take_elsewhere, surroundings.take_other_protocol
        )


def environment_for_worker(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a worker inherits of `environ`: how to find programs, and no secrets."""
    return {
        name: text
        for name, text in environ.items()
        # Unbuffered, a log line would leave in two parts, with others' lines between them.
        if (name in _INHERITED or name.startswith(_INHERITED_PREFIXES))
        and name != "PYTHONUNBUFFERED"
    }


def _start(link: int, channel: int) -> "subprocess.Popen[bytes]":
    # Without -P whatever lies in the working directory could be taken for one of our libraries.
    # A group of its own: what a terminal sends to us is for us to pass on.
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-P", "-m", "fh.roles.edge_worker", str(link), str(channel)],
        pass_fds=(link, channel),
        stdin=subprocess.DEVNULL,
        env=environment_for_worker(os.environ),
        process_group=0,
    )
