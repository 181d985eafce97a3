"""What can't be read costs nobody anything, whatever it is."""

import gzip
import zlib

import pytest
import trio
from structlog.testing import capture_logs

from fh.contracts.published import PublishAction, PublishServiceAccount
from tests.bus.golden_notices import NOTICES
from tests.conformance.bus_worlds import Heard, nats_world, until
from tests.nats_peer import open_peer

CACHE = "featurehub/mr-dacha2-channel"
UPDATES = "featurehub/mr-updates-queue"
DEAD = "featurehub/dead-letters"
GOOD = PublishServiceAccount(action=PublishAction.EMPTY)
BODY = b'{"action":"EMPTY"}'
HEADERS = {
    "ce-specversion": "1.0",
    "ce-id": "null",
    "ce-type": "publish-serviceaccount-v1",
    "ce-subject": "io.featurehub.events.service-account",
    "ce-source": "http://management-service/EMPTY",
    "content-type": "application/json+gzip",
}
LIMIT_BYTES = 100_000


def bomb():
    packer = zlib.compressobj(wbits=31)
    return packer.compress(b" " * 10_000_000) + packer.flush()


POISON = {
    "no headers": (None, BODY),
    "empty": (None, b""),
    "other headers": ({"subject": "x"}, BODY),
    "other version": ({**HEADERS, "ce-specversion": "0.3"}, BODY),
    "no id": ({**HEADERS, "ce-id": ""}, BODY),
    "id is not utf-8": ({**HEADERS, "ce-id": "%FF"}, BODY),
    "other content": ({**HEADERS, "content-type": "application/json; charset=utf-8"}, BODY),
    "no json": (HEADERS, gzip.compress(b"{")),
    "other json": (HEADERS, gzip.compress(b'{"action":"EXPLODE","apiKey":"secret"}')),
    "cut off": (HEADERS, gzip.compress(BODY)[:-3]),
    "bomb": (HEADERS, bomb()),
    "bytes in headers": (b"NATS/1.0\r\n\xff\xfe: \xff\r\n\r\n", BODY),
    "bytes in the status": (b"NATS/1.0 \xff\xfe\xfd\r\n\r\n", BODY),
    "no header at all": (b"\r\n", BODY),
    "other protocol": (b"HTTP/1.1 200 OK\r\n\r\n", BODY),
}


@pytest.fixture
async def world(tmp_path):
    with trio.fail_after(60):
        async with nats_world(tmp_path) as world:
            yield world


@pytest.fixture
async def peer(world):
    async with open_peer(world.server.port) as peer:
        await peer.subscribe(DEAD)
        yield peer


@pytest.mark.parametrize(("headers", "body"), POISON.values(), ids=POISON)
async def test_what_can_not_be_read_is_put_aside_and_the_next_is_heard(world, peer, headers, body):
    heard = Heard()
    dacha = await world.join(("dacha", heard.subscriber()), most_json_bytes=LIMIT_BYTES)
    with capture_logs() as logs:
        await peer.publish(CACHE, body, headers)
        await peer.publish(CACHE, gzip.compress(BODY), HEADERS)
        assert await heard.wait_for(1) == [GOOD]
        letter = await peer.receive()
    assert letter.subject == DEAD
    assert letter.data == body
    assert letter.headers["fh-subject"] == CACHE
    assert letter.headers["fh-reason"]
    if isinstance(headers, dict):
        kept = {name: text for name, text in letter.headers.items() if name[:3] != "fh-"}
        assert kept == headers
    statistics = dacha.statistics()
    assert (statistics.unreadable, statistics.dead_letters) == (1, 1)
    assert (statistics.connects, statistics.missed) == (1, 0)
    assert [line["event"] for line in logs if line["log_level"] != "debug"] == [
        "bus_message_unreadable"
    ]
    assert "secret" not in str(logs)


async def test_a_reply_that_is_no_text_ends_nothing(world, peer):
    heard = Heard()
    dacha = await world.join(("dacha", heard.subscriber()))
    await peer.publish(CACHE, gzip.compress(BODY), HEADERS, reply=b"\xff\xfe")
    assert await heard.wait_for(1) == [GOOD]
    assert dacha.statistics().connects == 1


async def test_where_nobody_listens_nothing_is_read(world, peer):
    mr = await world.join()
    heard = Heard()
    dacha = await world.join(("dacha", heard.subscriber()))
    for _ in range(50):
        await peer.publish(CACHE, b"{", HEADERS)
    await peer.publish(CACHE, gzip.compress(BODY), HEADERS)
    await heard.wait_for(1)
    await until(lambda: mr.statistics().waiting == 0)
    assert (dacha.statistics().unreadable, mr.statistics().unreadable) == (50, 0)


async def test_an_update_that_can_not_be_read_is_answered_as_dropped(world, peer):
    applied = Heard()
    mr = await world.join(worker=applied.subscriber())
    await peer.subscribe("answers")
    update = {"ce-type": "feature-update-v1", "ce-subject": "io.featurehub.edge.feature-update"}
    await peer.publish(UPDATES, b"{", {**HEADERS, **update}, reply="answers")
    answers = [await peer.receive(), await peer.receive()]
    assert {(each.subject, each.data) for each in answers} == {(DEAD, b"{"), ("answers", b"+TERM")}
    assert mr.statistics().unreadable == 1


async def test_a_flood_of_it_leaves_few_letters_and_lines(world, peer):
    heard = Heard()
    dacha = await world.join(("dacha", heard.subscriber()), dead_letters_per_second=2)
    with capture_logs() as logs:
        for _ in range(500):
            await peer.publish(CACHE, b"{", HEADERS)
        await until(lambda: dacha.statistics().unreadable == 500)
    statistics = dacha.statistics()
    assert 2 <= statistics.dead_letters < 100  # two at once, and two in every second that passed
    lines = [line for line in logs if line["event"] == "bus_message_unreadable"]
    assert len(lines) == statistics.dead_letters


async def test_dead_letters_can_be_left_out(world, peer):
    dacha = await world.join(("dacha", Heard().subscriber()), dead_letter_subject="")
    await peer.publish(CACHE, b"{", HEADERS)
    await until(lambda: dacha.statistics().unreadable == 1)
    assert dacha.statistics().dead_letters == 0


async def test_a_kind_that_is_not_known_is_told_once_and_left_alone(world, peer):
    heard = Heard()
    dacha = await world.join(("dacha", heard.subscriber()))
    with capture_logs() as logs:
        for number in range(3):
            ping = {**HEADERS, "ce-type": "enricher-ping-v1", "ce-id": str(number)}
            await peer.publish(CACHE, b"{", ping)
        await peer.publish(CACHE, gzip.compress(BODY), HEADERS)
        assert await heard.wait_for(1) == [GOOD]
    assert [line["type"] for line in logs if line["event"] == "bus_event_unknown"] == [
        "enricher-ping-v1"
    ]
    statistics = dacha.statistics()
    assert (statistics.unknown, statistics.unreadable) == (3, 0)


@pytest.mark.parametrize("name", NOTICES)
async def test_a_kind_that_is_known_but_not_for_a_cache_is_left_alone(world, peer, name):
    golden = NOTICES[name]
    heard = Heard()
    dacha = await world.join(("dacha", heard.subscriber()))
    with capture_logs() as logs:
        for _ in range(2):
            await peer.publish(CACHE, gzip.compress(golden.json), golden.headers)
        await peer.publish(CACHE, gzip.compress(BODY), HEADERS)
        assert await heard.wait_for(1) == [GOOD]
    told = [line for line in logs if line["event"] == "bus_event_not_handled_here"]
    assert [line["type"] for line in told] == [golden.type]
    statistics = dacha.statistics()
    assert (statistics.unhandled, statistics.unknown, statistics.unreadable) == (2, 0, 0)


async def test_what_edges_report_besides_updates_ends_with_whoever_takes_it(world, peer):
    applied = Heard()
    mr = await world.join(worker=applied.subscriber())
    await peer.subscribe("answers")
    for name in ("webhook result", "tracked result"):
        golden = NOTICES[name]
        await peer.publish(UPDATES, gzip.compress(golden.json), golden.headers, reply="answers")
        assert (await peer.receive()).data == b"+TERM"
    statistics = mr.statistics()
    assert (statistics.unhandled, statistics.unreadable, applied.deliveries) == (2, 0, [])


async def test_kinds_without_end_are_not_remembered_without_end(world, peer):
    dacha = await world.join(("dacha", Heard().subscriber()))
    with capture_logs() as logs:
        for number in range(300):
            await peer.publish(CACHE, b"{", {**HEADERS, "ce-type": f"other-{number}"})
        await until(lambda: dacha.statistics().unknown == 300)
    assert sum(line["event"] == "bus_event_unknown" for line in logs) == 100
