"""Whatever the bus loses, doubles, delays or reorders: every event arrives."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from msgspec import Raw
from structlog.testing import capture_logs
from trio.testing import wait_all_tasks_blocked

from fh.bus.following import Following
from fh.bus.port import Delivery, Reconnected
from fh.contracts.event_log import Events, NoEventLog, NumberedEvent, numbered
from fh.contracts.published import PublishAction, PublishServiceAccount
from fh.errors import Unavailable


def event(count: int) -> PublishServiceAccount:
    return PublishServiceAccount(PublishAction.UPDATE, None, count)


class Log:
    """MR's log: `kept` events, the newest number, and what is thrown away already."""

    def __init__(self) -> None:
        self.kept: list[NumberedEvent] = []
        self.newest = 0
        self.trimmed_to = 0
        self.away = False
        self.absence: type[Unavailable] = Unavailable
        self.most = 100
        self.looks = 0

    def add(self) -> PublishServiceAccount:
        self.newest += 1
        made = event(self.newest)
        self.kept.append(numbered(self.newest, made))
        return made

    async def events_after(self, sequence: int) -> Events:
        self.looks += 1
        await trio.lowlevel.checkpoint()
        if self.away:
            raise self.absence
        if not self.trimmed_to <= sequence <= self.newest:
            return Events(self.newest, self.newest, lost=True)
        found = [each for each in self.kept if each.sequence > sequence]
        told = found[: self.most]
        up_to = told[-1].sequence if len(told) < len(found) else self.newest
        return Events(up_to, self.newest, tuple(told))


class Heard:
    def __init__(self) -> None:
        self.counts: list[int] = []
        self.reloads = 0
        self._changed = trio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        with trio.fail_after(10):
            while not condition():
                await self._changed.wait()

    async def deliver(self, delivery: Delivery, _: float | None = None) -> None:
        await trio.lowlevel.checkpoint()
        if isinstance(delivery, Reconnected):
            self.reloads += 1
        else:
            assert isinstance(delivery, PublishServiceAccount)
            self.counts.append(delivery.count)
        self._changed.set()
        self._changed = trio.Event()


@asynccontextmanager
async def following(log: Log, heard: Heard, **options) -> AsyncIterator[Following]:
    follower = Following(log, heard.deliver, **options)
    async with trio.open_nursery() as nursery:
        await nursery.start(follower.run)
        with trio.fail_after(60):
            await follower.reach(log.newest)
        yield follower
        nursery.cancel_scope.cancel()


async def test_who_begins_loads_everything_once_and_follows_from_there(autojump_clock) -> None:
    log, heard = Log(), Heard()
    for _ in range(5):
        log.add()
    async with following(log, heard) as follower:
        assert (follower.at, heard.counts, heard.reloads) == (5, [], 1)
        await follower.take(6, log.add())
        assert (follower.at, heard.counts) == (6, [6])


async def test_who_knows_where_it_was_is_told_only_what_it_missed(autojump_clock) -> None:
    log, heard = Log(), Heard()
    for _ in range(5):
        log.add()
    async with following(log, heard, begin=lambda: 3) as follower:
        assert (follower.at, heard.counts, heard.reloads) == (5, [4, 5], 0)


async def test_who_was_ahead_of_a_restored_database_loads_everything(autojump_clock) -> None:
    log, heard = Log(), Heard()
    log.add()
    async with following(log, heard, begin=lambda: 9) as follower:
        await heard.until(lambda: heard.reloads == 1)
        await wait_all_tasks_blocked()
        assert (follower.at, heard.counts) == (1, [])


async def test_what_arrives_in_order_needs_no_log(autojump_clock) -> None:
    log, heard = Log(), Heard()
    async with following(log, heard, look_seconds=1000) as follower:
        looks = log.looks
        for number in range(1, 50):
            await follower.take(number, log.add())
        assert (log.looks, follower.at, follower.statistics().repaired) == (looks, 49, 0)


async def test_a_gap_is_repaired_when_the_next_one_arrives(autojump_clock) -> None:
    log, heard = Log(), Heard()
    async with following(log, heard, look_seconds=1000) as follower:
        await follower.take(1, log.add())
        log.add()
        began = trio.current_time()
        await follower.take(3, log.add())
        with trio.fail_after(5):
            await follower.reach(3)
        assert trio.current_time() - began < 1
        assert heard.counts == [1, 3, 2]
        assert follower.statistics().repaired == 1


async def test_a_loss_at_the_end_is_found_by_looking(autojump_clock) -> None:
    log, heard = Log(), Heard()
    async with following(log, heard, look_seconds=2) as follower:
        await follower.take(1, log.add())
        log.add()
        began = trio.current_time()
        await heard.until(lambda: heard.counts == [1, 2])
        assert trio.current_time() - began < 3


async def test_a_reconnected_bus_is_looked_after_at_once(autojump_clock) -> None:
    log, heard = Log(), Heard()
    async with following(log, heard, look_seconds=1000) as follower:
        log.add()
        follower.look()
        await heard.until(lambda: heard.counts == [1])


async def test_events_that_overtake_each_other_are_no_loss(autojump_clock) -> None:
    log, heard = Log(), Heard()
    async with following(log, heard, look_seconds=1000, reorder_seconds=0.5) as follower:
        looks = log.looks
        first, second = log.add(), log.add()
        await follower.take(2, second)
        await follower.take(1, first)
        assert (follower.at, heard.counts) == (2, [2, 1])
        await trio.sleep(1)
        assert log.looks == looks + 1
        assert follower.statistics().repaired == 0


async def test_who_was_away_for_too_long_loads_everything(autojump_clock) -> None:
    log, heard = Log(), Heard()
    async with following(log, heard) as follower:
        for _ in range(10):
            log.add()
        log.kept, log.trimmed_to = log.kept[8:], 8
        with trio.fail_after(10):
            await follower.reach(10)
        assert (heard.reloads, heard.counts) == (2, [])


async def test_who_is_told_to_load_everything_is_told_no_less_than_what_was_lost(
    autojump_clock,
) -> None:
    log, seen = Log(), []

    async def deliver(delivery: Delivery, _: float | None) -> None:
        seen.append((type(delivery), follower.at, follower.as_of))

    follower = Following(log, deliver, begin=lambda: 3)
    log.newest = log.trimmed_to = 9
    async with trio.open_nursery() as nursery:
        await nursery.start(follower.run)
        with trio.fail_after(60):
            await follower.reach(9)
        nursery.cancel_scope.cancel()
    assert seen == [(Reconnected, 3, 9)]
    assert (follower.at, follower.as_of) == (9, 9)


async def test_until_everybody_was_told_to_load_everything_something_may_be_missing(
    autojump_clock,
) -> None:
    log, seen = Log(), []
    log.away, log.absence = True, NoEventLog

    async def deliver(_: Delivery, __: float | None) -> None:
        seen.append((follower.may_have_missed, follower.has_log))

    follower = Following(log, deliver)
    async with trio.open_nursery() as nursery:
        await nursery.start(follower.run)
        await trio.sleep(10)
        nursery.cancel_scope.cancel()
    assert (seen, follower.may_have_missed) == ([(True, False)], False)


async def test_a_restored_database_is_noticed(autojump_clock) -> None:
    log, heard = Log(), Heard()
    for _ in range(10):
        log.add()
    async with following(log, heard) as follower:
        log.kept, log.newest = log.kept[:4], 4
        await heard.until(lambda: heard.reloads == 2)
        await wait_all_tasks_blocked()
        assert follower.at == 4


async def test_a_number_that_mr_does_not_know_costs_one_look(autojump_clock) -> None:
    log, heard = Log(), Heard()
    async with following(log, heard, look_seconds=2.0) as follower:
        with capture_logs() as logs:
            await follower.take(9_000_000_000, event(77))
            await follower.take(8_000_000_000, event(78))
            await trio.sleep(1)
            looks = log.looks
            await trio.sleep(20)
            assert log.looks - looks == pytest.approx(10, abs=1)
            await follower.take(7_000_000_000, event(79))
            await trio.sleep(5)
        assert [line["event"] for line in logs] == ["event_number_unknown_to_mr"]
        assert follower.statistics().foreign == 3
        await follower.take(1, log.add())
        assert (follower.at, heard.counts) == (1, [77, 78, 79, 1])


async def test_what_is_announced_during_a_look_is_newer_than_it_and_not_foreign(
    autojump_clock,
) -> None:
    log, heard = Log(), Heard()
    answer = log.events_after

    async def late(sequence: int) -> Events:
        found = await answer(sequence)
        if log.newest == 0:
            log.add()
            await follower.take(2, log.add())
        return found

    log.events_after = late  # type: ignore[method-assign]
    follower = Following(log, heard.deliver, look_seconds=1000, begin=lambda: 0)
    async with trio.open_nursery() as nursery:
        await nursery.start(follower.run)
        with trio.fail_after(10):
            await follower.reach(2)
        nursery.cancel_scope.cancel()
    assert (heard.counts, follower.statistics().foreign) == ([2, 1], 0)


async def test_a_log_out_of_reach_is_looked_into_again(autojump_clock) -> None:
    log, heard = Log(), Heard()
    async with following(log, heard) as follower:
        log.away = True
        await follower.take(2, event(2))
        await trio.sleep(30)
        assert follower.at == 0
        log.add(), log.add()
        log.away = False
        with trio.fail_after(5):
            await follower.reach(2)
        assert heard.counts == [2, 1]
        assert follower.statistics().failed_looks > 3


async def test_a_log_out_of_reach_is_told_when_it_begins_and_when_it_ends(autojump_clock) -> None:
    log, heard = Log(), Heard()
    log.away = True
    follower = Following(log, heard.deliver, address="http://mr:8085")
    assert follower.obstacle == "the log of http://mr:8085: not looked into yet"
    async with trio.open_nursery() as nursery:
        with capture_logs() as logs:
            await nursery.start(follower.run)
            await trio.sleep(20)
            assert follower.obstacle == "the log of http://mr:8085: Unavailable"
            log.away = False
            await trio.sleep(20)
        assert follower.obstacle is None
        nursery.cancel_scope.cancel()
    told = [(line["log_level"], line["event"], line["address"]) for line in logs]
    assert [each for each in told if each[0] != "debug"] == [
        ("warning", "event_log_out_of_reach", "http://mr:8085"),
        ("info", "event_log_in_reach_again", "http://mr:8085"),
    ]
    assert follower.statistics().failed_looks > 3


async def test_events_of_somebody_who_does_not_number_are_passed_on(autojump_clock) -> None:
    log, heard = Log(), Heard()
    async with following(log, heard) as follower:
        await follower.take(0, event(77))
        assert (heard.counts, follower.at) == ([77], 0)


async def test_an_event_that_can_not_be_read_is_passed_over(autojump_clock) -> None:
    log, heard = Log(), Heard()
    async with following(log, heard) as follower:
        log.add()
        log.kept[0] = NumberedEvent(1, "nonsense", Raw(b"{}"))
        log.add()
        with capture_logs(), trio.fail_after(10):
            await follower.reach(2)
        assert heard.counts == [2]


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_the_bus_does_every_event_arrives(autojump_clock, seed: int) -> None:
    chance = random.Random(seed)
    log, heard = Log(), Heard()
    log.most = chance.randint(1, 5)
    async with following(log, heard) as follower:
        delayed: list[int] = []
        for number in range(1, 200):
            made = log.add()
            match chance.randint(0, 9):
                case 0 | 1:
                    pass  # lost
                case 2:
                    delayed.append(number)
                case 3:
                    await follower.take(number, made)
                    await follower.take(number, made)
                case _:
                    await follower.take(number, made)
            if delayed and chance.random() < 0.2:
                late = delayed.pop(chance.randrange(len(delayed)))
                await follower.take(late, event(late))
            if chance.random() < 0.1:
                await trio.sleep(chance.random())
        with trio.fail_after(5):
            await follower.reach(199)
        assert set(heard.counts) == set(range(1, 200))


async def test_without_a_log_everything_is_loaded_anew_whenever_the_bus_was_away(
    autojump_clock,
) -> None:
    log, heard = Log(), Heard()
    log.away, log.absence = True, NoEventLog
    follower = Following(log, heard.deliver)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            await nursery.start(follower.run)
            await heard.until(lambda: heard.reloads == 1)
            await follower.take(0, event(5))
            await trio.sleep(20)
            assert (heard.reloads, heard.counts, follower.has_begun) == (1, [5], True)
            follower.look()
            await heard.until(lambda: heard.reloads == 2)
            nursery.cancel_scope.cancel()
    assert [entry["event"] for entry in logs] == ["no_event_log"]


async def test_without_a_log_nothing_is_loaded_anew_where_nobody_wants_it(autojump_clock) -> None:
    log, heard = Log(), Heard()
    log.absence = NoEventLog
    log.away = True
    follower = Following(log, heard.deliver, reloads_without_log=False)
    async with trio.open_nursery() as nursery:
        await nursery.start(follower.run)
        await trio.sleep(20)
        assert (heard.reloads, follower.has_begun, follower.may_have_missed) == (0, True, False)
        # What numbers tell is made up for all the same.
        log.away = False
        log.newest = log.trimmed_to = 5
        await heard.until(lambda: heard.reloads == 1)
        nursery.cancel_scope.cancel()


async def test_without_a_log_nobody_waits_for_a_number(autojump_clock) -> None:
    log, heard = Log(), Heard()
    log.away, log.absence = True, NoEventLog
    follower = Following(log, heard.deliver)
    async with trio.open_nursery() as nursery:
        with trio.fail_after(60):
            nursery.start_soon(follower.reach, 0)  # before it is known
            await wait_all_tasks_blocked()
            await nursery.start(follower.run)
            await heard.until(lambda: heard.reloads == 1)
            await follower.reach(0)
        nursery.cancel_scope.cancel()
