"""Every bus there is, behind one face for the tests that all of them have to pass."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import trio

from fh.actors.restart import Backoff
from fh.aio import Island
from fh.bus.memory import MemoryBus
from fh.bus.nats import NatsBus
from fh.bus.nats_settings import NatsSettings, StreamSettings, parse_servers
from fh.bus.port import Bus, Delivery, Reconnected, Subscriber, UpdateWorker
from fh.errors import Unavailable
from tests.nats_server import NatsServer, running_server

WAIT_SECONDS = 20.0


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what happens elsewhere; bounded."""
    with trio.fail_after(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - other threads and processes set no event
            await trio.sleep(0.002)


async def publish_when_possible(bus: Bus, event: Delivery) -> None:
    """Publish as the outbox does: again and again, until it is taken."""
    with trio.fail_after(WAIT_SECONDS):
        taken = False
        while not taken:
            try:
                await bus.publish(event)
            except Unavailable:
                await trio.sleep(0.002)
            else:
                taken = True


class Heard:
    """What subscribers were given, in the order in which they were given it."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[str, Delivery]] = []

    def subscriber(self, name: str = "") -> Subscriber:
        async def receive(delivery: Delivery) -> None:
            await trio.lowlevel.checkpoint()
            self.deliveries.append((name, delivery))

        return receive

    def events(self) -> list[Delivery]:
        return [delivery for _, delivery in self.deliveries]

    async def wait_for(self, count: int) -> list[Delivery]:
        """Return all deliveries once there are `count`."""
        await until(lambda: len(self.deliveries) >= count)
        return self.events()


class World(Protocol):
    """Some processes on one bus.

    Attributes:
        notice: What subscribers are told when the broker is back.
    """

    notice: list[Delivery]

    async def join(
        self,
        *subscribers: tuple[str, Subscriber],
        worker: UpdateWorker | None = None,
        **options: object,
    ) -> Bus:
        """Return the bus of one more process, as it takes part; `options` are for brokers."""

    async def take_away(self) -> None:
        """Have the broker disappear; return when every process has noticed."""

    async def bring_back(self) -> None:
        """Have it back; return when every process is connected."""


class MemoryWorld:
    """All in one process."""

    def __init__(self) -> None:
        self.notice: list[Delivery] = []
        self._bus = MemoryBus()

    async def join(
        self,
        *subscribers: tuple[str, Subscriber],
        worker: UpdateWorker | None = None,
        **_: object,
    ) -> Bus:
        await trio.lowlevel.checkpoint()
        for name, subscriber in subscribers:
            self._bus.subscribe(name, subscriber)
        if worker is not None:
            self._bus.work(worker)
        return self._bus

    async def take_away(self) -> None:
        raise NotImplementedError

    async def bring_back(self) -> None:
        raise NotImplementedError


def quick_settings(*urls: str, **options: object) -> NatsSettings:
    """Settings for a server nearby and a test that does not want to wait."""
    quick = {
        "pause": Backoff(first_seconds=0.01, maximum_seconds=0.05),
        "connect_seconds": 5.0,
        "taken_seconds": 5.0,
        "applied_seconds": 10.0,
    }
    return NatsSettings(parse_servers(urls), **{**quick, **options})  # type: ignore[arg-type]


class NatsWorld:
    """Each process with a connection of its own to one real server."""

    def __init__(
        self, server: NatsServer, island: Island, nursery: trio.Nursery, **options: object
    ) -> None:
        self.notice: list[Delivery] = [Reconnected()]
        self._options = options
        self.server = server
        self.island = island
        self._nursery = nursery
        self._buses: list[NatsBus] = []

    async def join(
        self,
        *subscribers: tuple[str, Subscriber],
        worker: UpdateWorker | None = None,
        port: int = 0,
        **options: object,
    ) -> NatsBus:
        """Join; by `port`, where something stands between the process and the server."""
        url = f"nats://127.0.0.1:{port}" if port else self.server.url
        bus = NatsBus(self.island, quick_settings(url, **{**self._options, **options}))
        for name, subscriber in subscribers:
            bus.subscribe(name, subscriber)
        if worker is not None:
            bus.work(worker)
        await self._nursery.start(bus.run)
        self._buses.append(bus)
        return bus

    async def take_away(self) -> None:
        self.server.kill()
        await until(lambda: not any(bus.connected for bus in self._buses))

    async def bring_back(self) -> None:
        self.server.start()
        await until(lambda: all(bus.connected for bus in self._buses))


@asynccontextmanager
async def memory_world(_: Path) -> AsyncIterator[MemoryWorld]:
    yield MemoryWorld()


@asynccontextmanager
async def nats_world(
    directory: Path, *options: str, config: str = "", **settings: object
) -> AsyncIterator[NatsWorld]:
    with running_server(directory, *options, config=config) as server:
        async with trio.open_nursery() as nursery:
            island = Island()
            await nursery.start(island.run)
            async with trio.open_nursery() as buses:
                yield NatsWorld(server, island, buses, **settings)
                buses.cancel_scope.cancel()
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def jetstream_world(
    directory: Path, config: str = "", **settings: object
) -> AsyncIterator[NatsWorld]:
    """A server that keeps announcements, in `directory`/store, and so bridges its outages."""
    settings = {"stream": StreamSettings(), **settings}
    store = str(directory / "store")
    async with nats_world(directory, "-js", "-sd", store, config=config, **settings) as world:
        world.notice = []
        yield world


WITH_BROKER = ["nats", "jetstream"]
"""The worlds that have a broker."""

WORLDS: dict[str, Callable[[Path], AbstractAsyncContextManager[World]]] = {
    "memory": memory_world,
    "nats": nats_world,
    "jetstream": jetstream_world,
}
