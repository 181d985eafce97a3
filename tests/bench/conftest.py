"""One party-server for all benches of this directory that load one which runs already."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
import trio

from bench.live.admin import Environment, open_admin
from bench.live.options import Wanted
from bench.live.server import LiveServer, started_server


@dataclass(frozen=True, slots=True)
class PartyServer:
    """A server with two environments of two features each, and its administrator's token."""

    server: LiveServer
    environments: tuple[Environment, ...]
    token: str

    @property
    def keys(self) -> str:
        return ",".join(each.server_key for each in self.environments)

    def wanted(self, **changes: object) -> Wanted:
        """What a bench is asked for that shall load this server."""
        what = Wanted(
            streams=20,
            environments=1,
            features=1,
            workers=0,
            shape="party",
            load_processes=2,
            url=self.server.admin_url,
            key=self.keys,
            pid=self.server.pid,
            admin_token=self.token,
            feature="FEATURE_0",
        )
        return replace(what, **changes)


@pytest.fixture(scope="session")
def party_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartyServer]:
    directory = tmp_path_factory.mktemp("party")
    with started_server(directory, "party", workers=0, settings={}) as server:

        async def fill() -> PartyServer:
            async with open_admin(server.admin_url) as admin:
                token = await admin.log_in()
                return PartyServer(server, tuple(await admin.make_environments(2, 2)), token)

        yield trio.run(fill)


@pytest.fixture
def run_measured() -> Callable[..., object]:
    """`run_measured(measure, what, options)`: the result of a bench, within a minute and a half."""

    def run(measure: Callable[..., object], *arguments: object) -> object:
        async def in_time() -> object:
            with trio.fail_after(90):
                return await measure(*arguments)  # type: ignore[misc]

        return trio.run(in_time)

    return run
