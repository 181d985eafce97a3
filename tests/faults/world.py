"""A deployment in which everything may fail, and everybody who watches it."""

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path
from typing import TypeVar

import httpx2
import trio

from tests.e2e.admin import Admin
from tests.e2e.role_process import START_SECONDS, RoleProcess
from tests.e2e.server import SplitServer
from tests.faults.poll import Poll
from tests.faults.proxy import Proxy
from tests.faults.shape import ORDINARY, Deployment, Disk, Shape
from tests.faults.tenant import FEATURES, Tenant, Truth
from tests.faults.watch import Ledger, Stream, Watcher

W = TypeVar("W", bound=Watcher)

PATIENCE_SECONDS = 60.0  # later than anything may take, to tell late from never

_SEED = 1
_LOOK_SECONDS = 0.01
_RESTART_SECONDS = 0.2
_BETWEEN_WRITES_SECONDS = 0.02
_SECOND_TENANTS = range(8, 12)  # of twenty: at both Edges, with both keys


@dataclass(frozen=True, slots=True)
class Size:
    """How many watch; how many polls and, long after a fault, updates there are to be at least."""

    streams: int
    pollers: int
    polls: int
    healthy_updates: int


class World:
    """What a fault may be done to.

    Features change for the first two of three tenants; the third one's key is reset now and then.
    """

    def __init__(
        self, split: SplitServer, deployment: Deployment, tenants: Sequence[Tenant], size: Size
    ):
        self.split = split
        self.size = size
        self.ledger = Ledger()
        self.tenants = tenants
        self.watchers: list[Watcher] = []
        self._revocable: list[Stream] = []
        self._deployment = deployment

    @property
    def ways(self) -> Mapping[str, Sequence[Proxy]]:
        """What lies between the parts, by name."""
        return self._deployment.ways

    @property
    def disk(self) -> Disk:
        """The small one, where the shape has one."""
        assert self._deployment.disk is not None
        return self._deployment.disk

    @property
    def updates(self) -> int:
        """How many were acknowledged."""
        return sum(tenant.updates for tenant in self.tenants)

    @property
    def refusals(self) -> int:
        """How many were answered 5xx or not at all."""
        return sum(tenant.refusals for tenant in self.tenants)

    async def off_thread(self, work: Callable[[], object]) -> None:
        """Do what blocks, while everybody goes on watching."""
        await trio.to_thread.run_sync(work)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when `holds`, which nobody announces."""
        with trio.fail_after(PATIENCE_SECONDS):
            while not holds():  # noqa: ASYNC110 - counted in threads and other processes
                await trio.sleep(_LOOK_SECONDS)

    async def written(self, count: int) -> None:
        """Return when so many more updates were acknowledged."""
        goal = self.updates + count
        await self.until(lambda: self.updates >= goal)

    async def refused(self, count: int) -> None:
        """Return when so many more updates were refused."""
        goal = self.refusals + count
        await self.until(lambda: self.refusals >= goal)

    async def served(self, edge: RoleProcess, count: int) -> None:
        """Return when `edge` has answered so many more polls with values."""
        served = self.ledger.served
        goal = served[edge] + count
        await self.until(lambda: served[edge] >= goal)

    async def is_ready(self, role: RoleProcess) -> bool:
        """Return what `role` says of itself."""
        return await trio.to_thread.run_sync(role.is_ready)

    async def supervise(self, role: RoleProcess) -> None:
        """Start it as a service manager does, again when it ends, and return when it is ready."""
        with trio.fail_after(START_SECONDS):
            while not await self.is_ready(role):
                if not role.is_running():
                    role.launch()
                await trio.sleep(_RESTART_SECONDS)

    async def truth(self) -> Mapping[Tenant, Truth]:
        """Return what MR has of each tenant's features."""
        loaded: dict[Tenant, Truth] = {}
        with trio.fail_after(PATIENCE_SECONDS):
            for tenant in self.tenants:
                while tenant not in loaded:
                    try:
                        loaded[tenant] = await trio.to_thread.run_sync(tenant.load)
                    except (httpx2.TransportError, AssertionError):
                        await trio.sleep(_LOOK_SECONDS)
        return loaded

    async def converge(self, truth: Mapping[Tenant, Truth], seconds: float) -> int:
        """Wait until everybody holds `truth`; return how many still don't."""
        wanted = {
            tenant: {key: version for key, (version, _) in features.items()}
            for tenant, features in truth.items()
        }

        def behind() -> list[Watcher]:
            return [each for each in self.watchers if each.versions != wanted[each.tenant]]

        with trio.move_on_after(seconds):
            while behind():  # noqa: ASYNC110 - a thousand watchers have no one event
                await trio.sleep(_LOOK_SECONDS)
        return len(behind())

    async def reach(self, tenant: Tenant, key: str) -> None:
        """Return when everybody holds the newest acknowledged update of a feature."""
        version = tenant.acknowledged_version(key)
        watchers = [each for each in self.watchers if each.tenant is tenant]
        await self.until(lambda: all(each.versions[key] >= version for each in watchers))

    async def write(self, tenant: Tenant, key: str) -> None:
        """Change one feature, if MR can be reached and does it."""
        for wrong in await trio.to_thread.run_sync(tenant.write, key):
            self.ledger.complain("writer", wrong)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Change one feature after the other as long as the context lasts; MR may be away."""
        async with trio.open_nursery() as nursery:
            ended = trio.Event()

            async def write() -> None:
                for key, tenant in cycle(product(FEATURES, self.tenants[:2])):
                    await self.write(tenant, key)
                    if ended.is_set():
                        return
                    await trio.sleep(_BETWEEN_WRITES_SECONDS)

            nursery.start_soon(write)
            try:
                yield
            finally:
                ended.set()

    async def revoke(self) -> None:
        """Reset a key; return when the last of its streams has ended."""
        tenant, streams = self.tenants[2], self._revocable
        for stream in streams:
            stream.expect_end()
        tenant.project = await trio.to_thread.run_sync(tenant.project.with_new_keys)
        with trio.fail_after(PATIENCE_SECONDS):
            for stream in streams:
                await stream.wait_end()
        for stream, key in zip(streams, cycle(_keys(tenant)), strict=False):
            stream.renew(key)

    def watch(self, nursery: trio.Nursery) -> None:
        """Have everybody watch."""
        edges, (first, second, third) = self.split.edges, self.tenants
        kinds = [Stream] * self.size.streams + [Poll] * self.size.pollers
        for number, kind in enumerate(kinds):
            tenant = second if number % 20 in _SECOND_TENANTS else first
            self._add(kind, edges[number % 2], tenant, _keys(tenant)[number // 2 % 2])
        for edge, key in product(edges, _keys(third)):
            self._revocable.append(self._add(Stream, edge, third, key))
        for watcher in self.watchers:
            nursery.start_soon(watcher.run)

    def _add(self, kind: type[W], edge: RoleProcess, tenant: Tenant, key: str) -> W:
        name = f"{kind.__name__} {len(self.watchers)} at {edge.port}"
        watcher = kind(name, edge, tenant, key, self.ledger)
        self.watchers.append(watcher)
        return watcher


@asynccontextmanager
async def open_world(directory: Path, size: Size, shape: Shape = ORDINARY) -> AsyncIterator[World]:
    """Start a deployment and everybody who watches it."""
    deployment = Deployment(directory, shape, random.Random(_SEED))
    async with deployment.open() as split:
        split.launch()
        await trio.to_thread.run_sync(split.wait_ready)
        with Admin(split.admin_url) as admin:
            tenants = await trio.to_thread.run_sync(_tenants, admin)
            world = World(split, deployment, tenants, size)
            async with trio.open_nursery() as nursery:
                world.watch(nursery)
                yield world
                nursery.cancel_scope.cancel()


def _tenants(admin: Admin) -> list[Tenant]:
    admin.sign_in()
    tenants = [Tenant(number, admin.new_project()) for number in range(3)]
    for tenant in tenants:
        tenant.create()
    return tenants


def _keys(tenant: Tenant) -> tuple[str, str]:
    return tenant.project.client_key, tenant.project.server_key
