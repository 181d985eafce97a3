"""What operators want, for as long as they want it."""

from uuid import UUID

import msgspec
import trio
from edge_under_test import CLIENT_KEY, SERVER_KEY
from trio.testing import MockClock

from fh.edge.orders import Orders, Standing
from fh.model.ids import ServiceAccountId

ACCOUNT = ServiceAccountId(UUID(int=4))


async def test_a_pause_ends_by_itself(autojump_clock: MockClock) -> None:
    orders = Orders()
    assert not orders.has_pauses
    orders.pause(SERVER_KEY, 10)
    assert orders.paused_seconds(SERVER_KEY, None) == 10
    assert orders.paused_seconds(CLIENT_KEY, None) == 0
    await trio.sleep(4)
    assert [*orders.pauses().values()] == [(SERVER_KEY, 6)]
    await trio.sleep(6)
    assert orders.paused_seconds(SERVER_KEY, None) == 0
    assert not orders.has_pauses
    assert orders.pauses() == {}


async def test_an_account_pauses_with_all_its_keys(autojump_clock: MockClock) -> None:
    orders = Orders()
    orders.pause(ACCOUNT, 10)
    orders.pause(SERVER_KEY, 20)
    assert orders.paused_seconds(CLIENT_KEY, ACCOUNT) == 10
    assert orders.paused_seconds(SERVER_KEY, ACCOUNT) == 20
    assert orders.paused_seconds(CLIENT_KEY, None) == 0
    await trio.sleep(15)
    assert [whom for whom, _ in orders.pauses().values()] == [SERVER_KEY]


async def test_a_pause_is_ended_by_its_number(autojump_clock: MockClock) -> None:
    orders = Orders()
    first, second = orders.pause(SERVER_KEY, 10), orders.pause(CLIENT_KEY, 10)
    assert orders.resume(first) == SERVER_KEY
    assert orders.resume(first) is None
    assert [*orders.pauses()] == [second]


async def test_another_process_goes_by_what_is_left_of_them(autojump_clock: MockClock) -> None:
    orders, there = Orders(), Orders()
    orders.draining = True
    orders.pause(SERVER_KEY, 10)
    orders.pause(ACCOUNT, 20)
    await trio.sleep(4)
    text = msgspec.json.encode(orders.standing())
    there.pause(CLIENT_KEY, 99)
    there.obey(msgspec.json.decode(text, type=Standing))
    assert there.draining
    assert [*there.pauses().values()] == [(SERVER_KEY, 6), (ACCOUNT, 16)]
    there.obey(Standing())
    assert (there.draining, there.has_pauses) == (False, False)
