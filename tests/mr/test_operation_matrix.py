"""Every operation, asked by every kind of caller.

Whoever is refused is asked for first, and must leave no trace in the database.
"""

from collections import Counter

import pytest

from fh.mr.http.app import mr_routes
from fh.mr.settings import MrSettings
from tests.mr.matrix.row import Row
from tests.mr.matrix.tables import ROWS
from tests.mr.matrix.world import ANONYMOUS, Who, build_world

REFUSALS = {400, 401, 403, 404}


def refused_first(row: Row) -> list[Who]:
    return sorted(Who, key=lambda who: row.expected(who) not in REFUSALS)


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_who_may(row, superuser, sql):
    world = await build_world(superuser, sql)
    wrong, traces = {}, []
    for who in refused_first(row):
        ask = await row.ask(world, who)
        is_refused = row.expected(who) in REFUSALS
        before = await world.fingerprint() if is_refused else None
        answer = await world.ask(who, ask)
        if row.observed(answer) != row.expected(who):
            wrong[who.name] = (row.observed(answer), row.expected(who), answer.body)
        elif is_refused and await world.fingerprint() != before:
            traces.append(who.name)
    assert wrong == {}
    assert traces == []


def test_every_operation_has_a_row():
    known = {route.operation_id for route in mr_routes(None, MrSettings())}
    without = known - {row.operation for row in ROWS}
    assert without == set(), f"no row in tests/mr/matrix for {sorted(without)}"
    assert {row.operation for row in ROWS} - known == set()


def test_what_needs_no_login_has_rows_that_say_so():
    opened = {row.operation for row in ROWS if row.expected(Who.STRANGER) != 401}
    assert opened == {
        route.operation_id for route in mr_routes(None, MrSettings()) if not route.authenticated
    }


def test_rows_can_be_told_apart():
    names = Counter(map(str, ROWS))
    assert [name for name, times in names.items() if times > 1] == []


def test_whose_password_must_be_reset_may_do_nothing_but_that():
    beyond = {
        row.operation
        for row in ROWS
        if row.expected(Who.MUST_RESET) != 401 and row.expected(Who.STRANGER) == 401
    }
    assert beyond == {"replaceTempPassword"}
    assert Who.MUST_RESET in ANONYMOUS
