"""A parent of Edge workers inside the test: a bus and a Dacha in memory, over a fake MR."""

import contextlib
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import trio

from fh.bus.memory import MemoryBus
from fh.contracts.updates import StreamedFeatureUpdate
from fh.dacha.dacha import Dacha
from fh.dacha.settings import DachaSettings
from fh.edge.door import reserve
from fh.edge.edge import Edge
from fh.edge.life import TakeAway
from fh.edge.settings import EdgeSettings
from fh.errors import Unavailable
from fh.model.sdk_key import SdkKey
from fh.roles.edges import EveryEdge
from fh.roles.worker_process import Surroundings
from fh.roles.workers import Workers, WorkersSettings
from tests.dacha.world import (
    CLIENT,
    SERVER,
    STAGING,
    FakeSource,
    account,
    change,
    environment,
    feature,
    features_published,
)
from tests.edge.edge_under_test import Client

START_SECONDS = 60
WAIT_SECONDS = 20
ROLES = ("READ", "LOCK", "UNLOCK", "CHANGE_VALUE")
SERVER_KEY = SdkKey(STAGING, SERVER)
CLIENT_KEY = SdkKey(STAGING, CLIENT)


async def eventually(condition: Callable[[], object], *, seconds: float = WAIT_SECONDS) -> None:
    """Return when `condition` holds: what it is about happens in another process."""
    with trio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110  nothing else tells
            await trio.sleep(0.01)


@dataclass
class Updates:
    """What SDKs wrote, and what becomes of it."""

    submitted: list[StreamedFeatureUpdate] = field(default_factory=list)
    away: bool = False

    async def submit(self, update: StreamedFeatureUpdate) -> None:
        await trio.lowlevel.checkpoint()
        if self.away:
            raise Unavailable("MR is away")
        self.submitted.append(update)


def known_source(*features) -> FakeSource:
    permissions = ((STAGING, ROLES),)
    return FakeSource(
        environment(*(features or (feature(),))), accounts=[account(permissions=permissions)]
    )


@dataclass
class Parent:
    """What the tests ask of a parent and its workers."""

    workers: Workers
    dacha: Dacha
    bus: MemoryBus
    source: FakeSource
    updates: Updates
    edges: EveryEdge
    elsewhere: list[tuple[socket.socket, bytes]] = field(default_factory=list)
    other: list[tuple[socket.socket, bytes]] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    async def publish(self, *features) -> None:
        """Change features as MR does: the truth first, then the bus."""
        known = {each.feature.id: each for each in self.source.environments[STAGING].features}
        known |= {each.feature.id: each for each in features}
        self.source.environments[STAGING] = environment(*known.values())
        await self.bus.publish(features_published(*(change(each) for each in features)))

    async def connect(self) -> Client:
        with trio.fail_after(WAIT_SECONDS):
            client = Client(await trio.open_tcp_stream("127.0.0.1", self.workers.port))
        self.clients.append(client)
        return client

    async def request(self, text: str) -> Client:
        client = await self.connect()
        await client.send(text.replace("\n", "\r\n").encode())
        return client

    async def open_stream(self, key: SdkKey = SERVER_KEY) -> Client:
        """Return a stream whose head was read."""
        client = await self.request(
            f"GET /features/{key.environment_id}/{key.secret} HTTP/1.1\n"
            "Host: x\naccept: text/event-stream\n\n"
        )
        head = await client.until(b"\r\n\r\n", seconds=WAIT_SECONDS)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
        return client

    async def open_streams(self, count: int, key: SdkKey = SERVER_KEY) -> list[Client]:
        """Return that many streams, each with its first features read."""
        streams: list[Client] = []

        async def open_one() -> None:
            stream = await self.open_stream(key)
            assert (await stream.event())[0] == "ack"
            assert (await stream.event())[0] == "features"
            streams.append(stream)

        for start in range(0, count, 50):
            async with trio.open_nursery() as nursery:
                for _ in range(min(50, count - start)):
                    nursery.start_soon(open_one)
        return streams

    async def streams_on_every_worker(self) -> list[Client]:
        """Open streams until each worker has some; the system deals them out as it likes."""
        streams: list[Client] = []
        with trio.fail_after(WAIT_SECONDS):
            while not all(each.engine.streams for each in self.workers.each()):
                streams += await self.open_streams(8)
                await self.figures()
        return streams

    async def figures(self) -> None:
        """Wait until every worker has told what it counts by now."""
        told = [slot._process and slot._process.link.figures for slot in self.workers._slots]

        def all_are_new() -> bool:
            now = [slot._process and slot._process.link.figures for slot in self.workers._slots]
            return all(a is not b for a, b in zip(told, now, strict=True) if b is not None)

        await eventually(all_are_new)

    def pids(self) -> list[int]:
        return [each.pid for each in self.workers.each() if each.pid is not None]

    def workers_of(self, clients: Sequence[Client]) -> list[int]:
        """Return the process that serves each of some clients."""
        holders = {name: pid for pid in self.pids() for name in sockets_of(pid)}
        inodes = connections_to(self.workers.port)
        ports = [each.stream.socket.getsockname()[1] for each in clients]
        return [holders[f"socket:[{inodes[port]}]"] for port in ports]


async def all_ready(parent: Parent, *, without: int) -> None:
    """Wait until there are as many workers as ever, one process not among them."""
    await eventually(lambda: without not in parent.pids())
    await eventually(lambda: all(each.is_ready for each in parent.workers.each()))


def connections_to(port: int) -> dict[int, str]:
    """Return the inode of every socket connected to a port of this machine, by the client's."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        int(row[2].rpartition(":")[2], 16): row[9]
        for row in rows
        if row[3] == "01" and int(row[1].rpartition(":")[2], 16) == port
    }


def sockets_of(pid: int | str) -> set[str]:
    """Return the sockets that a process holds."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            target = str(descriptor.readlink())
            if target.startswith("socket:"):
                found.add(target)
    return found


def described(sockets: set[str]) -> dict[str, list[str]]:
    """Return what the system tells of each of some sockets."""
    tables = [Path(f"/proc/net/{name}").read_text().splitlines() for name in ("tcp", "unix")]
    lines = [line for table in tables for line in table]
    return {
        name: [line for line in lines if name.removeprefix("socket:[")[:-1] in line.split()]
        for name in sockets
    }


async def all_closed_since(before: set[str]) -> None:
    """Return once this process holds no socket that was not there `before`.

    Other tests' servers run in threads of this process, and may hold one for a moment.
    """
    with trio.move_on_after(WAIT_SECONDS):
        while sockets_of("self") - before:  # noqa: ASYNC110  nothing else tells
            await trio.sleep(0.01)
    assert not described(sockets_of("self") - before)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def new_dacha(source: FakeSource) -> Dacha:
    settings = DachaSettings(miss_jitter=0.0, reload_jitter_seconds=0.0)
    return Dacha(source, settings, jitter=Random(7))


@asynccontextmanager
async def parent_of_workers(
    source: FakeSource | None = None,
    *,
    count: int = 2,
    edge: dict | None = None,
    take: TakeAway | None = None,
    **settings,
) -> AsyncIterator[Parent]:
    """Run a parent and its workers; at the end they are told to end, and do."""
    chosen = replace(EdgeSettings(drop_after_seconds=0, grace_seconds=0), **(edge or {}))
    source = source or known_source()
    dacha = new_dacha(source)
    bus = MemoryBus()
    updates = Updates()
    bus.work(updates.submit)
    bus.subscribe("dacha", dacha.on_delivery)
    workers_settings = WorkersSettings(
        count=count,
        host="127.0.0.1",
        edge=chosen,
        dacha=DachaSettings(),
        log_level="warning",
        log_format="json",
        start_seconds=START_SECONDS,
    )
    parent: Parent
    # It serves nothing: there is no door to it.
    edge = Edge(dacha.lookup, updates, chosen, lambda taken, _: taken.close())
    surroundings = Surroundings(
        truth=dacha.truth,
        updates=bus,
        take_elsewhere=take or (lambda taken, data: parent.elsewhere.append((taken, data))),
        take_other_protocol=lambda taken, data: parent.other.append((taken, data)),
        standing=edge.orders.standing,
    )
    workers = Workers(reserve("127.0.0.1", 0), replace(workers_settings, **settings), surroundings)
    bus.subscribe("workers", workers.on_delivery)
    dacha.follow("workers", workers.on_delivery)
    parent = Parent(workers, dacha, bus, source, updates, EveryEdge(edge, workers))
    pids: list[int] = []
    with closing(workers):
        async with trio.open_nursery() as nursery:
            await nursery.start(dacha.run)
            with trio.fail_after(START_SECONDS):
                await nursery.start(workers.run)
            try:
                yield parent
            finally:
                pids = parent.pids()
                for client in parent.clients:
                    client.stream.socket.close()
                for taken, _ in (*parent.elsewhere, *parent.other):
                    taken.close()
                workers.drain()
                dacha.stop()
                # Whoever does not end by itself is cancelled, and the test fails with what it says.
                nursery.cancel_scope.deadline = trio.current_time() + WAIT_SECONDS
    assert not nursery.cancel_scope.cancelled_caught
    assert [pid for pid in pids if is_alive(pid)] == []


async def versions_heard(client: Client) -> tuple[str, int]:
    name, _, data = await client.event()
    return name, json.loads(data).get("version", 0)


async def ends_with_goodbye(client: Client) -> None:
    """Read on to the end, which has to be a goodbye."""
    names = []
    with trio.fail_after(WAIT_SECONDS):
        while (name := (await client.event())[0]) != "end":
            names.append(name)
    assert names[-1] == "bye", names


def of(pid: int, parent: Parent, streams: list[Client]) -> list[Client]:
    """Return the streams that one worker serves."""
    owners = parent.workers_of(streams)
    return [each for each, owner in zip(streams, owners, strict=True) if owner == pid]


async def events_until(client: Client, *wanted: tuple[str, int]) -> set[tuple[str, str]]:
    """Read until every feature in `wanted` was told at that version; return what was told."""
    heard: set[tuple[str, str]] = set()
    missing = set(wanted)
    with trio.fail_after(WAIT_SECONDS):
        while missing:
            name, _, data = await client.event()
            state = json.loads(data)
            heard.add((name, state["key"]))
            missing.discard((state["key"], state.get("version", 0)))
    return heard


async def polled(parent: Parent) -> tuple[int, dict[str, object]]:
    """Return the status of a poll, and the values in it."""
    client = await parent.request(
        f"GET /features?apiKey={CLIENT_KEY.environment_id}/{CLIENT_KEY.secret} HTTP/1.1\n"
        "Host: x\nConnection: close\n\n"
    )
    status, _, body = await client.answer()
    if status != 200:
        return status, {}
    [found] = json.loads(body)
    return status, {each["key"]: each.get("value") for each in found["features"]}


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    os.kill(pid, number)
