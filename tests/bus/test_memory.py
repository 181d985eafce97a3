from uuid import UUID

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import wait_all_tasks_blocked

from fh.bus.memory import MemoryBus, MemoryBusStatistics
from fh.bus.port import Delivery, Subscriber
from fh.contracts.published import PublishAction, PublishFeatureValues, PublishServiceAccount
from fh.contracts.updates import StreamedFeatureUpdate
from fh.errors import Unavailable
from fh.model.ids import EnvironmentId

FIRST = PublishFeatureValues()
SECOND = PublishServiceAccount(action=PublishAction.EMPTY)


class Heard:
    """What subscribers were given, in the order in which they were given it."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[str, Delivery]] = []

    def subscriber(self, name: str) -> Subscriber:
        async def receive(delivery: Delivery) -> None:
            await trio.lowlevel.checkpoint()
            self.deliveries.append((name, delivery))

        return receive

    def gated(self, name: str, gate: trio.Event) -> Subscriber:
        async def receive(delivery: Delivery) -> None:
            await gate.wait()
            self.deliveries.append((name, delivery))

        return receive


async def broken(_: Delivery) -> None:
    await trio.lowlevel.checkpoint()
    raise ValueError("broken subscriber")


async def test_every_subscriber_hears_every_event_in_the_order_of_subscribing() -> None:
    bus, heard = MemoryBus(), Heard()
    bus.subscribe("dacha", heard.subscriber("dacha"))
    bus.subscribe("edge", heard.subscriber("edge"))
    await bus.publish(FIRST)
    await bus.publish(SECOND)
    assert heard.deliveries == [
        ("dacha", FIRST),
        ("edge", FIRST),
        ("dacha", SECOND),
        ("edge", SECOND),
    ]


async def test_publishing_waits_until_each_subscriber_has_taken_the_event(
    nursery: trio.Nursery,
) -> None:
    bus, heard, gate, published = MemoryBus(), Heard(), trio.Event(), trio.Event()
    bus.subscribe("slow", heard.gated("slow", gate))
    bus.subscribe("next", heard.subscriber("next"))

    async def publish() -> None:
        await bus.publish(FIRST)
        published.set()

    nursery.start_soon(publish)
    await wait_all_tasks_blocked()
    assert not published.is_set()
    assert heard.deliveries == []
    gate.set()
    await published.wait()
    assert heard.deliveries == [("slow", FIRST), ("next", FIRST)]


async def test_publishers_take_turns(nursery: trio.Nursery) -> None:
    bus, heard, gate = MemoryBus(), Heard(), trio.Event()
    bus.subscribe("slow", heard.gated("slow", gate))
    bus.subscribe("next", heard.subscriber("next"))
    nursery.start_soon(bus.publish, FIRST)
    await wait_all_tasks_blocked()
    nursery.start_soon(bus.publish, SECOND)
    await wait_all_tasks_blocked()
    gate.set()
    await wait_all_tasks_blocked()
    assert heard.deliveries == [
        ("slow", FIRST),
        ("next", FIRST),
        ("slow", SECOND),
        ("next", SECOND),
    ]


async def test_one_broken_subscriber_does_not_cost_the_others_theirs() -> None:
    bus, heard = MemoryBus(), Heard()
    bus.subscribe("broken", broken)
    bus.subscribe("sound", heard.subscriber("sound"))
    with capture_logs() as logs:
        await bus.publish(FIRST)
        await bus.publish(SECOND)
    assert heard.deliveries == [("sound", FIRST), ("sound", SECOND)]
    assert bus.statistics() == MemoryBusStatistics(published=2, failed_deliveries=2, subscribers=2)
    assert [(line["event"], line["subscriber"]) for line in logs] == [
        ("delivery_failed", "broken"),
        ("delivery_failed", "broken"),
    ]


async def test_a_cancelled_publisher_leaves_its_turn_to_the_next() -> None:
    bus, heard = MemoryBus(), Heard()
    bus.subscribe("stuck", heard.gated("stuck", trio.Event()))
    with trio.CancelScope() as scope:
        scope.cancel()
        await bus.publish(FIRST)
    assert scope.cancelled_caught
    bus.subscribe("stuck", heard.subscriber("freed"))
    await bus.publish(SECOND)
    assert heard.deliveries == [("freed", SECOND)]


async def test_subscribing_again_replaces_in_place() -> None:
    bus, heard = MemoryBus(), Heard()
    bus.subscribe("first", heard.subscriber("old"))
    bus.subscribe("second", heard.subscriber("second"))
    bus.subscribe("first", heard.subscriber("new"))
    await bus.publish(FIRST)
    assert heard.deliveries == [("new", FIRST), ("second", FIRST)]
    assert bus.statistics().subscribers == 2


async def test_who_subscribes_during_a_delivery_hears_from_the_next_event_on() -> None:
    bus, heard = MemoryBus(), Heard()

    async def subscribe_another(_: Delivery) -> None:
        await trio.lowlevel.checkpoint()
        bus.subscribe("late", heard.subscriber("late"))

    bus.subscribe("first", subscribe_another)
    await bus.publish(FIRST)
    assert heard.deliveries == []
    await bus.publish(SECOND)
    assert heard.deliveries == [("late", SECOND)]


async def test_nobody_listening_is_no_fault() -> None:
    bus = MemoryBus()
    await bus.publish(FIRST)
    assert bus.statistics() == MemoryBusStatistics(published=1, failed_deliveries=0, subscribers=0)


UPDATE = StreamedFeatureUpdate("secret", EnvironmentId(UUID(int=1)), "flag", lock=True)


async def test_an_update_is_submitted_when_the_worker_is_done_with_it() -> None:
    bus, applied = MemoryBus(), []

    async def worker(update: StreamedFeatureUpdate) -> None:
        await trio.lowlevel.checkpoint()
        applied.append(update)

    bus.work(worker)
    await bus.submit(UPDATE)
    assert applied == [UPDATE]


async def test_without_a_worker_or_when_it_can_not_an_update_is_to_be_tried_again() -> None:
    async def away(_: StreamedFeatureUpdate) -> None:
        await trio.lowlevel.checkpoint()
        raise Unavailable

    bus = MemoryBus()
    with pytest.raises(Unavailable):
        await bus.submit(UPDATE)
    bus.work(away)
    with pytest.raises(Unavailable):
        await bus.submit(UPDATE)


def test_an_update_does_not_show_its_secret() -> None:
    assert "secret" not in repr(UPDATE)
