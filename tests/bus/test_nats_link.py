"""What is said to a server and in which order; who is let in; what is not allowed."""

import json
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

import pytest
import trio
from nats.errors import SlowConsumerError
from structlog.testing import capture_logs

from fh.aio import Island
from fh.bus.errors import BusUnavailable
from fh.bus.nats import NatsBus
from fh.bus.port import Reconnected
from fh.contracts.published import PublishAction, PublishServiceAccount
from fh.contracts.updates import StreamedFeatureUpdate
from fh.model.ids import EnvironmentId
from tests.conformance.bus_worlds import (
    Heard,
    nats_world,
    publish_when_possible,
    quick_settings,
    until,
)
from tests.http.certificates import write_pair

NOTHING = PublishServiceAccount(action=PublishAction.EMPTY)
UPDATE = StreamedFeatureUpdate("secret", EnvironmentId(UUID(int=1)), "flag", lock=True)


@pytest.fixture(autouse=True)
async def bounded():
    with trio.fail_after(60):
        yield


@pytest.fixture
async def island(open_service):
    async with open_service(Island()) as island:
        yield island


class Script:
    """A server as the test wants it; it writes down what it is told."""

    def __init__(self, **info):
        self.info = {"server_id": "x", "version": "2.12.0", "headers": True, **info}
        self.told = []
        self.port = 0
        self.stream = None
        self.answers_pings = True

    @property
    def url(self):
        return f"127.0.0.1:{self.port}"

    def verbs(self):
        return [line.split()[0] for line in self.told]

    async def run(self, *, task_status):
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        await trio.serve_listeners(self._serve, listeners, task_status=task_status)

    async def say(self, line):
        await self.stream.send_all(line + b"\r\n")

    async def _serve(self, stream):
        self.stream, buffer = stream, b""
        try:
            await self.say(b"INFO " + json.dumps({"max_payload": 1000, **self.info}).encode())
            async for data in stream:
                buffer += data
                *lines, buffer = buffer.split(b"\r\n")
                for line in lines:
                    self.told.append(line.decode("latin-1") or "-")
                    if line == b"PING" and self.answers_pings:
                        await self.say(b"PONG")
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # one of both is gone, as it may be


@asynccontextmanager
async def connected(island, open_service, script, heard=None, **options):
    async with open_service(script):
        bus = NatsBus(island, quick_settings(script.url, **options))
        if heard is not None:
            bus.subscribe("dacha", heard.subscriber())
        async with open_service(bus):
            yield bus


async def test_a_server_is_asked_for_its_word_behind_what_it_was_sent(island, open_service):
    script = Script()
    async with connected(island, open_service, script) as bus:
        assert script.verbs() == ["CONNECT", "PING", "SUB", "PING"]
        script.told.clear()
        await bus.publish(NOTHING)
        assert [verb for verb in script.verbs() if verb in {"HPUB", "PING"}] == ["HPUB", "PING"]


async def test_a_question_to_the_server_does_not_overtake_a_message(island, open_service):
    script = Script()
    async with connected(island, open_service, script) as bus:
        client = bus._connection.link._client

        async def talk():
            await client.publish("subject", b"")
            await client.flush()

        script.told.clear()
        await island.call(talk)
        assert [verb for verb in script.verbs() if verb in {"PUB", "PING"}] == ["PUB", "PING"]


@pytest.mark.parametrize("wish", ["publish", "submit"])
async def test_whoever_waits_for_a_server_hears_at_once_that_it_is_gone(island, open_service, wish):
    script, patience = Script(), {"taken_seconds": 60.0, "applied_seconds": 60.0}
    async with connected(island, open_service, script, **patience) as bus:
        script.answers_pings = False
        script.told.clear()

        async def leave():
            await until(lambda: "HPUB" in script.verbs())
            await script.stream.aclose()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(leave)
            with trio.fail_after(10), pytest.raises(BusUnavailable):
                await (bus.publish(NOTHING) if wish == "publish" else bus.submit(UPDATE))


async def test_those_who_publish_at_once_share_the_servers_word(island, open_service):
    script = Script()
    async with connected(island, open_service, script) as bus:
        script.told.clear()
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(bus.publish, NOTHING)
        verbs = script.verbs()
        assert verbs.count("HPUB") == 50
        assert verbs.count("PING") < 50
        assert verbs[-1] == "PING"


async def test_a_server_is_told_who_we_are_and_not_to_echo(island, open_service):
    script = Script()
    async with connected(island, open_service, script):
        hello = json.loads(script.told[0].removeprefix("CONNECT "))
        assert (hello["name"], hello["echo"], hello["headers"]) == ("fh", False, True)


async def test_news_of_other_servers_is_no_outage(island, open_service):
    script, heard = Script(), Heard()
    async with connected(island, open_service, script, heard) as bus:
        news = {**script.info, "connect_urls": ["127.0.0.1:1", "127.0.0.1:2"], "ldm": True}
        await script.say(b"INFO " + json.dumps(news).encode())
        await bus.publish(NOTHING)
        assert heard.events() == [NOTHING]
        assert bus.statistics().connects == 1


@pytest.mark.parametrize(
    "line", [b"-ERR 'Stale Connection'", b"-ERR 'Maximum Payload Violation'", b"what?", b"INFO {"]
)
async def test_whatever_a_server_says_in_anger_the_next_connection_is_tried(
    island, open_service, line
):
    script, heard = Script(), Heard()
    async with connected(island, open_service, script, heard) as bus:
        await script.say(line)
        await until(lambda: bus.statistics().connects == 2)
        assert await heard.wait_for(1) == [Reconnected()]
        await bus.publish(NOTHING)


async def test_a_server_that_does_not_answer_was_never_connected(island, open_service):
    script = Script()
    script.answers_pings = False
    async with connected(island, open_service, script, connect_seconds=0.1) as bus:
        assert not bus.connected


async def test_a_silent_server_is_asked_whether_it_lives(island, open_service):
    script = Script()
    async with connected(island, open_service, script, ping_seconds=0.01) as bus:
        script.told.clear()
        await until(lambda: script.verbs().count("PING") > 3)
        assert bus.connected


async def test_an_answer_that_comes_too_late_breaks_nothing(island, open_service):
    script = Script()
    async with connected(island, open_service, script, taken_seconds=0.05) as bus:
        script.answers_pings = False
        with pytest.raises(BusUnavailable):
            await bus.publish(NOTHING)
        script.answers_pings = True
        await until(lambda: bus.statistics().connects >= 2)
        await publish_when_possible(bus, NOTHING)


async def test_messages_that_nats_py_dropped_are_missed(island, open_service):
    heard = Heard()
    async with connected(island, open_service, Script(), heard) as bus:
        dropped = SlowConsumerError("subject", "", 1, None)
        await island.call(partial(bus._connection.link._note, dropped))
        assert await heard.wait_for(1) == [Reconnected()]
        assert bus.statistics().missed == 1


async def test_a_socket_that_was_closed_already_is_a_lost_connection(island, open_service):
    async with connected(island, open_service, Script()) as bus:

        async def closed(*_, **__):
            raise RuntimeError("the handler is closed")  # in uvloop's words

        bus._connection.link._client._send_command = closed
        with pytest.raises(BusUnavailable):
            await bus.publish(NOTHING)


PASSWORD = "p@ss:w/rd%"
LOCKED = {
    "user and password": (
        f'authorization {{ user: ann, password: "{PASSWORD}" }}',
        "ann:p%40ss%3Aw%2Frd%25@",
    ),
    "token": ('authorization { token: "t/ken" }', "t%2Fken@"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("config", "key"), LOCKED.values(), ids=LOCKED)
async def test_who_has_the_key_is_let_in(tmp_path, config, key):
    async with nats_world(tmp_path, config=config) as world:
        bus = NatsBus(world.island, quick_settings(f"nats://{key}127.0.0.1:{world.server.port}"))
        async with trio.open_nursery() as nursery:
            await nursery.start(bus.run)
            assert bus.connected
            await bus.publish(NOTHING)
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("key", ["", "ann:s3cret@", "s3cret@"])
async def test_who_has_not_is_told_so_and_the_key_is_not(tmp_path, key):
    config = LOCKED["user and password"][0]
    async with nats_world(tmp_path, config=config) as world:
        bus = NatsBus(world.island, quick_settings(f"nats://{key}127.0.0.1:{world.server.port}"))
        with capture_logs() as logs:
            async with trio.open_nursery() as nursery:
                await nursery.start(bus.run)
                with pytest.raises(BusUnavailable, match="Authorization Violation") as refused:
                    await bus.publish(NOTHING)
                nursery.cancel_scope.cancel()
        assert "s3cret" not in f"{logs}{refused.value}"


FORBIDDEN = """
authorization {{ users: [
    {{ user: ann, password: x, permissions: {{ {rule} }} }}
    {{ user: bob, password: x }}
] }}
"""


async def test_publishing_where_it_is_not_allowed_is_refused(tmp_path):
    config = FORBIDDEN.format(rule='publish: { deny: "featurehub/mr-dacha2-channel" }')
    async with nats_world(tmp_path, config=config) as world:
        bus = NatsBus(world.island, quick_settings(f"ann:x@127.0.0.1:{world.server.port}"))
        async with trio.open_nursery() as nursery:
            await nursery.start(bus.run)
            for _ in range(2):
                with pytest.raises(BusUnavailable, match="not allow publish to featurehub/mr-da"):
                    await bus.publish(NOTHING)
            assert bus.statistics().published == 0
            nursery.cancel_scope.cancel()


async def test_whoever_may_not_listen_is_not_connected(tmp_path):
    config = FORBIDDEN.format(rule='subscribe: { deny: "featurehub/mr-dacha2-channel" }')
    async with nats_world(tmp_path, config=config) as world:
        bus = NatsBus(world.island, quick_settings(f"ann:x@127.0.0.1:{world.server.port}"))
        async with trio.open_nursery() as nursery:
            await nursery.start(bus.run)
            assert not bus.connected
            with pytest.raises(BusUnavailable, match="not allow subscription"):
                await bus.publish(NOTHING)
            nursery.cancel_scope.cancel()


async def test_whoever_may_not_take_updates_is_not_connected(tmp_path):
    config = FORBIDDEN.format(rule='subscribe: { deny: "featurehub/mr-updates-queue" }')
    async with nats_world(tmp_path, config=config) as world:
        bus = NatsBus(world.island, quick_settings(f"ann:x@127.0.0.1:{world.server.port}"))
        async with trio.open_nursery() as nursery:
            await nursery.start(bus.run)
            assert bus.connected
            bus.work(Heard().subscriber())
            await until(lambda: not bus.connected)
            with pytest.raises(BusUnavailable):
                await bus.publish(NOTHING)
            nursery.cancel_scope.cancel()


@pytest.fixture
def tls(tmp_path, monkeypatch):
    """The configuration of a server with a certificate that is trusted here."""
    pair = write_pair(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
    return f'tls {{ cert_file: "{pair.certificate}", key_file: "{pair.key}" }}'


@pytest.mark.parametrize("more", ["", "allow_non_tls: true"], ids=["demanded", "offered"])
async def test_tls_is_used_where_the_url_asks_for_it(tmp_path, tls, more):
    async with nats_world(tmp_path, config=f"{tls}\n{more}") as world:
        bus = NatsBus(world.island, quick_settings(f"tls://127.0.0.1:{world.server.port}"))
        async with trio.open_nursery() as nursery:
            await nursery.start(bus.run)
            assert bus.connected
            await bus.publish(NOTHING)
            writer = bus._connection.link._client._transport._io_writer
            assert writer.get_extra_info("cipher")
            nursery.cancel_scope.cancel()


async def test_a_certificate_that_is_not_trusted_is_refused(tmp_path, tls, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    async with nats_world(tmp_path, config=tls) as world:
        bus = NatsBus(world.island, quick_settings(f"tls://127.0.0.1:{world.server.port}"))
        async with trio.open_nursery() as nursery:
            await nursery.start(bus.run)
            assert not bus.connected
            nursery.cancel_scope.cancel()


async def test_a_key_is_not_sent_in_the_clear_where_tls_was_asked_for(island, open_service):
    script = Script(auth_required=True)
    async with open_service(script):
        bus = NatsBus(island, quick_settings(f"tls://ann:s3cret@{script.url}"))
        async with open_service(bus):
            assert not bus.connected
            with pytest.raises(BusUnavailable, match="no TLS"):
                await bus.publish(NOTHING)
        assert script.told == []
