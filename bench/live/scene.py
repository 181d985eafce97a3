"""A server, its environments and its streams, put together for one run."""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from bench.live.admin import Admin, Environment, open_admin
from bench.live.options import Wanted
from bench.live.server import LiveServer, running_server, started_server
from bench.load.bounds import LONGEST_RUN_SECONDS, OutOfBounds
from bench.load.link import LoadFailed
from bench.load.live_counts import Figures
from bench.load.live_link import LiveLoad, LiveLoadPlan, open_live_load

OPEN_SECONDS = 300.0

_QUESTIONS_AT_ONCE = 8

_QUIET = {"FH_LOG_LEVEL": "warning", "EDGE_SSE_DROP_AFTER_SECONDS": "0"}


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything of one run. `places` are the features that may be changed."""

    server: LiveServer
    admin: Admin
    environments: tuple[Environment, ...]
    places: tuple[tuple[str, str], ...]
    keys: tuple[str, ...]
    features: tuple[str, ...]
    load: LiveLoad

    async def truth(self) -> list[tuple[int, ...]]:
        """Return what MR holds: of each key, the version of each feature."""
        by_environment: dict[str, tuple[int, ...]] = {}
        waiting = iter(self.environments)

        async def take_turns() -> None:
            for environment in waiting:
                versions = await self.admin.versions(environment.id)
                found = tuple(versions.get(key, 0) for key in self.features)
                by_environment[environment.id] = found

        async with trio.open_nursery() as nursery:
            for _ in range(_QUESTIONS_AT_ONCE):
                nursery.start_soon(take_turns)
        return [by_environment[environment_of(key)] for key in self.keys]

    async def open_streams(self) -> tuple[Figures, float]:
        """Let all streams connect; return the figures and the seconds it took.

        Raises:
            LoadFailed: they don't in the time that there is, or a load process has ended.
        """
        began = trio.current_time()
        await self.load.open()
        with trio.move_on_after(OPEN_SECONDS):
            figures = await self.load.wait_met()
            return figures, trio.current_time() - began
        figures = await self.load.figures()
        raise LoadFailed(
            f"{figures.met:,} of {self.load.plan.streams:,} streams were open after "
            f"{OPEN_SECONDS:.0f} s: {figures.counts}"
        )


def environment_of(key: str) -> str:
    """Return the id of the environment that an SDK key opens."""
    return key.split("/")[-2]


@asynccontextmanager
async def open_scene(
    wanted: Wanted,
    *,
    settings: Mapping[str, str] | None = None,
    life_seconds: float = LONGEST_RUN_SECONDS,
) -> AsyncIterator[Scene]:
    """Start what is `wanted`, or use what runs; no stream is open yet. All ends with the block.

    Raises:
        DeploymentFailed: a server did not start.
        AdminRefused: the administrator may not do what it takes.
        OutOfBounds: the server is on another machine, without consent.
    """
    async with AsyncExitStack() as stack:
        if wanted.url:
            server = running_server(
                wanted.url,
                admin_url=wanted.admin_url or "",
                pid=wanted.pid,
                allow_remote=wanted.allow_remote,
            )
            admin = await stack.enter_async_context(
                open_admin(server.admin_url, wanted.admin_token or "")
            )
            environments, places = await _found(admin, wanted)
        else:
            server = _started(stack, wanted, {**_QUIET, **(settings or {})})
            admin = await stack.enter_async_context(open_admin(server.admin_url))
            await admin.log_in()
            environments = await admin.make_environments(wanted.environments, wanted.features)
            places = [(each.id, key) for key in environments[0].features for each in environments]
        keys = tuple(each.server_key for each in environments)
        if not wanted.one_key:
            keys = (*(each.client_key for each in environments), *keys)
        keys = tuple(dict.fromkeys(keys))
        features = tuple(dict.fromkeys(key for each in environments for key in each.features))
        plan = LiveLoadPlan(
            server.host,
            server.port,
            keys,
            features,
            wanted.streams,
            processes=wanted.processes,
            path=server.path,
            window=wanted.window,
            life_seconds=life_seconds,
            allow_remote=wanted.allow_remote,
        )
        load = await stack.enter_async_context(open_live_load(plan))
        yield Scene(server, admin, tuple(environments), tuple(places), keys, features, load)


def _started(stack: AsyncExitStack, wanted: Wanted, settings: Mapping[str, str]) -> LiveServer:
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fh-bench-")))
    return stack.enter_context(
        started_server(directory, wanted.shape, workers=wanted.workers, settings=settings)
    )


async def _found(admin: Admin, wanted: Wanted) -> tuple[list[Environment], list[tuple[str, str]]]:
    """Return the environments of a server that runs, and what may be changed there."""
    assert wanted.key is not None
    changeable = set((wanted.feature or "").split(",")) - {""}
    environments, places = [], []
    for key in wanted.key.split(","):
        if "/" not in key:
            raise OutOfBounds(f"{key} is no SDK key: ENVIRONMENT/SECRET")
        environment_id = environment_of(key)
        versions = await admin.versions(environment_id)
        if missing := changeable - set(await admin.text_features(environment_id)):
            names = ", ".join(sorted(missing))
            raise OutOfBounds(f"{names}: no STRING feature with a value in {environment_id}")
        environments.append(Environment(environment_id, key, key, tuple(versions)))
        places += [(environment_id, feature) for feature in sorted(changeable)]
    return environments, places
