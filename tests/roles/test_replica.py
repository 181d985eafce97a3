"""Edge-REST on a real streaming replica that is behind, away, or all that is left."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from fh.db.dsn import Dsn
from fh.roles.role import Role
from tests.db.standby import Server, Standby, replicated
from tests.roles.test_split import a_flag, ask, build, running, until_value

pytestmark = pytest.mark.postgres

WRITTEN = {"value": True, "lock": False}


def where(primary: Dsn, replica: Dsn | None = None) -> dict[str, object]:
    found = {"database_url": primary.url, "database_user": primary.user}
    if replica is not None:
        found |= {"replica_url": replica.url, "replica_user": replica.user}
    return found


@dataclass(frozen=True)
class World:
    """The primary with a party-server-ish, and the replica with what reads from it."""

    primary: Server
    standby: Standby
    ish: Role
    rest: Role
    token: str
    key: str

    async def write(self, key: str, value: object) -> int:
        path = f"/features/{key}/FLAG"
        return (await ask(self.rest.port, path, value, method="PUT"))[0]

    async def polled(self, role: Role) -> tuple[int, object]:
        status, body = await ask(role.port, f"/features?apiKey={self.key}")
        return status, body[0]["features"][0]["value"] if status == 200 else None


@asynccontextmanager
async def open_world(directory: Path, reader: str = "edge-rest") -> AsyncIterator[World]:
    async with replicated(directory) as (primary, start_standby):
        ish = build("party-server-ish", **where(primary.dsn))
        async with running(ish):
            token, _, key = await a_flag(ish.port)
            standby = await start_standby()
            rest = build(reader, **where(primary.dsn, standby.dsn))
            async with running(rest):
                await until_value(rest.port, key, value=False)
                yield World(primary, standby, ish, rest, token, key)


@pytest.mark.parametrize("reader", ["edge-rest", "party-server-ish"])
async def test_polls_read_the_replica_and_writes_go_to_the_primary(
    tmp_path: Path, reader: str
) -> None:
    async with open_world(tmp_path, reader) as world:
        await world.standby.hold()
        assert await world.write(world.key, WRITTEN) == 200
        assert await world.polled(world.ish) == (200, True)
        assert await world.polled(world.rest) == (200, False)
        await world.standby.release()
        await until_value(world.rest.port, world.key, value=True)


async def test_a_replica_that_is_behind_refuses_nobody(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.standby.hold()
        # The replica takes the flag for locked and off: a write is decided by what is true now.
        assert await world.write(world.key, WRITTEN) == 200
        assert await world.write(world.key, {"value": False, "updateValue": True}) == 200
        assert await world.polled(world.ish) == (200, False)
        assert await world.write(world.key, {"value": False, "updateValue": True}) == 202
        # Of a key that is younger than what it knows it has never heard.
        _, [portfolio] = await ask(world.ish.port, "/mr-api/portfolio", token=world.token)
        permission = {"environmentId": world.key.split("/")[0], "permissions": ["READ"]}
        _, account = await ask(
            world.ish.port,
            f"/mr-api/portfolio/{portfolio['id']}/service-account?includePermissions=true",
            {"name": "young", "description": "-", "permissions": [permission]},
            token=world.token,
        )
        young = account["permissions"][0]["sdkUrlClientEval"]
        assert (await ask(world.rest.port, f"/features?apiKey={young}"))[0] == 200
        assert (await ask(world.rest.port, f"/features?apiKey={young}x"))[0] == 404


async def test_without_the_replica_the_primary_answers(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.standby.stop()
        assert await world.polled(world.rest) == (200, False)
        assert await world.write(world.key, WRITTEN) == 200
        assert await world.polled(world.rest) == (200, True)
        assert (await ask(world.rest.port, "/health/readiness"))[0] == 200
        # One that starts meanwhile does not wait for it.
        late = build("edge-rest", **where(world.primary.dsn, world.standby.dsn))
        async with running(late):
            assert await world.polled(late) == (200, True)


async def test_without_the_primary_the_replica_answers_what_it_knows(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.primary.stop()
        assert await world.polled(world.rest) == (200, False)
        assert (await ask(world.rest.port, "/health/readiness"))[0] == 200
        assert await world.write(world.key, WRITTEN) == 503
        status, problem = await ask(world.rest.port, f"/features?apiKey={world.key}x")
        assert status == 503, json.dumps(problem)
        await world.primary.start()
        with trio.fail_after(30):
            while await world.write(world.key, WRITTEN) != 200:
                await trio.lowlevel.checkpoint()
        await until_value(world.rest.port, world.key, value=True)
