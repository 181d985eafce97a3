"""What every bus promises, whatever it runs on."""

from uuid import UUID

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.bus.errors import EventTooLarge
from fh.bus.port import Delivery, Reconnected
from fh.contracts.published import (
    CacheEnvironment,
    PublishAction,
    PublishEnvironment,
    PublishServiceAccount,
)
from fh.contracts.updates import StreamedFeatureUpdate
from fh.errors import Unavailable
from fh.model.ids import ApplicationId, EnvironmentId, OrganisationId, PortfolioId
from tests.conformance.bus_worlds import WAIT_SECONDS, WITH_BROKER, WORLDS, Heard, until
from tests.contracts.published_events import EVENTS
from tests.nats_peer import open_peer

UPDATE = StreamedFeatureUpdate("secret", EnvironmentId(UUID(int=1)), "flag", lock=True)
LAST = PublishServiceAccount(action=PublishAction.EMPTY)


def environment(version):
    return PublishEnvironment(
        environment=CacheEnvironment(id=EnvironmentId(UUID(int=1)), version=version),
        organisation_id=OrganisationId(UUID(int=2)),
        portfolio_id=PortfolioId(UUID(int=3)),
        application_id=ApplicationId(UUID(int=4)),
        action=PublishAction.UPDATE,
    )


with_broker = pytest.mark.parametrize("world", WITH_BROKER, indirect=True)


@pytest.fixture(params=WORLDS)
async def world(request, tmp_path):
    with trio.fail_after(60):
        async with WORLDS[request.param](tmp_path) as world:
            yield world


async def broken(_):
    await trio.lowlevel.checkpoint()
    raise ValueError("broken subscriber")


async def test_every_process_hears_every_kind_of_event_as_it_was_published(world):
    here, there = Heard(), Heard()
    publisher = await world.join(("here", here.subscriber()))
    await world.join(("there", there.subscriber()))
    events = [event for event, _ in EVENTS]
    for event in events:
        await publisher.publish(event)
    assert here.events() == events
    assert await there.wait_for(len(events)) == events


async def test_who_wants_to_know_is_told_when_a_change_was_committed(world):
    ages = {"here": [], "there": []}
    subscribers = {}
    for name, heard in ages.items():

        async def subscriber(_, committed_at, heard=heard):
            await trio.lowlevel.checkpoint()
            heard.append(committed_at)

        subscribers[name] = subscriber
    publisher = await world.join()
    publisher.subscribe_timed("here", subscribers["here"])
    follower = await world.join()
    follower.subscribe_timed("there", subscribers["there"])
    await publisher.publish(environment(1), committed_at=1_700_000_000.25)
    await until(lambda: ages["there"])
    assert ages == {"here": [1_700_000_000.25], "there": [1_700_000_000.25]}


async def test_the_publishers_own_process_has_heard_when_publishing_is_done(world):
    heard = Heard()
    publisher = await world.join(("one", heard.subscriber("one")), ("two", heard.subscriber("two")))
    await publisher.publish(environment(1))
    assert heard.deliveries == [("one", environment(1)), ("two", environment(1))]


async def test_subscribers_of_a_process_hear_in_the_order_of_subscribing(world):
    heard = Heard()
    await world.join(
        ("dacha", heard.subscriber("dacha")),
        ("edge", heard.subscriber("edge")),
    )
    publisher = await world.join()
    for version in (1, 2):
        await publisher.publish(environment(version))
    await heard.wait_for(4)
    assert heard.deliveries == [
        ("dacha", environment(1)),
        ("edge", environment(1)),
        ("dacha", environment(2)),
        ("edge", environment(2)),
    ]


async def test_what_one_publisher_says_arrives_in_its_order(world):
    heard = Heard()
    await world.join(("there", heard.subscriber()))
    publishers = [await world.join() for _ in range(3)]

    async def publish(number):
        for version in range(100):
            await publishers[number].publish(environment(1000 * number + version))

    async with trio.open_nursery() as nursery:
        for number in range(len(publishers)):
            nursery.start_soon(publish, number)
    versions = [event.environment.version for event in await heard.wait_for(300)]
    for number in range(len(publishers)):
        mine = [version for version in versions if version // 1000 == number]
        assert mine == [1000 * number + version for version in range(100)]


async def test_a_slow_subscriber_gets_everything_one_at_a_time(world):
    heard, inside = Heard(), []

    async def slow(delivery: Delivery) -> None:
        inside.append(delivery)
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        assert inside == [delivery]
        inside.clear()
        await heard.subscriber()(delivery)

    await world.join(("slow", slow))
    publishers = [await world.join() for _ in range(2)]
    async with trio.open_nursery() as nursery:
        for number, publisher in enumerate(publishers):
            for version in range(20):
                nursery.start_soon(publisher.publish, environment(100 * number + version))
    versions = {event.environment.version for event in await heard.wait_for(40)}
    assert versions == {*range(20), *range(100, 120)}


async def test_a_subscriber_that_is_stuck_for_long_hears_everything_or_is_told(world):
    heard, gate = Heard(), trio.Event()

    async def stuck(delivery: Delivery) -> None:
        await gate.wait()
        await heard.subscriber()(delivery)

    reader = await world.join(("stuck", stuck), waiting_messages=5)
    publisher = await world.join()
    async with trio.open_nursery() as nursery:
        for version in range(30):
            nursery.start_soon(publisher.publish, environment(version))
        if hasattr(reader.statistics(), "missed"):
            await until(lambda: reader.statistics().missed > 20)
        else:  # publishers without a broker wait for the subscriber
            await wait_all_tasks_blocked()
        gate.set()
    await publisher.publish(LAST)
    await until(lambda: LAST in heard.events() or Reconnected() in heard.events())
    told = heard.events().count(Reconnected())
    assert told or len(heard.events()) == 31
    assert told <= 1


async def test_a_broken_subscriber_costs_nobody_anything(world):
    there, here = Heard(), Heard()
    await world.join(("broken there", broken), ("there", there.subscriber()))
    publisher = await world.join(("broken here", broken), ("here", here.subscriber()))
    for version in (1, 2):
        await publisher.publish(environment(version))
    assert here.events() == [environment(1), environment(2)]
    assert await there.wait_for(2) == [environment(1), environment(2)]


async def test_who_subscribes_late_hears_from_then_on(world):
    heard = Heard()
    reader = await world.join(("early", heard.subscriber("early")))
    publisher = await world.join()
    await publisher.publish(environment(1))
    await heard.wait_for(1)
    reader.subscribe("late", heard.subscriber("late"))
    await publisher.publish(environment(2))
    await heard.wait_for(3)
    assert heard.deliveries == [
        ("early", environment(1)),
        ("early", environment(2)),
        ("late", environment(2)),
    ]


async def test_subscribing_again_replaces_in_place(world):
    heard = Heard()
    reader = await world.join(
        ("first", heard.subscriber("old")), ("second", heard.subscriber("second"))
    )
    reader.subscribe("first", heard.subscriber("new"))
    publisher = await world.join()
    await publisher.publish(environment(1))
    await heard.wait_for(2)
    assert heard.deliveries == [("new", environment(1)), ("second", environment(1))]


async def test_what_is_published_twice_arrives_twice_and_no_oftener(world):
    heard = Heard()
    await world.join(("there", heard.subscriber()))
    publisher = await world.join()
    for event in (environment(1), environment(1), LAST):
        await publisher.publish(event)
    assert await heard.wait_for(3) == [environment(1), environment(1), LAST]


async def test_a_cancelled_publisher_leaves_the_bus_in_order(world):
    heard = Heard()
    await world.join(("there", heard.subscriber()))
    publisher = await world.join()
    for _ in range(5):
        with trio.CancelScope() as scope:
            scope.cancel()
            await publisher.publish(environment(1))
    await publisher.publish(LAST)
    await until(lambda: LAST in heard.events())


async def test_nobody_listening_is_no_fault(world):
    publisher = await world.join()
    await publisher.publish(environment(1))


@with_broker
async def test_a_bus_that_was_away_refuses_and_says_so_when_it_is_back(world):
    heard = Heard()
    await world.join(("there", heard.subscriber()))
    publisher = await world.join()
    await world.take_away()
    with trio.fail_after(WAIT_SECONDS), pytest.raises(Unavailable):
        await publisher.publish(environment(1))
    await world.bring_back()
    assert await heard.wait_for(len(world.notice)) == world.notice
    await publisher.publish(environment(2))
    assert await heard.wait_for(len(world.notice) + 1) == [*world.notice, environment(2)]


@with_broker
async def test_while_the_bus_is_away_the_publishers_own_process_hears_all_the_same(world):
    heard = Heard()
    publisher = await world.join(("here", heard.subscriber()))
    await world.take_away()
    with pytest.raises(Unavailable):
        await publisher.publish(environment(1))
    assert heard.events() == [environment(1)]


async def test_without_an_outage_there_is_no_word_of_one(world):
    heard = Heard()
    await world.join(("there", heard.subscriber()))
    publisher = await world.join()
    await publisher.publish(LAST)
    assert await heard.wait_for(1) == [LAST]


@with_broker
async def test_what_can_not_be_read_is_put_aside_and_counted_and_the_next_is_heard(world):
    heard = Heard()
    reader = await world.join(("there", heard.subscriber()))
    publisher = await world.join()
    async with open_peer(world.server.port) as peer:
        await peer.subscribe("featurehub/dead-letters")
        await peer.publish("featurehub/mr-dacha2-channel", b"{", {"ce-specversion": "0.3"})
        letter = await peer.receive()
    await publisher.publish(LAST)
    assert await heard.wait_for(1) == [LAST]
    assert (letter.data, letter.headers["ce-specversion"]) == (b"{", "0.3")
    assert letter.headers["fh-subject"] == "featurehub/mr-dacha2-channel"
    assert letter.headers["fh-reason"] == "it%20is%20no%20CloudEvent%20of%20version%201.0"
    statistics = reader.statistics()
    assert (statistics.unreadable, statistics.dead_letters) == (1, 1)
    assert (statistics.connects, statistics.missed) == (1, 0)


@with_broker
async def test_what_is_too_large_is_refused_counted_and_keeps_nothing_from_the_next(world):
    heard = Heard()
    await world.join(("there", heard.subscriber()))
    publisher = await world.join(most_json_bytes=100)
    with pytest.raises(EventTooLarge, match="100 are taken at most") as refused:
        await publisher.publish(environment(1))
    assert not isinstance(refused.value, Unavailable)  # nobody should try it again
    await publisher.publish(LAST)
    assert await heard.wait_for(1) == [LAST]
    statistics = publisher.statistics()
    assert (statistics.too_large, statistics.published, statistics.connects) == (1, 1, 1)


class Applied:
    """A worker, and what it did."""

    def __init__(self) -> None:
        self.updates: list[StreamedFeatureUpdate] = []
        self.fault: Exception | None = None

    async def __call__(self, update: StreamedFeatureUpdate) -> None:
        await trio.lowlevel.checkpoint()
        self.updates.append(update)
        if self.fault is not None:
            raise self.fault


async def test_an_update_is_applied_when_it_is_submitted(world):
    applied = Applied()
    await world.join(worker=applied)
    edge = await world.join()
    await edge.submit(UPDATE)
    assert applied.updates == [UPDATE]


async def test_an_update_goes_to_one_of_many_workers(world):
    workers = [Applied() for _ in range(3)]
    for worker in workers:
        await world.join(worker=worker)
    edge = await world.join()
    async with trio.open_nursery() as nursery:
        for _ in range(60):
            nursery.start_soon(edge.submit, UPDATE)
    assert sum(len(worker.updates) for worker in workers) == 60


async def test_whoever_works_can_submit_too(world):
    applied = Applied()
    party = await world.join(worker=applied)
    await party.submit(UPDATE)
    assert applied.updates == [UPDATE]


async def test_an_update_that_nobody_takes_is_to_be_tried_again(world):
    edge = await world.join()
    with trio.fail_after(WAIT_SECONDS), pytest.raises(Unavailable):
        await edge.submit(UPDATE)


async def test_an_update_that_can_not_be_applied_for_now_is_to_be_tried_again(world):
    applied = Applied()
    applied.fault = Unavailable("the database is away")
    await world.join(worker=applied)
    edge = await world.join()
    with pytest.raises(Unavailable):
        await edge.submit(UPDATE)
    applied.fault = None
    await edge.submit(UPDATE)
    assert applied.updates == [UPDATE, UPDATE]


@with_broker
async def test_a_worker_is_found_again_after_an_outage(world):
    applied = Applied()
    await world.join(worker=applied)
    edge = await world.join()
    await world.take_away()
    with trio.fail_after(WAIT_SECONDS), pytest.raises(Unavailable):
        await edge.submit(UPDATE)
    await world.bring_back()
    await edge.submit(UPDATE)
    assert applied.updates == [UPDATE]


async def test_a_cancelled_submission_leaves_the_bus_in_order(world):
    applied, started = Applied(), trio.Event()

    async def stuck(update):
        started.set()
        await trio.sleep_forever()

    first = await world.join(worker=stuck)
    edge = await world.join()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(edge.submit, UPDATE)
            await started.wait()
            scope.cancel()
    assert scope.cancelled_caught
    first.work(applied)
    await edge.submit(UPDATE)
    assert applied.updates == [UPDATE]
