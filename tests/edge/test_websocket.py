"""A stream over a WebSocket tells what a stream over SSE tells."""

import json
import random
import socket
from uuid import UUID

import pytest
import trio
from edge_under_test import (
    CLIENT_KEY,
    SERVER_KEY,
    Client,
    EdgeUnderTest,
    MemoryLookup,
    announcement,
    boolean,
    edge_under_test,
    granted,
    targeted_at,
)
from socket_client import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    Message,
    RawSocket,
    handshake,
    open_raw,
    open_socket,
)
from structlog.testing import capture_logs
from trio.testing import wait_all_tasks_blocked

from fh.contracts.answers import Denied
from fh.contracts.published import CacheServiceAccount, PublishAction, PublishServiceAccount
from fh.model.ids import ServiceAccountId
from fh.model.sdk_key import SdkKey

DISCOVER: Message = ("ack", "", {"status": "discover"})
BYE: Message = ("bye", "", {"status": "closed"})


def one_flag(value: bool = True) -> MemoryLookup:
    return MemoryLookup(
        {key: granted([boolean("dark", value)]) for key in (SERVER_KEY, CLIENT_KEY)}
    )


async def event(client: Client) -> Message:
    name, event_id, data = await client.event()
    return name, event_id, json.loads(data)


async def streams_are(edge: EdgeUnderTest, count: int, *, seconds: float = 5) -> None:
    with trio.fail_after(seconds):
        while edge.edge.statistics().streams != count:
            await wait_all_tasks_blocked()


async def nothing_is_open(edge: EdgeUnderTest) -> None:
    """Wait until no socket is left, nor a relay of one."""
    with trio.fail_after(5):
        while edge.edge.statistics().connections or edge.edge.life.open_sockets:
            await wait_all_tasks_blocked()


async def revoke(edge: EdgeUnderTest) -> None:
    edge.lookup.answers[SERVER_KEY] = Denied()
    account = CacheServiceAccount(ServiceAccountId(UUID(int=4)), 2, "c", "s")
    await edge.edge.on_delivery(PublishServiceAccount(PublishAction.UPDATE, account))


@pytest.mark.parametrize("portable", [False, True], ids=["epoll", "portable"])
async def test_a_socket_begins_with_ack_and_all_features(portable: bool) -> None:
    async with (
        edge_under_test(one_flag(), portable_engine=portable) as edge,
        open_socket(edge) as socket,
    ):
        assert await socket.message() == DISCOVER
        name, event_id, data = await socket.message()
        await edge.wait_progress()
    assert (name, event_id) == ("features", edge.lookup.answers[SERVER_KEY].etag)
    [feature] = data
    assert (feature["key"], feature["version"], feature["value"]) == ("dark", 1, True)


@pytest.mark.parametrize("key", [SERVER_KEY, CLIENT_KEY], ids=["server", "client"])
async def test_a_socket_tells_what_a_stream_tells_in_the_same_order(key: SdkKey) -> None:
    chance = random.Random(8)
    lookup = MemoryLookup({key: granted([boolean("a", True)])})
    async with edge_under_test(lookup) as edge, open_socket(edge, key) as socket:
        stream = await edge.open_stream(key)
        for _ in ("ack", "features"):
            assert await socket.message() == await event(stream)
        kinds = set()
        for version in range(2, 60):
            for name in chance.sample("abcdefgh", chance.randrange(1, 5)):
                feature = boolean(
                    # Deleted features never come back: there is a new one now and then.
                    f"{name}{version // 10}",
                    chance.random() < 0.5,
                    version=version,
                    retired=chance.random() < 0.1,
                    locked=chance.random() < 0.3,
                )
                action = chance.choices((PublishAction.UPDATE, PublishAction.DELETE), (9, 1))[0]
                await edge.edge.on_delivery(announcement(feature, action))
            await edge.announce(boolean("marker", True, version=version))
            told: Message = ("", "", {})
            while told[2].get("key") != "marker":
                told = await socket.message()
                assert told == await event(stream)
                kinds.add(told[0])
        assert kinds == {"feature", "delete_feature"}


async def test_a_socket_that_is_behind_is_told_the_newest_version_only() -> None:
    async with edge_under_test(one_flag()) as edge, open_socket(edge) as socket:
        assert [(await socket.message())[0] for _ in range(2)] == ["ack", "features"]
        for version in range(2, 1000):
            await edge.announce(boolean("dark", True, version=version))
        seen = [1]
        while seen[-1] != 999:
            seen.append((await socket.message())[2]["version"])
        assert seen == sorted(set(seen))


async def test_a_large_environment_is_one_message() -> None:
    features = [boolean(f"flag-{number}", True) for number in range(3000)]
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted(features)})) as edge:
        socket = await open_raw(edge)
        assert await socket.message() == DISCOVER
        name, _, data = await socket.message()
        assert (name, len(data)) == ("features", 3000)


@pytest.mark.parametrize("by", ["query", "header"])
async def test_a_client_that_is_up_to_date_gets_no_second_copy(by: str) -> None:
    lookup = one_flag()
    etag = lookup.answers[SERVER_KEY].etag
    query = f"?lastEventId={etag}" if by == "query" else ""
    headers = ((b"Last-Event-ID", etag.encode()),) if by == "header" else ()
    async with (
        edge_under_test(lookup) as edge,
        open_socket(edge, query=query, headers=headers) as s,
    ):
        # The socket is served when one opened later is.
        async with open_socket(edge) as later:
            assert [(await later.message())[0] for _ in range(2)] == ["ack", "features"]
        await edge.announce(boolean("dark", False, version=2))
        assert (await s.message())[0] == "feature"


async def test_the_id_of_an_update_resumes_and_an_old_one_does_not() -> None:
    lookup = one_flag()
    async with edge_under_test(lookup) as edge:
        async with open_socket(edge) as socket:
            await socket.message()
            _, first_id, _ = await socket.message()
            await edge.announce(boolean("dark", False, version=2))
            _, event_id, _ = await socket.message()
        lookup.answers[SERVER_KEY] = granted([boolean("dark", False, version=2)])
        async with (
            open_socket(edge, query=f"?lastEventId={event_id}") as current,
            open_socket(edge, query=f"?lastEventId={first_id}") as outdated,
        ):
            assert (await outdated.message())[0] == "features"
            await edge.announce(boolean("dark", False, version=3))
            assert (await current.message())[0] == "feature"


@pytest.mark.parametrize("user", ["fred", "mary"])
async def test_the_context_in_the_query_is_evaluated(user: str) -> None:
    lookup = MemoryLookup({SERVER_KEY: granted([targeted_at("userkey", "fred", b'"fred\'s"')])})
    async with (
        edge_under_test(lookup) as edge,
        open_socket(edge, query=f"?xfeaturehub=userkey%3D{user}") as socket,
    ):
        await socket.message()
        _, event_id, [feature] = await socket.message()
        assert feature["value"] == ("fred's" if user == "fred" else "default")
        assert "//" in event_id


async def test_an_unknown_key_is_told_and_closed_for_good() -> None:
    began = trio.current_time()
    async with edge_under_test(MemoryLookup()) as edge, open_socket(edge) as socket:
        assert await socket.message() == DISCOVER
        name, _, data = await socket.message()
        assert (name, list(data)) == ("failure", ["status"])
        assert await socket.rest() == ([], 4404, "unknown key")
        # Held, for clients that come back without a pause.
        assert trio.current_time() - began > 0.5
        await nothing_is_open(edge)


async def test_a_revoked_key_ends_its_sockets_and_no_other() -> None:
    async with (
        edge_under_test(one_flag()) as edge,
        open_socket(edge) as revoked,
        open_socket(edge, CLIENT_KEY) as kept,
    ):
        for socket in (revoked, kept):
            assert [(await socket.message())[0] for _ in range(2)] == ["ack", "features"]
        await revoke(edge)
        with trio.fail_after(2):
            assert await revoked.rest() == (["bye"], 1001, "come back")
        await edge.announce(boolean("dark", False, version=2))
        assert (await kept.message())[0] == "feature"


async def test_a_socket_ends_with_bye_when_it_has_lived_long_enough() -> None:
    async with edge_under_test(one_flag(), drop_after_seconds=1) as edge, open_socket(edge) as s:
        assert await s.rest() == (["ack", "features", "bye"], 1001, "come back")
        await nothing_is_open(edge)


async def test_a_heartbeat_is_a_message_and_a_ping() -> None:
    async with edge_under_test(one_flag(), heartbeat_seconds=1) as edge:
        socket = await open_raw(edge)
        frames = [await socket.read() for _ in range(4)]
        assert [opcode for opcode, _ in frames] == [TEXT, TEXT, TEXT, PING]
        assert json.loads(frames[2][1]) == {"event": "ack", "data": "❤️"}
        await socket.send(PONG, frames[3][1])
        # It goes on, with a ping each time.
        assert [(await socket.read())[0] for _ in range(2)] == [TEXT, PING]


async def test_a_client_that_answers_no_ping_is_gone() -> None:
    async with edge_under_test(one_flag(), heartbeat_seconds=1, slow_seconds=1) as edge:
        socket = await open_raw(edge)
        # It reads whatever it is sent: only the pong shows that a proxy does that for it.
        assert await socket.close_code() == (1013, "too slow")
        await nothing_is_open(edge)


async def test_a_ping_is_answered() -> None:
    async with edge_under_test(one_flag()) as edge:
        socket = await open_raw(edge)
        await socket.message()
        await socket.message()
        await socket.send(PING, b"are you there")
        assert await socket.read() == (PONG, b"are you there")


async def test_messages_of_a_client_change_nothing() -> None:
    async with edge_under_test(one_flag()) as edge, open_socket(edge) as socket:
        for number in range(100):
            await socket.connection.send_message(f"message {number}")
            await socket.connection.send_message(b"\0" * 1024)
        await edge.announce(boolean("dark", False, version=2))
        names = [(await socket.message())[0] for _ in range(3)]
        assert names == ["ack", "features", "feature"]


async def test_a_client_that_closes_is_answered_and_forgotten_at_once() -> None:
    async with edge_under_test(one_flag()) as edge:
        socket = await open_raw(edge)
        await socket.message()
        await socket.message()
        await streams_are(edge, 1)
        await socket.send(CLOSE, (1000).to_bytes(2, "big") + b"done")
        assert await socket.close_code() == (1000, "done")
        with trio.fail_after(1):
            await nothing_is_open(edge)
        assert await socket.client.until_closed() == b""


async def test_drain_says_goodbye_to_every_socket_and_then_is_over() -> None:
    async with edge_under_test(one_flag()) as edge, trio.open_nursery() as nursery:
        ends = []

        async def stay() -> None:
            async with open_socket(edge) as socket:
                ends.append(await socket.rest())

        for _ in range(20):
            nursery.start_soon(stay)
        silent: RawSocket = await open_raw(edge)
        await streams_are(edge, 21)
        life = edge.edge.life
        edge.edge.drain()
        # One of them never answers the close: the others, and the end, do not wait for it.
        with trio.fail_after(4):
            while edge.edge.life is not None:
                await wait_all_tasks_blocked(0.01)
        assert life.open_sockets == 0
        assert await silent.close_code() == (1001, "come back")
    assert ends == [(["ack", "features", "bye"], 1001, "come back")] * 20


async def test_sockets_and_streams_count_alike() -> None:
    async with edge_under_test(one_flag()) as edge, open_socket(edge):
        await edge.open_stream()
        await streams_are(edge, 2)
        assert edge.edge.statistics().connections == 2


async def test_many_who_come_at_once_find_no_more_room_than_there_is() -> None:
    async with edge_under_test(one_flag(), streams_per_key=2) as edge:
        # Nobody is served before all have asked.
        sockets = [socket.create_connection(("127.0.0.1", edge.port)) for _ in range(5)]
        for each in sockets:
            each.sendall(handshake())
        clients = [Client(trio.SocketStream(trio.socket.from_stdlib_socket(s))) for s in sockets]
        edge.clients += clients
        heads = [await client.until(b"\r\n\r\n") for client in clients]
        assert sorted(head.split()[1] for head in heads) == [b"101"] * 2 + [b"503"] * 3


async def test_a_bug_behind_one_socket_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async with edge_under_test(one_flag()) as edge, open_socket(edge) as well:
        assert [(await well.message())[0] for _ in range(2)] == ["ack", "features"]
        with monkeypatch.context() as broken, capture_logs() as logs:
            broken.setattr(edge.edge.life, "open_relay", None)
            client = await edge.connect()
            await client.send(handshake())
            assert await client.until_closed() == b""
        assert [log["event"] for log in logs] == ["socket_failed"]
        await edge.announce(boolean("dark", False, version=2))
        assert (await well.message())[0] == "feature"
