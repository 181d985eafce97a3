"""However long a list becomes, it takes as many statements as before.

All GET operations are asked twice, with everything that they can include: in a small installation,
and after everything in it has become more.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from fh.mr.http.app import create_mr_app, mr_routes
from fh.mr.repositories.access import _SEEN as SESSION_SEEN
from fh.mr.settings import MrSettings
from tests.mr.conftest import QUICK_PASSWORDS, Api
from tests.mr.contract.answers import NoDatabase
from tests.mr.installation import Installation

ROUTES = [route for route in mr_routes(NoDatabase(), MrSettings()) if route.method == "GET"]
# They end what they are asked with, or belong to somebody who is not there.
LEFT_OUT = {"logout", "personByToken", "getLoginUrlForProvider"}
GROWN_BY = 4


class CountingTransaction:
    def __init__(self, inner: Any, database: "CountingDatabase") -> None:
        self._inner, self._database = inner, database

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        run = getattr(self._inner, name)

        async def counted(sql: str, *args: Any) -> Any:
            if sql != SESSION_SEEN:  # once a minute, whatever is asked then
                self._database.statements.append(" ".join(sql.split())[:120])
            return await run(sql, *args)

        return counted


class CountingDatabase:
    """The database, and what it was asked since the last look."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.statements: list[str] = []

    async def transaction(self, work: Any, *, read_only: bool = False) -> Any:
        return await self._inner.transaction(
            lambda tx: work(CountingTransaction(tx, self)), read_only=read_only
        )


@pytest.fixture
async def counting(database, superuser):
    counting = CountingDatabase(database)
    app = create_mr_app(
        counting, QUICK_PASSWORDS, registry=CollectorRegistry(), name="party-server"
    )
    world = Installation(Api(app, superuser.token))
    await world.grow("first")
    return counting, world


@pytest.fixture
async def dev(counting, add_person, sql):
    """Somebody who was given something in every environment there is, but administers nothing."""
    _, world = counting
    person = await add_person("dev@i.com", (world.ids["group"],))

    async def see_all() -> Api:
        await sql(
            "INSERT INTO acl (group_id, environment_id, roles) "
            "SELECT $1, id, '{READ}' FROM environment ON CONFLICT DO NOTHING",
            world.ids["group"],
        )
        return Api(world.api.app, person.token)

    return see_all


async def _counts(
    counting: CountingDatabase, world: Installation, api: Api | None = None
) -> dict[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {}
    api = api or world.api
    for route in ROUTES:
        if route.operation_id in LEFT_OUT:
            continue
        counting.statements.clear()
        answer = await api("GET", world.path(route))
        assert answer.status in {200, 403, 404}, (route.operation_id, answer)
        found[route.operation_id] = tuple(counting.statements)
    return found


async def test_lists_that_grow_take_as_many_statements(counting):
    database, world = counting
    before = await _counts(database, world)
    for number in range(GROWN_BY):
        await world.grow(f"more{number}")
    after = await _counts(database, world)
    assert _grown(before, after) == {}


async def test_for_ordinary_people_they_take_as_many_too(counting, dev):
    database, world = counting
    before = await _counts(database, world, await dev())
    for number in range(GROWN_BY):
        await world.grow(f"more{number}")
    after = await _counts(database, world, await dev())
    assert _grown(before, after) == {}


def _grown(
    before: dict[str, Sequence[str]], after: dict[str, Sequence[str]]
) -> dict[str, tuple[int, int, set[str]]]:
    return {
        name: (len(before[name]), len(after[name]), set(after[name]))
        for name in before
        if len(after[name]) != len(before[name])
    }


async def test_nothing_takes_many_statements(counting):
    database, world = counting
    many = {
        name: len(one) for name, one in (await _counts(database, world)).items() if len(one) > 15
    }
    assert many == {}
