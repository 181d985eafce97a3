from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
import structlog
import trio

from fh.bus.errors import EventTooLarge
from fh.contracts.published import (
    CacheEnvironment,
    CacheEnvironmentFeature,
    CacheFeature,
    PublishAction,
    PublishEnvironment,
    PublishFeatureValue,
    PublishFeatureValues,
    PublishServiceAccount,
)
from fh.db.errors import DatabaseUnavailable
from fh.errors import Unavailable
from fh.model.feature_type import FeatureType
from fh.mr.outbox import OutboxPublisher, OutboxSettings, announce

EAGER = OutboxSettings(poll_seconds=0.02, first_pause_seconds=0.01, longest_pause_seconds=0.02)

APPEND = """WITH given AS (UPDATE event_position SET last = last + 1 RETURNING last)
INSERT INTO outbox (id, kind, body) SELECT last, 'environment', $1 FROM given RETURNING 1"""


def environment(version: int) -> PublishEnvironment:
    return PublishEnvironment(
        environment=CacheEnvironment(id=UUID(int=1), version=version),
        organisation_id=UUID(int=2),
        portfolio_id=UUID(int=3),
        application_id=UUID(int=4),
        action=PublishAction.UPDATE,
    )


class RecordingBus:
    """Keeps what is published; `fault` decides what happens instead."""

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[object](1000)
        self.fault = self._no_fault
        self.taken: list[int] = []

    async def _no_fault(self, event: object) -> None:
        pass

    async def publish(self, event: object, *_: object) -> None:
        await self.fault(event)
        if isinstance(event, PublishEnvironment):
            self.taken.append(event.environment.version)
        self._send.send_nowait(event)

    def subscribe(self, name: str, subscriber: object) -> None:
        raise NotImplementedError

    async def wait_for(self, count: int) -> list[object]:
        with trio.fail_after(10):
            return [await self._receive.receive() for _ in range(count)]


class FlakyDatabase:
    """The real database, or none."""

    def __init__(self, database) -> None:
        self._database = database
        self.away = False

    async def transaction(self, work, *, read_only=False):
        if self.away:
            await trio.lowlevel.checkpoint()
            raise DatabaseUnavailable("away for the test")
        return await self._database.transaction(work, read_only=read_only)


@asynccontextmanager
async def running(database, bus, **options):
    publisher = OutboxPublisher(database, bus, **{"settings": EAGER, **options})
    async with trio.open_nursery() as nursery:
        await nursery.start(publisher.run)
        yield publisher
        nursery.cancel_scope.cancel()


@pytest.fixture
def bus() -> RecordingBus:
    return RecordingBus()


@pytest.fixture
def write(database):
    async def run(*events):
        await database.transaction(lambda tx: announce(tx, *events))

    return run


@pytest.fixture
def rows(database):
    async def run(sql: str = "SELECT id, kind FROM outbox ORDER BY id", *args):
        return await database.transaction(lambda tx: tx.fetch(sql, *args))

    return run


@pytest.fixture
def until(rows):
    """Wait until a query gives a true value."""

    async def wait(sql: str) -> None:
        with trio.fail_after(10):
            while not (await rows(sql))[0][0]:
                await trio.lowlevel.checkpoint()

    return wait


async def test_each_kind_is_written_in_order_and_nothing_is_left_out_silently(write, rows):
    await write(environment(1), None, PublishServiceAccount(PublishAction.EMPTY))
    await write(PublishFeatureValues())
    await write()
    assert [row["kind"] for row in await rows()] == [
        "environment",
        "service-account",
        "feature-values",
    ]


async def test_what_is_rolled_back_is_never_announced(database, rows):
    async def fail(tx):
        await announce(tx, environment(1))
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 -- our own
        await database.transaction(fail)
    assert await rows() == []


async def test_nobody_announces_between_anothers_announcement_and_commit(database, rows):
    async def announce_slowly(tx):
        await announce(tx, environment(1))
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        # The first one goes on when the second one waits, the second when the first is done.
        while not await tx.fetchval(waiting) and await tx.fetchval(
            "SELECT count(*) = 1 FROM outbox"
        ):
            await tx.fetchval("SELECT pg_sleep(0.001)")

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.transaction, announce_slowly)
            nursery.start_soon(database.transaction, announce_slowly)
    [first, second] = await rows("SELECT xmin::text::bigint AS writer FROM outbox ORDER BY id")
    assert first["writer"] != second["writer"]


async def test_events_follow_the_order_of_the_commits(database, bus, rows):
    """Writers count a row up; whoever commits first must be announced first."""
    await rows("CREATE TABLE counter AS SELECT 0 AS count")

    async def count_up(tx):
        count = await tx.fetchval("UPDATE counter SET count = count + 1 RETURNING count")
        await announce(tx, environment(count))

    async with running(database, bus):
        async with trio.open_nursery() as nursery:
            for _ in range(40):
                nursery.start_soon(database.transaction, count_up)
        await bus.wait_for(40)
    assert bus.taken == list(range(1, 41))


async def test_published_events_are_deleted(database, bus, write, rows):
    key = CacheEnvironmentFeature(CacheFeature(uuid4(), "k", FeatureType.STRING, 1))
    feature = PublishFeatureValues((PublishFeatureValue(PublishAction.CREATE, UUID(int=1), key),))
    await write(environment(1), feature)
    async with running(database, bus) as publisher:
        assert await bus.wait_for(2) == [environment(1), feature]
        assert publisher.statistics().published == 2
    assert await rows() == []
    assert await rows("SELECT * FROM outbox_lease") == []


async def test_a_notification_wakes_the_publisher(database, bus, write):
    lazy = OutboxSettings(poll_seconds=3600)
    async with running(database, bus, listen=database.listen, settings=lazy):
        for version in range(3):
            await write(environment(version))
            await bus.wait_for(1)
    assert bus.taken == [0, 1, 2]


async def test_a_callback_wakes_the_publisher(database, bus, write, until):
    async with running(database, bus, settings=OutboxSettings(poll_seconds=3600)) as publisher:
        await write(environment(1))
        publisher.changed()
        await bus.wait_for(1)


async def test_a_listener_that_fails_leaves_polling(database, bus, write):
    @asynccontextmanager
    async def broken(channel):
        raise DatabaseUnavailable("no listening today")
        yield

    await write(environment(1))
    async with running(database, bus, listen=broken):
        await bus.wait_for(1)
        await write(environment(2))
        await bus.wait_for(1)


async def test_more_than_a_batch_is_published_in_order(database, bus, write):
    await write(*(environment(version) for version in range(25)))
    small = OutboxSettings(poll_seconds=3600, batch=10)
    async with running(database, bus, settings=small):
        await bus.wait_for(25)
    assert bus.taken == list(range(25))


async def test_a_bus_that_is_away_delays_but_loses_nothing(database, bus, write, rows):
    failures = 0

    async def away_at_first(event) -> None:
        nonlocal failures
        if event.environment.version == 2 and failures < 4:
            failures += 1
            raise Unavailable("no bus")

    bus.fault = away_at_first
    await write(*(environment(version) for version in range(1, 5)))
    with structlog.testing.capture_logs() as logs:
        async with running(database, bus) as publisher:
            await bus.wait_for(4)
            with trio.fail_after(10):
                while not any(entry["event"] == "outbox_recovered" for entry in logs):
                    await trio.lowlevel.checkpoint()
    assert bus.taken == [1, 2, 3, 4]  # each once, although the batch was read again
    assert publisher.statistics().failed == 4
    assert [entry["event"] for entry in logs if entry["log_level"] != "debug"] == [
        "outbox_delayed",
        "outbox_recovered",
    ]
    assert await rows() == []


async def test_a_database_that_is_away_delays_but_loses_nothing(database, bus, write, rows):
    flaky = FlakyDatabase(database)
    await write(environment(1))
    async with running(flaky, bus) as publisher:
        await bus.wait_for(1)
        flaky.away = True
        await write(environment(2))
        publisher.changed()
        await trio.testing.wait_all_tasks_blocked()
        flaky.away = False
        await bus.wait_for(1)
    assert bus.taken == [1, 2]
    assert await rows() == []


async def test_a_crash_between_publishing_and_deleting_loses_nothing(database, bus, write, rows):
    flaky = FlakyDatabase(database)
    short = OutboxSettings(poll_seconds=0.02, lease_seconds=0.3)
    await write(environment(1), environment(2))

    async def crash_after_first(event) -> None:
        if event.environment.version == 2:
            flaky.away = True  # so nothing can be written down any more
            await trio.sleep_forever()

    bus.fault = crash_after_first
    async with running(flaky, bus, settings=short):
        await bus.wait_for(1)
        await trio.testing.wait_all_tasks_blocked()
    assert len(await rows()) == 2

    bus.fault = bus._no_fault
    async with running(database, bus, settings=short):
        await bus.wait_for(2)
    assert bus.taken == [1, 1, 2]  # again, but in order
    assert await rows() == []


async def test_of_two_publishers_one_at_a_time_publishes(database, bus, write, rows):
    async with running(database, bus) as one, running(database, bus) as other:
        for start in range(0, 60, 3):
            await write(*(environment(version) for version in range(start, start + 3)))
            one.changed()
            other.changed()
        await bus.wait_for(60)
    assert bus.taken == list(range(60))
    assert await rows() == []


async def test_a_slow_bus_keeps_the_lease_alive(database, bus, write, until):
    release = trio.Event()

    async def slow(event) -> None:
        await release.wait()

    bus.fault = slow
    settings = OutboxSettings(poll_seconds=0.02, lease_seconds=1.0)
    await write(environment(1))
    other_bus = RecordingBus()
    async with running(database, bus, settings=settings):
        await until("SELECT count(*) = 1 FROM outbox_lease")
        async with running(database, other_bus, settings=settings):
            # Long after the first lease would have ended it is still held.
            await until(
                "SELECT clock_timestamp() > when_created + interval '2.5 seconds' FROM outbox"
            )
            assert other_bus.taken == []
            release.set()
            await bus.wait_for(1)
    assert other_bus.taken == []


async def test_who_can_not_extend_the_lease_stops_publishing(database, bus, write):
    flaky = FlakyDatabase(database)
    interrupted = trio.Event()

    async def hang_once(event) -> None:
        if not interrupted.is_set():
            flaky.away = True
            try:
                await trio.sleep_forever()
            finally:
                interrupted.set()

    bus.fault = hang_once
    await write(environment(1))
    async with running(flaky, bus, settings=OutboxSettings(poll_seconds=0.02, lease_seconds=0.15)):
        with trio.fail_after(10):
            await interrupted.wait()
        flaky.away = False
        await bus.wait_for(1)


async def test_a_lease_that_somebody_left_behind_expires(database, bus, write, rows):
    await rows(
        "INSERT INTO outbox_lease (holder, expires_at) "
        "VALUES (gen_random_uuid(), clock_timestamp() + interval '0.2 seconds') RETURNING 1"
    )
    await write(environment(1))
    async with running(database, bus):
        await bus.wait_for(1)


async def test_what_can_not_be_decoded_is_moved_aside(database, bus, write, rows, until):
    await write(environment(1))
    for body in (b"{}", b"not json", b"[" * 100_000, b'{"\xff":1}'):
        await rows(APPEND, body)
    await write(environment(2))
    async with running(database, bus) as publisher:
        await bus.wait_for(2)
        await until("SELECT count(*) = 4 FROM outbox_dead")
    assert bus.taken == [1, 2]
    assert publisher.statistics().dead == 4
    assert await rows() == []
    dead = await rows("SELECT reason, body FROM outbox_dead ORDER BY id")
    assert "decoded" in dead[0]["reason"]
    assert dead[1]["body"] == b"not json"


@pytest.mark.parametrize(("refusal", "most"), [(ValueError(), 3), (EventTooLarge("it", 2, 1), 1)])
async def test_what_the_bus_never_takes_is_in_the_log(database, bus, write, until, refusal, most):
    attempts = 0

    async def refuse(event) -> None:
        nonlocal attempts
        if event.environment.version == 2:
            attempts += 1
            raise refusal

    bus.fault = refuse
    await write(environment(1), environment(2), environment(3))
    async with running(database, bus) as publisher:
        await bus.wait_for(2)
        await until("SELECT count(*) = 3 FROM event_log WHERE NOT EXISTS (TABLE outbox_dead)")
    assert (bus.taken, attempts) == ([1, 3], most)
    assert (publisher.statistics().failed, publisher.statistics().dead) == (most, 1)


async def test_the_lag_is_the_age_of_the_oldest(database, bus, write, rows):
    await write(environment(1))
    await rows("UPDATE outbox SET when_created = now() - interval '90 seconds' RETURNING 1")
    held = trio.Event()

    async def hold(event) -> None:
        held.set()
        await trio.sleep_forever()

    bus.fault = hold
    async with running(database, bus) as publisher:
        await held.wait()
        assert 89 < publisher.statistics().lag_seconds < 120
