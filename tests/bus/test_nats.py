"""What only a bus with a broker does: Java at the other end, slow readers, acknowledgements."""

import gzip
import json
from uuid import UUID

import pytest
import trio
from structlog.testing import capture_logs

from fh.bus.errors import BusUnavailable, EventTooLarge
from fh.bus.port import Reconnected
from fh.contracts.published import (
    CacheEnvironment,
    PublishAction,
    PublishEnvironment,
    PublishFeatureValues,
    PublishServiceAccount,
)
from fh.contracts.updates import StreamedFeatureUpdate
from fh.errors import Unavailable
from fh.model.ids import ApplicationId, EnvironmentId, OrganisationId, PortfolioId
from tests.conformance.bus_worlds import Heard, nats_world, until
from tests.contracts.published_events import EVENTS
from tests.nats_peer import open_peer

CACHE = "featurehub/mr-dacha2-channel"
EDGE = "featurehub/mr-edge-channel"
UPDATES = "featurehub/mr-updates-queue"
FEATURES, FEATURES_JSON = EVENTS[4]
NOTHING = PublishServiceAccount(action=PublishAction.EMPTY)
UPDATE = StreamedFeatureUpdate("secret", EnvironmentId(UUID(int=1)), "flag", lock=True)
UPDATE_JSON = {
    "apiKey": "secret",
    "environmentId": "00000000-0000-0000-0000-000000000001",
    "featureKey": "flag",
    "lock": True,
}
UPDATE_HEADERS = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-type": "feature-update-v1",
    "ce-subject": "io.featurehub.edge.feature-update",
    "ce-source": "http://edge",
    "content-type": "application/json",
}


def environment(info):
    return PublishEnvironment(
        environment=CacheEnvironment(id=EnvironmentId(UUID(int=1)), version=1, info=info),
        organisation_id=OrganisationId(UUID(int=2)),
        portfolio_id=PortfolioId(UUID(int=3)),
        application_id=ApplicationId(UUID(int=4)),
        action=PublishAction.UPDATE,
    )


@pytest.fixture
async def world(tmp_path):
    with trio.fail_after(60):
        async with nats_world(tmp_path) as world:
            yield world


@pytest.fixture
async def peer(world):
    async with open_peer(world.server.port) as peer:
        yield peer


async def test_java_hears_features_on_both_channels_and_the_rest_on_one(world, peer):
    for subject in (CACHE, EDGE):
        await peer.subscribe(subject)
    mr = await world.join()
    for event, _ in EVENTS:
        await mr.publish(event)
    received = await peer.receive_all()
    kinds = [(each.subject, each.headers["ce-type"]) for each in received]
    assert kinds == [
        (CACHE, "publish-environment-v1"),
        (CACHE, "publish-environment-v1"),
        (CACHE, "publish-serviceaccount-v1"),
        (CACHE, "publish-serviceaccount-v1"),
        (CACHE, "publish-feature-v1"),
        (EDGE, "publish-feature-v1"),
        (CACHE, "publish-feature-v1"),
        (EDGE, "publish-feature-v1"),
    ]
    features = received[4]
    assert {name: text for name, text in features.headers.items() if name != "ce-time"} == {
        "ce-specversion": "1.0",
        "ce-type": "publish-feature-v1",
        "ce-subject": "io.featurehub.events.feature-values",
        "ce-source": "http://management-service/UPDATE",
        "ce-id": "00000000-0000-0000-0000-000000000009/NEW_MENU",
        "content-type": "application/json+gzip",
    }
    assert json.loads(gzip.decompress(features.data)) == FEATURES_JSON
    assert received[5].data == features.data


async def test_the_channels_are_called_as_the_settings_say(world, peer):
    await peer.subscribe(">")
    mr = await world.join(cache_subject="other/cache", edge_subject="")
    await mr.publish(FEATURES)
    assert [each.subject for each in await peer.receive_all()] == ["other/cache"]


async def test_what_java_publishes_is_heard(world, peer):
    heard = Heard()
    await world.join(("dacha", heard.subscriber()))
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "null",
        "ce-type": "publish-serviceaccount-v1",
        "ce-subject": "io.featurehub.events.service-account",
        "ce-source": "http://management-service/EMPTY",
        "ce-time": "2026-07-23T07:50Z",
        "ce-traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    body = b'{"action":"EMPTY","count":0,"more":{}}'
    await peer.publish(CACHE, body, {**headers, "content-type": "application/json"})
    packed = {**headers, "content-type": "application/json+gzip"}
    await peer.publish(CACHE, gzip.compress(body), packed)
    await peer.publish(CACHE, body, packed)
    assert await heard.wait_for(3) == [NOTHING] * 3


async def test_updates_on_the_channel_of_announcements_are_for_nobody(world, peer):
    heard = Heard()
    dacha = await world.join(("dacha", heard.subscriber()))
    await peer.publish(CACHE, json.dumps(UPDATE_JSON).encode(), UPDATE_HEADERS)
    await (await world.join()).publish(NOTHING)
    assert await heard.wait_for(1) == [NOTHING]
    assert dacha.statistics().unreadable == 0


async def test_a_publisher_hears_its_own_events_once(world):
    mine, theirs = Heard(), Heard()
    here = await world.join(("mine", mine.subscriber()))
    there = await world.join(("theirs", theirs.subscriber()))
    await here.publish(FEATURES)
    await theirs.wait_for(1)
    await there.publish(NOTHING)
    assert await mine.wait_for(2) == [FEATURES, NOTHING]


async def test_a_large_event_crosses(world):
    heard = Heard()
    await world.join(("dacha", heard.subscriber()))
    large = environment({str(number): "text" * 100 for number in range(5_000)})
    await (await world.join()).publish(large)
    assert await heard.wait_for(1) == [large]


async def test_an_event_that_is_too_large_for_the_server_is_refused_and_the_next_is_not(tmp_path):
    with trio.fail_after(60):
        async with nats_world(tmp_path, config="max_payload: 600") as world:
            heard = Heard()
            await world.join(("dacha", heard.subscriber()))
            mr = await world.join()
            noise = environment({"noise": "".join(f"{hash((n,)):x}" for n in range(200))})
            with pytest.raises(EventTooLarge, match="600 are taken") as refused:
                await mr.publish(noise)
            assert not isinstance(refused.value, Unavailable)  # trying again changes nothing
            with pytest.raises(EventTooLarge):
                await mr.submit(
                    StreamedFeatureUpdate(
                        "secret",
                        EnvironmentId(UUID(int=1)),
                        "flag",
                        value_string=noise.environment.info["noise"],
                    )
                )
            await mr.publish(NOTHING)
            assert await heard.wait_for(1) == [NOTHING]
            assert mr.statistics().too_large == 1
            assert mr.statistics().connects == 1


async def test_an_event_that_no_reader_would_take_is_refused(world):
    mr = await world.join(most_json_bytes=1000)
    with pytest.raises(EventTooLarge):
        await mr.publish(environment({"zeros": "0" * 1000}))


async def test_a_subscriber_that_is_too_slow_misses_some_and_is_told(world):
    heard, gate, begun = Heard(), trio.Event(), []

    async def slow(delivery):
        begun.append(delivery)
        await gate.wait()
        await heard.subscriber()(delivery)

    dacha = await world.join(("dacha", slow), waiting_messages=5)
    mr = await world.join()
    for _ in range(30):
        await mr.publish(NOTHING)
    # All have arrived, or those that come while it goes on could be too many once more.
    await until(lambda: len(begun) + dacha.statistics().waiting + dacha.statistics().missed == 30)
    assert dacha.statistics().waiting <= 5
    gate.set()
    deliveries = await heard.wait_for(1)
    await until(lambda: Reconnected() in heard.events())
    assert deliveries[0] == NOTHING
    assert heard.events().count(Reconnected()) == 1
    missed = dacha.statistics().missed
    assert 0 < missed <= 25
    await mr.publish(FEATURES)
    await until(lambda: FEATURES in heard.events())
    assert dacha.statistics().missed == missed


async def test_an_update_as_java_reads_it(world, peer):
    await peer.subscribe(UPDATES, "featurehub/mr-update")
    edge = await world.join(acknowledged=False)
    await edge.submit(UPDATE)  # and nobody answers
    received = await peer.receive()
    assert received.headers["ce-type"] == "feature-update-v1"
    assert received.headers["ce-cachename"] == "default"
    assert UUID(received.headers["ce-id"])
    assert json.loads(gzip.decompress(received.data)) == UPDATE_JSON
    assert received.reply == ""
    assert edge.statistics().submitted == 1


async def test_an_update_that_java_sends_is_applied_and_nobody_is_answered(world, peer):
    applied = Heard()
    mr = await world.join(worker=applied.subscriber())
    await peer.publish(UPDATES, json.dumps(UPDATE_JSON).encode(), UPDATE_HEADERS)
    assert await applied.wait_for(1) == [UPDATE]
    await until(lambda: mr.statistics().applied == 1)


async def test_a_java_mr_shares_the_work_with_ours(world, peer):
    await peer.subscribe(UPDATES, "featurehub/mr-update")
    applied = Heard()
    mr = await world.join(worker=applied.subscriber())
    async with open_peer(world.server.port) as java_edge:
        for _ in range(40):
            await java_edge.publish(UPDATES, json.dumps(UPDATE_JSON).encode(), UPDATE_HEADERS)
        await java_edge.sync()
    theirs = len(await peer.receive_all())
    await until(lambda: mr.statistics().applied + theirs == 40)
    assert applied.events() == [UPDATE] * (40 - theirs)
    assert 0 < theirs < 40


async def test_work_that_begins_late_is_found(world, peer):
    applied = Heard()
    mr = await world.join()
    mr.work(applied.subscriber())
    while not applied.deliveries:
        await peer.publish(UPDATES, json.dumps(UPDATE_JSON).encode(), UPDATE_HEADERS)
        await peer.sync()
    assert applied.events()[0] == UPDATE


async def test_updates_come_from_every_channel_that_is_named(world, peer):
    applied = Heard()
    await world.join(worker=applied.subscriber(), update_subjects=("a", "b"))
    for subject in ("a", "b"):
        await peer.publish(subject, json.dumps(UPDATE_JSON).encode(), UPDATE_HEADERS)
    assert await applied.wait_for(2) == [UPDATE, UPDATE]


async def test_whoever_does_not_answer_in_time_is_given_up(world, peer):
    await peer.subscribe(UPDATES, "featurehub/mr-update")
    edge = await world.join(applied_seconds=0.05)
    with pytest.raises(BusUnavailable):
        await edge.submit(UPDATE)


async def test_an_answer_from_something_else_is_no_acknowledgement(world, peer):
    await peer.subscribe(UPDATES, "featurehub/mr-update")
    edge = await world.join()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer_with, peer, b'{"stream":"kept","seq":1}')
        with pytest.raises(BusUnavailable, match="does not apply"):
            await edge.submit(UPDATE)


async def answer_with(peer, answer):
    received = await peer.receive()
    await peer.publish(received.reply, answer)


async def test_a_worker_with_a_fault_answers_too_and_goes_on(world):
    applied, faults = Heard(), [LookupError("a bug")]

    async def worker(update):
        if faults:
            raise faults.pop()
        await applied.subscriber()(update)

    mr = await world.join(worker=worker)
    edge = await world.join()
    with capture_logs() as logs, pytest.raises(BusUnavailable):
        await edge.submit(UPDATE)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["update_failed"]
    assert "secret" not in str(logs)
    await edge.submit(UPDATE)
    assert applied.events() == [UPDATE]
    assert (mr.statistics().failed_updates, mr.statistics().applied) == (1, 1)


async def test_more_updates_than_can_wait_are_refused_at_once(world):
    gate, outcomes = trio.Event(), []

    async def slow(_):
        await gate.wait()

    mr = await world.join(worker=slow, updates_at_once=1, waiting_updates=2)
    edge = await world.join()

    async def submit():
        try:
            await edge.submit(UPDATE)
        except BusUnavailable:
            outcomes.append("refused")
        else:
            outcomes.append("applied")

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(submit)
        await until(lambda: len(outcomes) >= 7)
        assert outcomes == ["refused"] * len(outcomes)
        gate.set()
    assert outcomes.count("applied") >= 1
    assert mr.statistics().postponed == outcomes.count("refused")


async def test_only_so_many_updates_are_applied_at_a_time(world):
    gate, inside, most = trio.Event(), [], []

    async def slow(update):
        inside.append(update)
        most.append(len(inside))
        await gate.wait()
        inside.pop()

    await world.join(worker=slow, updates_at_once=3)
    edge = await world.join()
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(edge.submit, UPDATE)
        await until(lambda: len(inside) == 3)
        gate.set()
    assert len(most) == 10
    assert max(most) == 3


async def test_the_counts_tell_what_happened(world):
    heard = Heard()
    mr = await world.join(("own", heard.subscriber()))
    before = mr.statistics()
    assert (before.connected, before.connects, before.subscribers) == (True, 1, 1)
    await mr.publish(PublishFeatureValues())
    statistics = mr.statistics()
    assert (statistics.published, statistics.delivered, statistics.missed) == (1, 1, 0)
    assert (statistics.waiting, statistics.waiting_bytes) == (0, 0)
