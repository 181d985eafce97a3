"""Everything in one process, started and ended inside the test's own."""

import os
import socket
import threading
from pathlib import Path

import pytest
import trio

from fh.edge.door import listen
from fh.roles.party_server import PartyServer
from fh.roles.settings import PartyServerSettings

pytestmark = pytest.mark.postgres

START_SECONDS = 60
STOP_SECONDS = 15


def party_server(data_directory: Path, host: str = "127.0.0.1") -> PartyServer:
    settings = PartyServerSettings(
        port=0, host=host, data_directory=data_directory, grace_seconds=0
    )
    return PartyServer(settings, listen(settings.host, settings.port, settings.edge()))


async def ask(port: int, path: str) -> tuple[int, bytes]:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        await stream.send_all(
            f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join([piece async for piece in stream])
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


def children() -> set[int]:
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


def sockets() -> set[str]:
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = descriptor.readlink()
        except FileNotFoundError:
            continue  # the one that lists the directory
        if str(target).startswith("socket:"):
            found.add(str(target))
    return found


def side_threads() -> set[threading.Thread]:
    # trio keeps its idle worker threads for a while; they hold nothing.
    return {each for each in threading.enumerate() if not each.name.startswith("Trio thread")}


async def test_it_serves_and_leaves_nothing_behind(tmp_path: Path) -> None:
    await trio.to_thread.run_sync(int)  # trio's own sockets and threads are there from now on
    before = children(), sockets(), side_threads()
    server = party_server(tmp_path)
    async with trio.open_nursery() as nursery:
        with trio.fail_after(START_SECONDS):
            await nursery.start(server.run)
            status, body = await ask(server.port, "/health/readiness")
            assert (status, body) == (200, b'{"checks":{"edge":true,"database":true}}')
            assert (await ask(server.port, "/health/liveness"))[0] == 200
        assert children() > before[0]
        nursery.cancel_scope.deadline = trio.current_time() + STOP_SECONDS
        server.stop()
    assert not nursery.cancel_scope.cancelled_caught
    assert (children(), sockets(), side_threads()) == before


async def test_a_cancelled_server_leaves_nothing_behind_either(tmp_path: Path) -> None:
    await trio.to_thread.run_sync(int)
    before = children(), sockets(), side_threads()
    server = party_server(tmp_path)
    with trio.fail_after(START_SECONDS):
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run)
            nursery.cancel_scope.cancel()
    assert (children(), sockets(), side_threads()) == before


async def test_a_server_that_can_not_start_gives_its_port_back(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    server = party_server(blocked)
    port = server.port
    with trio.fail_after(START_SECONDS), pytest.RaisesGroup(Exception, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run)
    with socket.create_server(("127.0.0.1", port)) as again:
        assert again.getsockname()[1] == port
