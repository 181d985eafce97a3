"""Servers die, freeze, move and come back; the bus says what may have been missed."""

import random

import pytest
import trio
from structlog.testing import capture_logs

from fh.aio import Island
from fh.bus.errors import BusUnavailable
from fh.bus.nats import NatsBus
from fh.bus.port import Reconnected
from fh.contracts.published import PublishAction, PublishFeatureValues, PublishServiceAccount
from fh.errors import Unavailable
from tests.conformance.bus_worlds import (
    Heard,
    nats_world,
    publish_when_possible,
    quick_settings,
    until,
)
from tests.nats_server import running_server

NOTHING = PublishServiceAccount(action=PublishAction.EMPTY)
FEATURES = PublishFeatureValues()


@pytest.fixture(autouse=True)
async def bounded():
    with trio.fail_after(60):
        yield


@pytest.fixture
async def world(tmp_path):
    async with nats_world(tmp_path) as world:
        yield world


async def test_killed_and_started_again_nothing_old_comes_up(world):
    heard = Heard()
    await world.join(("dacha", heard.subscriber()))
    mr = await world.join()
    for round_ in range(1, 4):
        await world.take_away()
        with pytest.raises(BusUnavailable):
            await mr.publish(FEATURES)
        await world.bring_back()
        await until(lambda count=round_: heard.events().count(Reconnected()) == count)
        await mr.publish(NOTHING)
        await until(lambda count=round_: heard.events().count(NOTHING) == count)
    assert FEATURES not in heard.events()  # it was refused, and so not kept for later
    assert mr.statistics().connects == 4


async def test_publishing_across_a_kill_either_arrives_or_is_refused(world):
    heard = Heard()
    dacha = await world.join(("dacha", heard.subscriber()))
    mr = await world.join()
    taken, refused = [], []

    async def publish():
        while not refused:
            try:
                await mr.publish(NOTHING)
            except Unavailable:
                refused.append(1)
            else:
                taken.append(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(publish)
        await until(lambda: len(taken) > 20)
        world.server.kill()
    world.server.start()
    await until(lambda: Reconnected() in heard.events())
    # What the server took in its last moment may be lost, and for that there is the notice.
    assert heard.events().index(Reconnected()) <= len(taken) + 1
    assert dacha.statistics().missed == 0


async def test_a_process_starts_without_a_server_and_finds_it_later(world):
    heard = Heard()
    world.server.kill()
    dacha = await world.join(("dacha", heard.subscriber()))
    assert not dacha.connected
    assert dacha.statistics().connects == 0
    with pytest.raises(BusUnavailable, match="not connected"):
        await dacha.publish(NOTHING)
    world.server.start()
    # Whoever has read since the start may have missed what was said meanwhile.
    await until(lambda: Reconnected() in heard.events())
    assert dacha.connected


async def test_a_bus_that_does_not_run_is_not_connected():
    bus = NatsBus(Island(), quick_settings("127.0.0.1:1"))
    assert not bus.connected
    with pytest.raises(BusUnavailable):
        await bus.publish(NOTHING)
    with pytest.raises(BusUnavailable):
        await bus.submit(None)


async def test_an_outage_is_told_once_and_its_end_once(world):
    with capture_logs() as logs:
        await world.join()
        await world.take_away()
        await until(lambda: sum(line["event"] == "nats_unreachable" for line in logs) > 5)
        await world.bring_back()
    told = [
        line["event"]
        for line in logs
        if line["event"].startswith("nats_") and line["log_level"] != "debug"
    ]
    assert told == ["nats_connected", "nats_connection_lost", "nats_unreachable", "nats_connected"]


async def test_a_frozen_server_takes_nothing_and_is_given_up(world):
    heard = Heard()
    bus = await world.join(
        ("dacha", heard.subscriber()), taken_seconds=0.2, ping_seconds=0.1, connect_seconds=0.2
    )
    world.server.freeze()
    try:
        await until(lambda: not bus.connected)
        with pytest.raises(BusUnavailable):
            await bus.publish(NOTHING)
    finally:
        world.server.thaw()
    await until(lambda: Reconnected() in heard.events())
    # Within a fifth of a second, which a server that has just been thawed need not manage at once.
    await publish_when_possible(bus, NOTHING)


async def test_publishing_to_a_frozen_server_ends_in_time(world):
    bus = await world.join(taken_seconds=0.2, connect_seconds=0.2, ping_seconds=60.0)
    world.server.freeze()
    try:
        with trio.fail_after(5), pytest.raises(BusUnavailable):
            await bus.publish(NOTHING)
    finally:
        world.server.thaw()
    await until(lambda: bus.connected)


@pytest.fixture
def cluster(tmp_path):
    """Two servers that pass on what either hears."""
    directories = tmp_path / "one", tmp_path / "two"
    for directory in directories:
        directory.mkdir()
    listen = "cluster { name: test, listen: 127.0.0.1:-1 }"
    with running_server(directories[0], config=listen) as first:
        route = f"nats://127.0.0.1:{first.cluster_port}"
        joined = f"cluster {{ name: test, listen: 127.0.0.1:-1, routes: [{route}] }}"
        with running_server(directories[1], config=joined) as second:
            yield first, second


class Choosing(random.Random):
    """Chance that puts one server first."""

    def __init__(self, first):
        super().__init__(first)
        self.first = first

    def sample(self, population, k):
        return [*population[self.first :], *population[: self.first]]


async def test_with_two_servers_one_is_enough(cluster, open_service):
    heard = Heard()
    settings = quick_settings(*(server.url for server in cluster))
    async with open_service(Island()) as island:
        dacha = NatsBus(island, settings, source=Choosing(0))
        dacha.subscribe("dacha", heard.subscriber())
        mr = NatsBus(island, settings, source=Choosing(1))
        async with open_service(dacha), open_service(mr):
            while not heard.deliveries:  # the servers may not have found each other yet
                await mr.publish(NOTHING)
            cluster[0].kill()
            await until(lambda: Reconnected() in heard.events())
            assert (dacha.statistics().connects, mr.statistics().connects) == (2, 1)
            await mr.publish(FEATURES)
            await until(lambda: FEATURES in heard.events())


async def test_a_server_that_leaves_slowly_is_left_without_a_false_alarm(tmp_path):
    config = "lame_duck_duration: 30s, lame_duck_grace_period: 20s"
    async with nats_world(tmp_path, config=config) as world:
        heard = Heard()
        await world.join(("dacha", heard.subscriber()))
        mr = await world.join()
        world.server.leave_slowly()
        await until(lambda: "lame duck" in world.server.log().lower())
        await mr.publish(NOTHING)
        assert await heard.wait_for(1) == [NOTHING]
        world.server.kill()  # it has the time that it was given


async def test_the_island_may_start_again(world, open_service):
    heard = Heard()
    other = Island()
    bus = NatsBus(other, quick_settings(world.server.url))
    bus.subscribe("dacha", heard.subscriber())
    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as island_nursery:
            await island_nursery.start(other.run)
            await nursery.start(bus.run)
            island_nursery.cancel_scope.cancel()
        await until(lambda: not bus.connected)
        with pytest.raises(Unavailable):
            await bus.publish(NOTHING)
        async with open_service(other):
            await until(lambda: Reconnected() in heard.events())
            await bus.publish(FEATURES)
            nursery.cancel_scope.cancel()


async def test_a_bus_may_run_again_and_says_so(world, open_service):
    heard = Heard()
    bus = NatsBus(world.island, quick_settings(world.server.url))
    bus.subscribe("dacha", heard.subscriber())
    async with open_service(bus):
        assert heard.deliveries == []
    assert not bus.connected
    async with open_service(bus):
        assert await heard.wait_for(1) == [Reconnected()]
