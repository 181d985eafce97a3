"""One process in its parent's hands: how it starts, and that it ends in every case."""

import select
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from structlog.testing import capture_logs

from fh.dacha.settings import DachaSettings
from fh.edge.door import reserve
from fh.edge.link import LinkFault
from fh.edge.link_parent import LinkLimits
from fh.edge.settings import EdgeSettings
from fh.roles.edge_worker import WorkerSettings
from fh.roles.worker_process import (
    Patience,
    Surroundings,
    WorkerEnded,
    WorkerProcess,
    environment_for_worker,
)
from tests.roles.workers_world import (
    START_SECONDS,
    WAIT_SECONDS,
    Updates,
    is_alive,
    kill,
    known_source,
    new_dacha,
)


class Running:
    """A process, and what became of it."""

    def __init__(self, port: int, end_seconds: float) -> None:
        dacha = new_dacha(known_source())
        settings = WorkerSettings(
            0, "127.0.0.1", port, EdgeSettings(grace_seconds=0), DachaSettings(), "error", "json"
        )
        self.port = port
        self._patience = Patience(START_SECONDS, end_seconds)
        self.taken: list[tuple[socket.socket, bytes]] = []
        surroundings = Surroundings(
            dacha.truth,
            Updates(),
            lambda taken, data: self.taken.append((taken, data)),
            lambda taken, data: self.taken.append((taken, data)),
        )
        self.process = WorkerProcess(settings, surroundings, LinkLimits())
        self.failure: Exception | None = None
        self._ended = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        try:
            await self.process.run(self._patience, task_status=task_status)
        except (WorkerEnded, LinkFault) as failure:
            self.failure = failure
        self._ended.set()

    async def ended(self) -> Exception | None:
        with trio.fail_after(WAIT_SECONDS):
            await self._ended.wait()
        assert not is_alive(self.process.pid)
        assert not self.process.is_serving
        return self.failure


@asynccontextmanager
async def running(*, end_seconds: float = WAIT_SECONDS) -> AsyncIterator[Running]:
    with reserve("127.0.0.1", 0) as reserved:
        running = Running(reserved.getsockname()[1], end_seconds)
        async with trio.open_nursery() as nursery:
            with trio.fail_after(START_SECONDS):
                await nursery.start(running.run)
            assert running.process.is_serving
            yield running
            nursery.cancel_scope.cancel()
    assert not is_alive(running.process.pid)
    for taken, _ in running.taken:
        taken.close()


async def test_told_to_end_it_ends_and_nothing_went_wrong() -> None:
    async with running() as worker:
        worker.process.drain()
        worker.process.drain()
        assert not worker.process.is_serving
        assert await worker.ended() is None


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGKILL, "killed by SIGKILL"), (signal.SIGTERM, "exit status 0")],
    ids=["kill", "term"],
)
async def test_the_end_of_a_process_that_nobody_told_to_is_a_failure(
    number: signal.Signals, reason: str
) -> None:
    async with running() as worker:
        kill(worker.process.pid, number)
        failure = await worker.ended()
        assert isinstance(failure, WorkerEnded)
        assert str(failure) == reason


async def test_one_that_does_not_end_in_time_is_killed() -> None:
    async with running(end_seconds=0.5) as worker:
        kill(worker.process.pid, signal.SIGSTOP)
        with capture_logs() as logs:
            worker.process.drain()
            assert await worker.ended() is None
        assert [each["event"] for each in logs] == ["edge_worker_killed"]


async def test_one_that_says_what_nobody_says_is_killed() -> None:
    async with running() as worker:
        # As if the worker had said it: the parent's end reads what its own end is sent.
        list(worker.process.link._reader.receive(b"\0\0\0"))
        assert isinstance(await worker.ended(), LinkFault)


async def test_connections_handed_over_just_before_its_end_are_not_lost() -> None:
    async with running() as worker:
        with socket.create_connection(("127.0.0.1", worker.port)) as client:
            client.settimeout(5)
            client.sendall(b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n")
            # Nothing of this process runs until the worker is dead.
            channel = worker.process._channel.fileno()
            assert select.select([channel], [], [], WAIT_SECONDS)[0] == [channel]
            kill(worker.process.pid)
            assert isinstance(await worker.ended(), WorkerEnded)
            [(taken, data)] = worker.taken
            assert data.startswith(b"GET /elsewhere ")
            taken.sendall(b"here")
            assert client.recv(10) == b"here"


def test_a_worker_inherits_how_to_find_programs_and_no_secrets() -> None:
    environ = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "PYTHONPATH": "/x",
        "PYTHONUNBUFFERED": "1",
        "DB_PASSWORD": "hunter2",
        "db.password": "hunter2",
        "AWS_SECRET_ACCESS_KEY": "hunter2",
    }
    assert environment_for_worker(environ) == {"PATH": "/bin", "LC_ALL": "C", "PYTHONPATH": "/x"}
