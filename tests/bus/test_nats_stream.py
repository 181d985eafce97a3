"""A stream that keeps announcements bridges outages; whatever it can't bridge is told."""

import json
import random
import shutil
from contextlib import asynccontextmanager

import pytest
import trio
from structlog.testing import capture_logs

from fh.bus.errors import BusUnavailable, EventTooLarge
from fh.bus.nats import NatsBus
from fh.bus.nats_settings import StreamSettings
from fh.bus.port import Reconnected
from fh.contracts.event_log import NoEventLog
from fh.contracts.published import PublishAction, PublishServiceAccount
from tests.conformance.bus_worlds import Heard, jetstream_world, nats_world, quick_settings, until
from tests.faults.proxy import Losses, Proxy
from tests.nats_peer import open_peer

CACHE = "featurehub/mr-dacha2-channel"
STREAM = "fh-announcements"
QUICK = StreamSettings(heartbeat_seconds=0.1)  # the shortest there is
attentive = pytest.mark.parametrize("world", [QUICK], indirect=True, ids=["attentive"])
"""Notices silence soon, and now and then where there was none: the machine was busy elsewhere."""

HEADERS = {
    "ce-specversion": "1.0",
    "ce-id": "null",
    "ce-type": "publish-serviceaccount-v1",
    "ce-subject": "io.featurehub.events.service-account",
    "ce-source": "http://management-service/EMPTY",
    "content-type": "application/json",
}


def event(count):
    return PublishServiceAccount(PublishAction.UPDATE, None, count)


def events(first, last):
    return [event(count) for count in range(first, last + 1)]


@pytest.fixture(autouse=True)
async def bounded():
    with trio.fail_after(60):
        yield


@pytest.fixture
async def world(request, tmp_path):
    stream = getattr(request, "param", StreamSettings())
    async with jetstream_world(tmp_path, stream=stream) as world:
        yield world


@pytest.fixture
async def way(world, nursery):
    """What stands between one process and the server, and may fail."""
    proxy = Proxy(world.server.port, random.Random(1))
    nursery.start_soon(proxy.run)
    return proxy


async def ask(peer, subject, request=b""):
    """Return what JetStream answers."""
    await peer.publish(f"$JS.API.{subject}", request, reply="answers")
    return json.loads((await peer.receive()).data)


@asynccontextmanager
async def operator(world):
    async with open_peer(world.server.port) as peer:
        await peer.subscribe("answers")
        yield peer


async def publish(bus, first, last):
    for count in range(first, last + 1):
        await bus.publish(event(count), count)


async def test_whoever_was_cut_off_goes_on_where_it_stopped(world, way):
    heard = Heard()
    dacha = await world.join(("dacha", heard.subscriber()), port=way.port)
    mr = await world.join()
    await publish(mr, 1, 3)
    assert await heard.wait_for(3) == events(1, 3)
    for last in (20, 40):
        await way.cut()
        await publish(mr, last - 9, last)
        way.heal()
        await until(lambda last=last: event(last) in heard.events())
    assert heard.events() == [*events(1, 3), *events(11, 20), *events(31, 40)]
    assert (dacha.statistics().connects, dacha.statistics().resumed) == (3, 2)


async def test_whoever_was_cut_off_before_the_first_event_misses_none(world, way):
    heard = Heard()
    await world.join(("dacha", heard.subscriber()), port=way.port)
    await way.cut()
    await publish(await world.join(), 1, 5)
    way.heal()
    assert await heard.wait_for(5) == events(1, 5)


async def test_a_broker_that_comes_back_with_its_store_has_lost_nothing(world, way):
    heard = Heard()
    await world.join(("dacha", heard.subscriber()), port=way.port)
    mr = await world.join()
    await publish(mr, 1, 3)
    await heard.wait_for(3)
    await way.cut()
    await publish(mr, 4, 8)  # acknowledged, so it is kept
    world.server.kill()
    world.server.start()
    way.heal()
    await heard.wait_for(8)
    await until(lambda: mr.connected)
    await publish(mr, 9, 9)
    assert await heard.wait_for(9) == events(1, 9)


async def test_a_store_that_was_wiped_is_told(world, tmp_path):
    heard = Heard()
    dacha = await world.join(("dacha", heard.subscriber()))
    mr = await world.join()
    await publish(mr, 1, 3)
    await heard.wait_for(3)
    await world.take_away()
    shutil.rmtree(tmp_path / "store")
    await world.bring_back()
    await until(lambda: Reconnected() in heard.events())
    await publish(mr, 1, 2)  # as after a restore of the database, too
    assert await heard.wait_for(6) == [*events(1, 3), Reconnected(), *events(1, 2)]
    assert dacha.statistics().resumed == 0


@attentive
async def test_a_stream_that_is_deleted_is_made_anew_and_its_loss_is_told(world):
    heard = Heard()
    await world.join(("dacha", heard.subscriber()))
    mr = await world.join()
    await publish(mr, 1, 1)
    await heard.wait_for(1)
    async with operator(world) as peer:
        assert (await ask(peer, f"STREAM.DELETE.{STREAM}"))["success"]
    await until(lambda: Reconnected() in heard.events())
    await until(lambda: mr.statistics().connects >= 2 and mr.connected)
    await publish(mr, 2, 2)
    assert await heard.wait_for(3) == [event(1), Reconnected(), event(2)]


@attentive
async def test_a_consumer_that_is_lost_is_replaced_and_nothing_is_missing(world):
    heard = Heard()
    dacha = await world.join(("dacha", heard.subscriber()))
    async with operator(world) as peer:
        [name] = (await ask(peer, f"CONSUMER.NAMES.{STREAM}"))["consumers"]
        assert (await ask(peer, f"CONSUMER.DELETE.{STREAM}.{name}"))["success"]
        await peer.publish(CACHE, b'{"action":"UPDATE","count":1}', HEADERS)
    assert await heard.wait_for(1) == [event(1)]
    await until(lambda: dacha.statistics().resumed >= 1)


async def test_what_the_stream_no_longer_keeps_is_told(tmp_path, nursery):
    few = StreamSettings(messages=5)
    async with jetstream_world(tmp_path, stream=few) as world:
        way = Proxy(world.server.port, random.Random(1))
        nursery.start_soon(way.run)
        heard = Heard()
        await world.join(("dacha", heard.subscriber()), port=way.port)
        mr = await world.join()
        await publish(mr, 1, 2)
        await heard.wait_for(2)
        await way.cut()
        await publish(mr, 3, 20)
        way.heal()
        await until(lambda: Reconnected() in heard.events())
        await publish(mr, 21, 21)
        assert await heard.wait_for(4) == [*events(1, 2), Reconnected(), event(21)]
        nursery.cancel_scope.cancel()


@attentive
@pytest.mark.parametrize("more", [1, 0], ids=["noticed by the next", "noticed by a heartbeat"])
async def test_a_message_lost_on_its_way_is_fetched(world, way, more):
    heard = Heard()
    dacha = await world.join(("dacha", heard.subscriber()), port=way.port)
    mr = await world.join()
    way.lose(Losses(dropped=1.0))
    await publish(mr, 1, 1)
    await until(lambda: way.lost >= 1)
    way.heal()
    await publish(mr, 2, 1 + more)
    assert await heard.wait_for(1 + more) == events(1, 1 + more)
    await until(lambda: dacha.statistics().resumed >= 1)


async def test_a_bus_that_runs_again_says_so(world, open_service):
    heard = Heard()
    bus = NatsBus(world.island, quick_settings(world.server.url, stream=QUICK))
    bus.subscribe("dacha", heard.subscriber())
    async with open_service(bus):
        assert heard.deliveries == []
    async with open_service(bus):
        assert await heard.wait_for(1) == [Reconnected()]


async def test_an_event_that_is_published_again_is_kept_once(world):
    heard = Heard()
    await world.join(("dacha", heard.subscriber()))
    first, second = await world.join(), await world.join()
    await first.publish(event(1), 1)
    await second.publish(event(1), 1)  # the first one died before it had written that down
    await second.publish(event(2), 1)  # the same number after a restore of the database
    assert await heard.wait_for(2) == events(1, 2)
    assert second.statistics().published == 2


class NoLog:
    """An MR of another make."""

    async def events_after(self, sequence):
        await trio.lowlevel.checkpoint()
        raise NoEventLog("it keeps no events")


async def test_with_an_mr_that_keeps_no_events_an_outage_costs_no_reload(world, way, open_service):
    heard = Heard()
    settings = quick_settings(f"nats://127.0.0.1:{way.port}", stream=StreamSettings())
    dacha = NatsBus(world.island, settings, event_log=NoLog())
    dacha.subscribe("dacha", heard.subscriber())
    async with open_service(dacha), operator(world) as java:
        assert await heard.wait_for(1) == [Reconnected()]  # at its start
        await way.cut()
        await java.publish(CACHE, b'{"action":"UPDATE","count":1}', HEADERS)
        await java.sync()
        way.heal()
        assert await heard.wait_for(2) == [Reconnected(), event(1)]
        assert dacha.following.reloads == 1
        with trio.fail_after(10):
            while dacha.is_away:  # what waited may be heard before the connection counts as there
                await trio.lowlevel.checkpoint()


async def test_members_that_know_nothing_of_the_stream_notice_nothing(world):
    heard = Heard()
    party = await world.join(("dacha", heard.subscriber()))
    async with open_peer(world.server.port) as java:
        await java.subscribe(CACHE)
        await java.publish(CACHE, b'{"action":"UPDATE","count":1}', HEADERS)
        await java.receive()  # its own
        await heard.wait_for(1)
        await party.publish(event(2), 2)
        received = await java.receive()
        assert json.loads(received.headers["ce-fhsequence"]) == 2
        await java.publish(CACHE, b'{"action":"UPDATE","count":3}', HEADERS)
        assert await heard.wait_for(3) == events(1, 3)
        assert len(await java.receive_all()) == 1


async def test_nothing_is_published_that_the_stream_has_not_acknowledged(world):
    unnoticed = StreamSettings(heartbeat_seconds=10.0)
    mr = await world.join(stream=unnoticed)
    impatient = await world.join(stream=unnoticed, taken_seconds=0.2)
    async with operator(world) as peer:
        assert (await ask(peer, f"STREAM.DELETE.{STREAM}"))["success"]
        with pytest.raises(BusUnavailable, match="no stream keeps"):
            await mr.publish(event(1), 1)
        await peer.subscribe(CACHE)  # somebody hears it, and nobody keeps it
        with pytest.raises(BusUnavailable, match="timeout"):
            await impatient.publish(event(1), 1)
    assert (mr.statistics().published, impatient.statistics().published) == (0, 0)


async def made(world, **config):
    async with operator(world) as peer:
        request = {"name": STREAM, "subjects": [CACHE], "storage": "memory", **config}
        answer = await ask(peer, f"STREAM.CREATE.{STREAM}", json.dumps(request).encode())
        assert "error" not in answer, answer


async def test_a_stream_that_is_there_is_taken_as_it_is(world):
    await made(world, max_msg_size=1000, max_msgs=7)
    heard = Heard()
    await world.join(("dacha", heard.subscriber()))
    mr = await world.join()
    await publish(mr, 1, 1)
    assert await heard.wait_for(1) == [event(1)]
    with pytest.raises(EventTooLarge, match="1000 are taken"):
        await mr.publish(event(random.Random(1).getrandbits(12_000)), 2)
    async with operator(world) as peer:
        assert (await ask(peer, f"STREAM.INFO.{STREAM}"))["config"]["max_msgs"] == 7


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"subjects": ["elsewhere"]}, "name another one with fh.nats.jetstream.stream"),
        ({"subjects": [CACHE, "elsewhere"]}, "name another one with fh.nats.jetstream.stream"),
        ({"retention": "interest"}, "has to be `limits`"),
    ],
)
async def test_a_stream_that_is_of_no_use_is_refused_plainly(world, config, reason):
    await made(world, **config)
    with capture_logs() as logs:
        bus = await world.join()
    [told] = [line for line in logs if line["event"] == "nats_unreachable"]
    assert reason in told["reason"]
    with pytest.raises(BusUnavailable, match=reason.split()[0]):
        await bus.publish(event(1), 1)


async def test_a_server_without_jetstream_is_told(tmp_path):
    async with nats_world(tmp_path, stream=QUICK) as world:
        bus = await world.join()
        with pytest.raises(BusUnavailable, match=r"turn fh\.nats\.jetstream off"):
            await bus.publish(event(1), 1)
