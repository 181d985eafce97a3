"""Everything in one process, started and ended inside the test's own."""

import contextlib
import socket
import threading
from pathlib import Path

import msgspec
import pytest
import trio

from fh.actors.errors import ChildStartFailed
from fh.edge.door import listen
from fh.roles.party_server import build_party_server
from fh.roles.role import Role
from fh.roles.settings.roles import PartyServerSettings

pytestmark = pytest.mark.postgres

START_SECONDS = 60
STOP_SECONDS = 15


def party_server(data_directory: Path, host: str = "127.0.0.1") -> Role:
    settings = PartyServerSettings(
        port=0, host=host, data_directory=data_directory, grace_seconds=0
    )
    return build_party_server(settings, listen(settings.host, settings.port, settings.edge()))


async def ask(port: int, path: str) -> tuple[int, bytes]:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        await stream.send_all(
            f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join([piece async for piece in stream])
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


def belongings() -> set[str]:
    """Return what this process holds: child processes, sockets, threads."""
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended
            found |= {f"child {pid}" for pid in (task / "children").read_text().split()}
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the descriptor that lists the directory
            target = str(descriptor.readlink())
            if target.startswith("socket:"):
                found.add(target)
    # trio keeps its idle worker threads for a while; they hold nothing.
    names = (thread.name for thread in threading.enumerate())
    return found | {f"thread {name}" for name in names if not name.startswith("Trio thread")}


async def nothing_is_left_since(before: set[str]) -> None:
    """Wait for it: servers of other tests run in threads of this process, and hold things, too."""
    with trio.move_on_after(STOP_SECONDS):
        while belongings() - before:  # noqa: ASYNC110  nothing else tells
            await trio.sleep(0.01)
    assert belongings() - before == set()


async def test_it_serves_and_leaves_nothing_behind(tmp_path: Path) -> None:
    await trio.to_thread.run_sync(int)  # trio's own sockets and threads are there from now on
    before = belongings()
    server = party_server(tmp_path)
    async with trio.open_nursery() as nursery:
        with trio.fail_after(START_SECONDS):
            await nursery.start(server.run)
            status, body = await ask(server.port, "/health/readiness")
            assert status == 200
            assert msgspec.json.decode(body) == {
                "checks": {"edge": True, "lets_streams_in": True, "database": True}
            }
            assert (await ask(server.port, "/health/liveness"))[0] == 200
            status, metrics = await ask(server.port, "/metrics")
            assert status == 200
            assert b"\nedge_sse_active_connections 0.0\n" in metrics
            assert b"\nedge_accepted_total 3.0\n" in metrics
            assert b"\ndacha2_environment_cache_size 0.0\n" in metrics
            assert b"\nedge_patterns_cut_off_total 0.0\n" in metrics
        assert belongings() - before != set()
        nursery.cancel_scope.deadline = trio.current_time() + STOP_SECONDS
        server.stop()
    assert not nursery.cancel_scope.cancelled_caught
    await nothing_is_left_since(before)


async def test_a_cancelled_server_leaves_nothing_behind_either(tmp_path: Path) -> None:
    await trio.to_thread.run_sync(int)
    before = belongings()
    server = party_server(tmp_path)
    with trio.fail_after(START_SECONDS):
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run)
            nursery.cancel_scope.cancel()
    await nothing_is_left_since(before)


async def test_a_server_that_can_not_start_gives_its_port_back(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    server = party_server(blocked)
    port = server.port
    with trio.fail_after(START_SECONDS), pytest.RaisesGroup(ChildStartFailed):
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run)
    with socket.create_server(("127.0.0.1", port)) as again:
        assert again.getsockname()[1] == port
