"""However long a list becomes, it takes as many statements as before.

All GET operations are asked twice, with everything that they can include: in a small installation,
and after everything in it has become more.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from fh.mr.http.app import create_mr_app, mr_routes
from fh.mr.settings import MrSettings
from tests.mr.conftest import QUICK_PASSWORDS, Api, set_up
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
async def counting(database):
    counting = CountingDatabase(database)
    app = create_mr_app(
        counting, QUICK_PASSWORDS, registry=CollectorRegistry(), name="party-server"
    )
    answer = await set_up(Api(app))
    world = Installation(Api(app, answer.body["accessToken"]))
    await world.grow("first")
    return counting, world


async def _counts(counting: CountingDatabase, world: Installation) -> dict[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {}
    for route in ROUTES:
        if route.operation_id in LEFT_OUT:
            continue
        counting.statements.clear()
        answer = await world.api("GET", world.path(route))
        assert answer.status in {200, 404}, (route.operation_id, answer)
        found[route.operation_id] = tuple(counting.statements)
    return found


async def test_lists_that_grow_take_as_many_statements(counting):
    database, world = counting
    before = await _counts(database, world)
    for number in range(GROWN_BY):
        await world.grow(f"more{number}")
    after = await _counts(database, world)
    grown = {
        name: (len(before[name]), len(after[name]), set(after[name]))
        for name in before
        if len(after[name]) != len(before[name])
    }
    assert grown == {}


async def test_nothing_takes_many_statements(counting):
    database, world = counting
    many = {
        name: len(one) for name, one in (await _counts(database, world)).items() if len(one) > 15
    }
    assert many == {}
