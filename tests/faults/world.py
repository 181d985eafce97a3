"""A split deployment with something that may fail on every way, and everybody who watches it."""

import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import TypeAlias

import httpx2
import trio

from tests.e2e.admin import Admin, Project
from tests.e2e.server import SplitServer
from tests.faults.proxy import Proxy
from tests.faults.report import Row
from tests.faults.watch import Ledger, Poll, Stream, Watcher

FEATURES = tuple(f"feature-{number}" for number in range(5))
CONVERGE_SECONDS = 5.0

_PATIENCE_SECONDS = 60.0  # later than CONVERGE_SECONDS, to tell late from never
_POLLS = 4
_LOOK_SECONDS = 0.01
_FINAL = range(400, 500)


class World:
    """What a fault may be done to."""

    def __init__(self, split: SplitServer, ways: dict[str, list[Proxy]], project: Project):
        self.split = split
        self.ways = ways
        self.project = project
        self.ledger = Ledger()
        self.watchers: list[Watcher] = []
        self.updates = 0
        self.refusals = 0

    async def off_thread(self, work: Callable[[], object]) -> None:
        """Do what blocks, while everybody goes on watching."""
        await trio.to_thread.run_sync(work)

    async def written(self, count: int) -> None:
        """Return when so many more updates were acknowledged."""
        goal = self.updates + count
        with trio.fail_after(_PATIENCE_SECONDS):
            while self.updates < goal:  # noqa: ASYNC110 - counted in a thread
                await trio.sleep(_LOOK_SECONDS)

    async def truth(self) -> dict[str, int]:
        """Return the version of each feature at MR."""
        loaded = {}

        def load() -> None:
            for key in FEATURES:
                loaded[key] = int(self.project.load(key)["version"])

        with trio.fail_after(_PATIENCE_SECONDS):
            while len(loaded) < len(FEATURES):
                try:
                    await trio.to_thread.run_sync(load)
                except (httpx2.TransportError, AssertionError):
                    await trio.sleep(_LOOK_SECONDS)
        return loaded

    def behind(self, truth: dict[str, int]) -> list[Watcher]:
        return [watcher for watcher in self.watchers if watcher.versions != truth]

    async def converge(self, seconds: float) -> int:
        """Wait until everybody holds what MR holds; return how many still don't."""
        truth = await self.truth()
        with trio.move_on_after(seconds):
            while self.behind(truth):  # noqa: ASYNC110 - a thousand watchers have no one event
                await trio.sleep(_LOOK_SECONDS)
        return len(self.behind(truth))

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Change one feature after the other as long as the context lasts; MR may be away."""
        async with trio.open_nursery() as nursery:
            ended = trio.Event()

            async def write() -> None:
                for key in cycle(FEATURES):
                    await trio.to_thread.run_sync(self._write, key)
                    if ended.is_set():
                        return

            nursery.start_soon(write)
            try:
                yield
            finally:
                ended.set()

    def _write(self, key: str) -> None:
        project = self.project
        try:
            found = project.admin.request("GET", project.path(key))
            if found.is_success:
                body = {**found.json(), "valueNumber": found.json()["version"]}
                found = project.admin.request("PUT", project.path(key), body)
        except httpx2.TransportError:
            self.refusals += 1
            time.sleep(0.02)  # a thread's own: nobody waits for it
            return
        if found.is_success:
            self.updates += 1
            return
        self.refusals += 1
        if found.status_code in _FINAL:
            self.ledger.complain("writer", f"{found.status_code} {found.text}")
        time.sleep(0.02)


Fault: TypeAlias = Callable[[World], Awaitable[None]]
"""Does its harm, lets it last, and ends it; returns when it has ended."""


async def endure(world: World, name: str, fault: Fault) -> Row:
    """Have `fault` happen while features change; return what came of it."""
    assert not await world.converge(_PATIENCE_SECONDS), "the world was not well before"
    ledger = world.ledger
    updates, events = world.updates, ledger.events
    connects, refused = ledger.connects, ledger.refused_polls
    async with world.writing():
        await world.written(10)
        await fault(world)
        ended = time.monotonic()
    # From here on nothing is written, so nothing but repair brings what was missed.
    lost = await world.converge(_PATIENCE_SECONDS)
    seconds = time.monotonic() - ended
    return Row(
        name,
        streams=sum(isinstance(each, Stream) for each in world.watchers),
        polls=sum(isinstance(each, Poll) for each in world.watchers),
        updates=world.updates - updates,
        events=ledger.events - events,
        reconnects=ledger.connects - connects,
        refused=ledger.refused_polls - refused,
        lost=lost,
        converged=seconds,
    )


def judge(world: World, rows: Sequence[Row]) -> None:
    """Fail unless nothing was lost, all converged in time, and nobody was told nonsense."""
    assert not world.ledger.complaints, "\n".join(world.ledger.complaints)
    assert not [row for row in rows if row.lost or row.converged > CONVERGE_SECONDS], rows
    for role in world.split.roles:
        assert not list(role.troubles()), f"{role.role}\n{role.log()}"


@asynccontextmanager
async def open_world(directory: Path, streams: int, seed: int) -> AsyncIterator[World]:
    """Start a deployment with two Dachas and two Edges, and `streams` streams beside some polls."""
    source = random.Random(seed)
    async with trio.open_nursery() as nursery:
        split, ways = await _joined(directory, source, nursery)
        try:
            split.launch()
            await trio.to_thread.run_sync(split.wait_ready)
            admin = Admin(split.admin_url)
            with admin:
                world = World(split, ways, await trio.to_thread.run_sync(_project, admin))
                _watch(world, streams, nursery)
                yield world
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(split.discard)


async def _joined(
    directory: Path,
    source: random.Random,
    nursery: trio.Nursery,
) -> tuple[SplitServer, dict[str, list[Proxy]]]:
    """Return a deployment in which every way leads through a proxy."""
    opened: list[tuple[str, Proxy]] = []
    proxies = [Proxy(source) for _ in range(9)]
    for proxy in proxies:
        await proxy.open()
    spare = iter(proxies)

    def between(name: str, port: int) -> int:
        proxy = next(spare)
        proxy.target = port
        opened.append((name, proxy))
        return proxy.port

    split = SplitServer(
        directory,
        {"EDGE_SSE_DROP_AFTER_SECONDS": "600", "FH_LOG_LEVEL": "debug"},
        dachas=2,
        edges=2,
        between=between,
    )
    ways: dict[str, list[Proxy]] = defaultdict(list)
    for name, proxy in opened:
        ways[name].append(proxy)
        nursery.start_soon(proxy.run)
    return split, ways


def _project(admin: Admin) -> Project:
    admin.sign_in()
    project = admin.new_project()
    for key in FEATURES:
        project.create(key, "NUMBER", 0)
    return project


def _watch(world: World, streams: int, nursery: trio.Nursery) -> None:
    edges = world.split.edges
    keys = (world.project.client_key, world.project.server_key)
    kinds = [Stream] * streams + [Poll] * _POLLS
    for number, kind in enumerate(kinds):
        edge, key = edges[number % 2], keys[number // 2 % 2]
        name = f"{kind.__name__} {number} at {edge.port}"
        watcher = kind(name, edge.port, key, world.ledger)
        world.watchers.append(watcher)
        nursery.start_soon(watcher.run)
