"""Three servers hold the stream; one of them dies."""

import json
from contextlib import ExitStack

import pytest
import trio

from fh.aio import Island
from fh.bus.nats import NatsBus
from fh.bus.nats_settings import StreamSettings
from fh.contracts.published import PublishAction, PublishServiceAccount
from fh.errors import Unavailable
from tests.conformance.bus_worlds import Heard, quick_settings, until
from tests.e2e.role_process import free_port
from tests.nats_peer import open_peer
from tests.nats_server import NatsServer, running_server

STREAM = StreamSettings(replicas=3, heartbeat_seconds=0.2)


def event(count):
    return PublishServiceAccount(PublishAction.UPDATE, None, count)


@pytest.fixture
def cluster(tmp_path):
    names = ("one", "two", "three")
    # They have to know each other before any of them can say where it listens.
    ports = {name: free_port() for name in names}
    routes = [f"nats://127.0.0.1:{port}" for port in ports.values()]
    servers: dict[str, NatsServer] = {}
    with ExitStack() as stack:
        for name, port in ports.items():
            directory = tmp_path / name
            directory.mkdir()
            config = (
                f"server_name: {name}\n"
                f'jetstream {{ store_dir: "{directory}/store" }}\n'
                f"cluster {{ name: test, listen: 127.0.0.1:{port}, routes: {json.dumps(routes)} }}"
            )
            servers[name] = stack.enter_context(running_server(directory, config=config))
        yield servers


async def ask(server, subject):
    """Return what JetStream answers at one of the servers; nothing while it elects a leader."""
    async with open_peer(server.port) as peer:
        await peer.subscribe("answers")
        with trio.move_on_after(1):
            await peer.publish(f"$JS.API.{subject}", b"", reply="answers")
            return json.loads((await peer.receive()).data)
    return {}


async def leader_of(servers):
    """Return the name of the server that leads the stream."""
    for server in servers.values():
        if told := await ask(server, f"STREAM.INFO.{STREAM.name}"):
            return told["cluster"]["leader"]
    raise AssertionError("nobody answers")


async def publish(bus, first, last):
    """Publish as the outbox does: again and again, until it is taken."""
    for count in range(first, last + 1):
        while True:
            try:
                await bus.publish(event(count), count)
                break
            except Unavailable:
                await until(lambda: bus.connected)


async def test_the_leader_of_the_stream_dies_and_nobody_reloads(cluster, open_service):
    heard = {name: Heard() for name in cluster}
    with trio.fail_after(60):
        async with open_service(Island()) as island, trio.open_nursery() as nursery:
            for server in cluster.values():
                while "memory" not in await ask(server, "INFO"):  # until they have found each other
                    pass
            buses = {}
            for name, server in cluster.items():
                others = [other.url for other in cluster.values() if other is not server]
                settings = quick_settings(server.url, *others, stream=STREAM, connect_seconds=1.0)
                buses[name] = bus = NatsBus(island, settings)
                bus.subscribe("dacha", heard[name].subscriber())
                await nursery.start(bus.run)
            await until(lambda: all(bus.connected for bus in buses.values()))
            await publish(buses["one"], 1, 10)
            cluster[await leader_of(cluster)].kill()
            await publish(buses["one"], 11, 20)
            for each in heard.values():
                await until(lambda each=each: event(20) in each.events())
            everything = [event(count) for count in range(1, 21)]
            # The publisher's own process hears each attempt.
            assert list(dict.fromkeys(heard["one"].events())) == everything
            assert heard["two"].events() == heard["three"].events() == everything
            nursery.cancel_scope.cancel()
