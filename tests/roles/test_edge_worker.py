"""One worker process: what it needs, what it serves, and how it ends."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
import trio
from msgspec import Raw

from fh.dacha.settings import DachaSettings
from fh.edge.door import listen, reserve
from fh.edge.hand_over import open_channel, take_over
from fh.edge.link import Begin, encode_delivery, encode_frame
from fh.edge.link_parent import LinkLimits, ParentLink
from fh.edge.settings import EdgeSettings
from fh.roles.edge_worker import WorkerSettings, own_dacha
from tests.dacha.world import change, feature, features_published
from tests.edge.edge_under_test import Client
from tests.roles.workers_world import (
    CLIENT_KEY,
    SERVER_KEY,
    START_SECONDS,
    WAIT_SECONDS,
    Updates,
    known_source,
    new_dacha,
)

# Runs the worker as its command does, and says at the end what was imported for that.
TELLING = """
import atexit, sys
from pathlib import Path
atexit.register(lambda: Path({path!r}).write_text("\\n".join(sys.modules)))
from fh.roles.edge_worker import main
sys.exit(main(sys.argv[1:]))
"""


# structlog looks at asyncio when it is imported; whoever used it would find nothing in this one.
WITHOUT_ASYNCIO = """
import sys
sys.modules["asyncio"] = type(sys)("asyncio")
import fh.roles.edge_worker
print(*(name for name in sys.modules if name.startswith("asyncio.")))
"""


class Lone:
    """A worker process, and a parent in the test that does no more than it must."""

    def __init__(self, process: subprocess.Popen[bytes], link: ParentLink, port: int) -> None:
        self.process = process
        self.link = link
        self.port = port
        self.updates = Updates()
        self.elsewhere: list[tuple[socket.socket, bytes]] = []
        self.other: list[tuple[socket.socket, bytes]] = []

    async def connect(self) -> Client:
        with trio.fail_after(WAIT_SECONDS):
            return Client(await trio.open_tcp_stream("127.0.0.1", self.port))

    async def request(self, text: str) -> Client:
        client = await self.connect()
        await client.send(text.replace("\n", "\r\n").encode())
        return client

    async def open_stream(self) -> Client:
        client = await self.request(
            f"GET /features/{SERVER_KEY.environment_id}/{SERVER_KEY.secret} HTTP/1.1\n"
            "Host: x\naccept: text/event-stream\n\n"
        )
        await client.until(b"\r\n\r\n")
        assert (await client.event())[0] == "ack"
        assert (await client.event())[0] == "features"
        return client

    async def ended(self) -> int:
        with trio.fail_after(WAIT_SECONDS):
            return await trio.to_thread.run_sync(self.process.wait, WAIT_SECONDS)


@asynccontextmanager
async def lone_worker(
    command: tuple[str, ...] = ("-m", "fh.roles.edge_worker"), *, grace_seconds: float = 0
) -> AsyncIterator[Lone]:
    """Run a worker until the context ends; whatever is left of it then is killed."""
    reserved = reserve("127.0.0.1", 0)
    edge = EdgeSettings(drop_after_seconds=0, grace_seconds=grace_seconds)
    port = reserved.getsockname()[1]
    settings = WorkerSettings(7, "127.0.0.1", port, edge, DachaSettings(), "warning", "json")
    near, far = socket.socketpair()
    channel, far_channel = open_channel()
    with far, far_channel:
        inherited = far.fileno(), far_channel.fileno()
        process = subprocess.Popen(  # noqa: ASYNC220  a fork takes no longer elsewhere
            [sys.executable, "-P", *command, *map(str, inherited)],
            pass_fds=inherited,
            stdout=subprocess.PIPE,
        )
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(near))
    dacha = new_dacha(known_source())
    updates = Updates()
    link = ParentLink(stream, dacha.truth, updates, LinkLimits())
    link.order(encode_frame(Begin(Raw(msgspec.json.encode(settings)))))
    lone = Lone(process, link, port)
    lone.updates = updates
    try:
        with reserved, trio.socket.from_stdlib_socket(channel) as theirs:
            async with stream, trio.open_nursery() as nursery:
                await nursery.start(dacha.run)
                nursery.start_soon(link.run)
                nursery.start_soon(
                    take_over,
                    theirs,
                    lambda taken, data: lone.elsewhere.append((taken, data)),
                    lambda taken, data: lone.other.append((taken, data)),
                )
                with trio.fail_after(START_SECONDS):
                    await link.ready.wait()
                yield lone
                nursery.cancel_scope.cancel()
        await lone.ended()
    finally:
        process.kill()
        process.communicate()
        for taken, _ in (*lone.elsewhere, *lone.other):
            taken.close()


async def poll(worker: Lone) -> list[dict[str, object]]:
    client = await worker.request(
        f"GET /features?apiKey={CLIENT_KEY.environment_id}/{CLIENT_KEY.secret} HTTP/1.1\n"
        "Host: x\n\n"
    )
    status, _, body = await client.answer()
    await client.stream.aclose()
    assert status == 200
    [environment] = json.loads(body)
    return list(environment["features"])


async def write(worker: Lone) -> int:
    path = f"/features/{SERVER_KEY.environment_id}/{SERVER_KEY.secret}/feature-1"
    client = await worker.request(
        f'PUT {path} HTTP/1.1\nHost: x\nContent-Length: 14\n\n{{"lock": true}}'
    )
    status, _, _ = await client.answer()
    await client.stream.aclose()
    return status


async def test_it_serves_whatever_an_edge_serves_and_imports_no_more_than_that(tmp_path) -> None:
    told = tmp_path / "modules"
    async with lone_worker(("-c", TELLING.format(path=str(told)))) as worker:
        [feature_1] = await poll(worker)
        assert (feature_1["key"], feature_1["value"]) == ("feature-1", True)

        stream = await worker.open_stream()
        changed = features_published(change(feature(value_version=2, value=b"false")))
        worker.link.announce(encode_delivery(changed))
        name, _, data = await stream.event()
        assert (name, json.loads(data)["value"]) == ("feature", False)

        websocket = await worker.request(
            f"GET /features/ws/{SERVER_KEY.environment_id}/{SERVER_KEY.secret} HTTP/1.1\n"
            "Host: x\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n"
        )
        head = await websocket.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        await websocket.until(b'"event":"ack"')
        await websocket.until(b'"event":"features"')

        assert await write(worker) == 200
        [update] = worker.updates.submitted
        assert (update.feature_key, update.lock) == ("feature-1", True)

        ofrep = await worker.request(
            f"POST /ofrep/v1/evaluate/flags HTTP/1.1\nHost: x\n"
            f"X-API-Key: {SERVER_KEY.environment_id}/{SERVER_KEY.secret}\n"
            "Content-Type: application/json\nContent-Length: 2\n\n{}"
        )
        assert (await ofrep.answer())[0] == 200
        await stream.stream.aclose()
        await websocket.stream.aclose()
        await ofrep.stream.aclose()
        worker.link.drain()
        assert await worker.ended() == 0
    modules = told.read_text().splitlines()
    assert "fh.edge.websocket" in modules
    assert "fh.dacha.dacha" in modules
    forbidden = {
        "nats", "asyncpg", "uvloop", "quart", "quart_trio", "hypercorn", "anyio", "httpx2",
        "prometheus_client", "click", "cloudevents",
        "fh.aio", "fh.bus.nats", "fh.db", "fh.mr", "fh.cli", "fh.roles.party_server",
    }  # fmt: skip
    assert forbidden.isdisjoint(modules)


def test_asyncio_is_there_only_because_the_log_imports_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_ASYNCIO],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("", "")


async def test_what_it_can_t_serve_is_handed_over() -> None:
    async with lone_worker() as worker:
        request = "GET /mr-api/portfolio HTTP/1.1\nHost: x\n\n"
        client = await worker.request(request)
        await wait_for(worker.elsewhere)
        [(taken, data)] = worker.elsewhere
        assert data == request.replace("\n", "\r\n").encode()
        taken.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert b" 204 " in await client.until(b"\r\n\r\n")
        secret = await worker.connect()
        await secret.send(b"\x16\x03\x01\x02\x00")
        await wait_for(worker.other)
        assert worker.other[0][1] == b"\x16\x03\x01\x02\x00"
        await client.stream.aclose()
        await secret.stream.aclose()


async def wait_for(taken: list[tuple[socket.socket, bytes]]) -> None:
    with trio.fail_after(WAIT_SECONDS):
        while not taken:  # noqa: ASYNC110  nothing else tells
            await trio.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, None], ids=["sigterm", "told"])
async def test_it_says_goodbye_when_it_is_to_end(number: signal.Signals | None) -> None:
    async with lone_worker() as worker:
        stream = await worker.open_stream()
        if number is None:
            worker.link.drain()
        else:
            worker.process.send_signal(number)
        assert (await stream.event())[0] == "bye"
        assert (await stream.event())[0] == "end"
        assert await worker.ended() == 0
        with pytest.raises(OSError, match=r"."):
            await trio.open_tcp_stream("127.0.0.1", worker.port)
        await stream.stream.aclose()


async def test_ctrl_c_is_for_its_parent() -> None:
    async with lone_worker() as worker:
        worker.process.send_signal(signal.SIGINT)
        assert await poll(worker)
        assert worker.process.poll() is None


async def test_it_takes_no_connections_while_it_says_goodbye() -> None:
    async with lone_worker(grace_seconds=2) as worker:
        streams = [await worker.open_stream() for _ in range(3)]
        worker.link.drain()
        for stream in streams:
            assert (await stream.event())[0] == "bye"
        with pytest.raises(OSError, match=r"."):
            await trio.open_tcp_stream("127.0.0.1", worker.port)
        assert await worker.ended() == 0
        for stream in streams:
            await stream.stream.aclose()


async def test_it_ends_in_order_when_its_parent_is_gone() -> None:
    stream: Client
    async with lone_worker() as worker:
        stream = await worker.open_stream()
    # The context closed the link, as the death of a parent does, and waited for the end.
    assert worker.process.returncode == 0
    assert (await stream.event())[0] == "bye"
    await stream.stream.aclose()


async def test_a_parent_that_makes_no_sense_is_left_in_order() -> None:
    async with lone_worker() as worker:
        stream = await worker.open_stream()
        worker.link.order(b"\0\0\0\x02{}")
        assert (await stream.event())[0] == "bye"
        assert await worker.ended() == 1
        await stream.stream.aclose()
        assert worker.process.stdout is not None
        [line] = worker.process.stdout.read().splitlines()
        assert json.loads(line)["event"] == "parent_not_understood"


def alone(*sockets: socket.socket) -> subprocess.Popen[bytes]:
    inherited = [each.fileno() for each in sockets]
    return subprocess.Popen(
        [sys.executable, "-m", "fh.roles.edge_worker", *map(str, inherited)],
        pass_fds=inherited,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_without_a_first_word_it_ends_silently() -> None:
    near, far = socket.socketpair()
    channel, far_channel = open_channel()
    with channel, far_channel, far:
        process = alone(far, far_channel)
    near.close()
    assert process.communicate(timeout=START_SECONDS) == (b"", b"")
    assert process.returncode == 0


def test_a_port_that_somebody_else_has_is_told() -> None:
    near, far = socket.socketpair()
    channel, far_channel = open_channel()
    with near, channel, listen("127.0.0.1", 0, EdgeSettings()) as taken:
        port = taken.getsockname()[1]
        settings = WorkerSettings(
            3, "127.0.0.1", port, EdgeSettings(), DachaSettings(), "info", "json"
        )
        with far, far_channel:
            process = alone(far, far_channel)
        near.sendall(encode_frame(Begin(Raw(msgspec.json.encode(settings)))))
        out, err = process.communicate(timeout=START_SECONDS)
    assert (process.returncode, err) == (1, b"")
    line = json.loads(out.splitlines()[-1])
    assert (line["event"], line["level"]) == ("edge_worker_failed", "error")
    assert f"port {port} is in use" in line["reason"]


def test_its_settings_survive_the_way() -> None:
    settings = WorkerSettings(
        1,
        "::1",
        8085,
        EdgeSettings(plain_paths=frozenset({"/a", "/b"}), cors_allow_headers=("x-a",)),
        DachaSettings(views=3),
        "info",
        "auto",
    )
    text = msgspec.json.encode(settings)
    assert msgspec.json.decode(text, type=WorkerSettings) == settings


def test_its_dacha_keeps_only_what_is_asked_for_here() -> None:
    assert own_dacha(DachaSettings(cache_all_updates=True, views=3)).cache_all_updates is False
    assert own_dacha(DachaSettings(views=3)).views == 3


def test_a_worker_waits_longer_for_its_parent_than_the_parent_for_an_answer() -> None:
    settings = DachaSettings()
    assert own_dacha(settings).load_seconds > 2 * settings.load_seconds
