from uuid import UUID

import pytest

from fh.contracts.event_log import Undecodable, decode_event
from fh.contracts.published import PublishAction, PublishServiceAccount
from fh.mr.event_log import DatabaseEventLog
from fh.mr.outbox import announce
from fh.mr.repositories import event_log
from fh.mr.repositories.outbox import Progress, settle, take_entries


def event(count: int) -> PublishServiceAccount:
    return PublishServiceAccount(PublishAction.UPDATE, None, count)


@pytest.fixture
def write(database):
    async def run(*counts: int) -> None:
        await database.transaction(lambda tx: announce(tx, *map(event, counts)))

    return run


@pytest.fixture
def publish(database):
    """Settle what waits, as if it had been published; some of it never will be."""

    async def run(*dead: int) -> None:
        async def work(tx):
            taken = [entry.id for entry in await take_entries(tx, UUID(int=1), 60.0, 1000)]
            published = tuple(taken_id for taken_id in taken if taken_id not in dead)
            await settle(tx, Progress(published, tuple((each, "bad") for each in dead)))

        await database.transaction(work)

    return run


@pytest.fixture
def log(database) -> DatabaseEventLog:
    return DatabaseEventLog(database)


def counts(events) -> list[int]:
    return [each.decoded().count for each in events.events]


async def test_nothing_was_announced_yet(log):
    events = await log.events_after(0)
    assert (events.up_to, events.newest, events.events) == (0, 0, ())


async def test_events_are_numbered_without_gaps_whether_announced_or_not(log, write, publish):
    await write(1, 2)
    await publish()
    await write(3)
    events = await log.events_after(0)
    assert (counts(events), events.up_to, events.newest) == ([1, 2, 3], 3, 3)
    assert [each.sequence for each in events.events] == [1, 2, 3]
    later = await log.events_after(2)
    assert (counts(later), later.up_to) == ([3], 3)


async def test_what_is_rolled_back_leaves_no_gap(log, write, database):
    await write(1)

    async def failing(tx):
        await announce(tx, event(2))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await database.transaction(failing)
    await write(3)
    events = await log.events_after(0)
    assert [(each.sequence, each.decoded().count) for each in events.events] == [(1, 1), (2, 3)]


async def test_who_is_ahead_or_too_far_behind_has_to_load_everything(database, log, write, publish):
    await write(*range(1, 8))
    await publish()
    for ahead in (8, 2**63 - 1):
        assert (await log.events_after(ahead)).lost
    await DatabaseEventLog(database, most_events=3).trim()
    assert (await log.events_after(3)).lost
    events = await log.events_after(4)
    assert counts(events) == [5, 6, 7]


async def test_the_log_is_bounded_in_bytes_too(database, log, write, publish):
    await write(*range(1, 8))
    await publish()
    size = len(b'{"action":"UPDATE","count":1}')
    await DatabaseEventLog(database, most_bytes=2 * size).trim()
    assert (await log.events_after(4)).lost
    assert not (await log.events_after(5)).lost
    assert (await log.events_after(99)).up_to == 7


async def test_an_event_larger_than_all_the_log_may_be_is_told_until_it_is_trimmed(
    database, log, write, publish
):
    await write(1)
    await publish()
    small = DatabaseEventLog(database, most_bytes=1)
    assert counts(await log.events_after(0)) == [1]
    await small.trim()
    assert (await small.events_after(0)).lost  # whoever has not read it loads everything
    await write(2)
    assert counts(await small.events_after(1)) == [2]


async def test_what_could_not_be_published_is_passed_over(log, write, publish):
    await write(1, 2, 3)
    await publish(3)
    events = await log.events_after(1)
    assert (counts(events), events.up_to, events.newest) == ([2], 3, 3)


async def test_many_events_come_in_parts(monkeypatch, log, write, publish):
    monkeypatch.setattr(event_log, "MOST_EVENTS", 3)
    await write(*range(1, 6))
    await publish()
    await write(6, 7)
    seen, at = [], 0
    while at < 7:
        events = await log.events_after(at)
        assert len(events.events) <= 3
        seen += counts(events)
        at = events.up_to
    assert seen == [1, 2, 3, 4, 5, 6, 7]


async def test_large_events_come_one_at_a_time(database, write):
    await write(1, 2, 3)
    events = await database.transaction(lambda tx: event_log.read_events_after(tx, 0, most_bytes=1))
    assert (counts(events), events.up_to, events.newest) == ([1], 1, 3)


def test_what_is_no_event_is_said_to_be_none() -> None:
    for kind, body in (("nonsense", b"{}"), ("environment", b"{}"), ("environment", b"\xff")):
        with pytest.raises(Undecodable):
            decode_event(kind, body)
