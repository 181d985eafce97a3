"""What clients of WebSockets do wrong, by accident or on purpose, costs nobody else anything."""

import gc
import socket as sockets
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from edge_under_test import (
    ENVIRONMENT,
    SERVER_KEY,
    EdgeUnderTest,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
)
from msgspec import Raw, structs
from socket_client import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    RawSocket,
    frame,
    handshake,
    open_raw,
    open_socket,
    path,
)
from structlog.testing import capture_logs
from trio.testing import wait_all_tasks_blocked

from fh.contracts.published import CacheEnvironmentFeature

CONTINUATION = 0x0
HEAVY_VALUE = Raw(b'"' + b"x" * 2_000 + b'"')


@pytest.fixture(autouse=True)
def nothing_unforeseen() -> Iterator[None]:
    """What clients do is no reason to log an error."""
    with capture_logs() as logs:
        yield
    assert [log for log in logs if log["log_level"] in {"warning", "error"}] == []


def one_flag() -> MemoryLookup:
    return MemoryLookup({SERVER_KEY: granted([boolean("dark", True)])})


def open_descriptors() -> int:
    descriptors = Path("/proc/self/fd")
    return len(list(descriptors.iterdir())) if descriptors.is_dir() else 0


async def nothing_is_open(edge: EdgeUnderTest, *, seconds: float = 5) -> None:
    with trio.fail_after(seconds):
        while edge.edge.statistics().connections or edge.edge.life.open_sockets:
            await wait_all_tasks_blocked()


async def greeted(socket: RawSocket) -> None:
    assert [(await socket.message())[0] for _ in range(2)] == ["ack", "features"]


def without(header: str) -> str:
    return "".join(
        f"{line}\r\n" for line in UPGRADE.split("\r\n") if line and not line.startswith(header)
    )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (without("Connection"), 400),
        (without("Connection") + "Connection: keep-alive\r\n", 400),
        (without("Sec-WebSocket-Version"), 426),
        (without("Sec-WebSocket-Version") + "Sec-WebSocket-Version: 8\r\n", 426),
        (without("Sec-WebSocket-Key"), 400),
        (without("Sec-WebSocket-Key") + "Sec-WebSocket-Key: short\r\n", 400),
        (without("Sec-WebSocket-Key") + "Sec-WebSocket-Key: a b\r\n", 400),
        (UPGRADE + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400),
        (UPGRADE + "Content-Length: 5\r\n", 400),
    ],
    ids=[
        "no connection",
        "not upgraded",
        "no version",
        "old version",
        "no key",
        "short key",
        "bad key",
        "two keys",
        "a body",
    ],
)
async def test_a_handshake_that_is_none_is_refused(headers: str, status: int) -> None:
    async with edge_under_test(one_flag()) as edge:
        client = await edge.connect()
        await client.send(handshake(headers=headers))
        answered, answer_headers, body = await client.answer()
        assert answered == status
        assert b'"detail":' in body
        assert answer_headers.get("sec-websocket-version") == ("13" if status == 426 else None)
        await client.stream.aclose()
        await nothing_is_open(edge)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (handshake().replace(b"GET", b"POST"), 405),
        (handshake().replace(b"HTTP/1.1", b"HTTP/1.0"), 505),
        (handshake().replace(str(ENVIRONMENT).encode(), b"no-uuid"), 404),
    ],
    ids=["post", "1.0", "no uuid"],
)
async def test_what_no_stream_may_be_no_socket_may_be(request_bytes: bytes, status: int) -> None:
    async with edge_under_test(one_flag()) as edge:
        client = await edge.connect()
        await client.send(request_bytes)
        assert (await client.answer())[0] == status


async def test_without_an_upgrade_the_path_is_that_of_a_cache() -> None:
    async with edge_under_test(one_flag()) as edge:
        client = await edge.connect()
        await client.send(f"GET {path()} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert b"content-type: text/event-stream" in await client.until(b"\r\n\r\n")
        assert (await client.event())[0] == "ack"


async def test_neither_extensions_nor_protocols_are_agreed_on() -> None:
    offers = (
        "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: a, b\r\n"
        "Origin: https://elsewhere.example\r\nCookie: a=b\r\n"
    )
    async with edge_under_test(one_flag()) as edge:
        client = await edge.connect()
        await client.send(handshake(headers=UPGRADE + offers))
        head = (await client.until(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 101 ")
        assert b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n" in head
        assert b"extensions" not in head
        assert b"protocol:" not in head
        await greeted(RawSocket(client))


async def test_a_handshake_in_single_bytes_and_frames_ahead_of_the_answer_are_read() -> None:
    async with edge_under_test(one_flag()) as edge:
        client = await edge.connect()
        *first, last = handshake()
        for byte in first:
            await client.send(bytes([byte]))
        ping = frame(PING, b"early")
        await client.send(bytes([last]) + ping[:3])
        await client.send(ping[3:])
        await client.until(b"\r\n\r\n")
        socket = RawSocket(client)
        assert sorted([(await socket.read())[0] for _ in range(3)]) == [TEXT, TEXT, PONG]


async def test_a_frame_in_single_bytes_is_read() -> None:
    async with edge_under_test(one_flag()) as edge:
        socket = await open_raw(edge)
        await greeted(socket)
        for byte in frame(PING, b"slowly"):
            await socket.client.send(bytes([byte]))
        assert await socket.read() == (PONG, b"slowly")


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n" * 10,
        frame(PING, masked=False),
        frame(0x3, b"reserved opcode"),
        frame(PING, b"x" * 126),
        frame(PING, final=False),
        frame(CONTINUATION, b"of nothing"),
        frame(TEXT, b"\xff\xfe"),
        frame(CLOSE, b"\x00"),
        frame(CLOSE, (999).to_bytes(2, "big")),
        b"\xc1\x80\x00\x00\x00\x00",
    ],
    ids=[
        "http",
        "unmasked",
        "opcode",
        "long ping",
        "cut ping",
        "continuation",
        "utf-8",
        "short close",
        "close code",
        "compressed",
    ],
)
async def test_garbage_ends_one_socket_and_no_other(garbage: bytes) -> None:
    async with edge_under_test(one_flag()) as edge:
        bad, well = await open_raw(edge), await open_raw(edge)
        await greeted(bad)
        await greeted(well)
        await bad.client.send(garbage)
        await bad.client.until_closed()
        with trio.fail_after(5):
            while edge.edge.life.open_sockets != 1:
                await wait_all_tasks_blocked()
        assert edge.edge.statistics().streams == 1
        await edge.announce(boolean("dark", False, version=2))
        assert (await well.message())[0] == "feature"


@pytest.mark.parametrize(
    "data",
    [
        frame(BINARY, b"x" * 1025),
        frame(TEXT, b"x" * 100_000),
        frame(TEXT, b"x" * 1000, final=False) + frame(CONTINUATION, b"x" * 1000),
    ],
    ids=["binary", "long", "in parts"],
)
async def test_a_message_that_is_too_long_ends_the_socket(data: bytes) -> None:
    async with edge_under_test(one_flag()) as edge:
        socket = await open_raw(edge)
        await greeted(socket)
        await socket.client.send(data)
        assert (await socket.close_code())[0] == 1009
        # An end, not a reset, which might overtake the reason.
        with trio.fail_after(1):
            assert await socket.client.stream.receive_some(1) == b""
        assert edge.edge.statistics().streams == 0
        await socket.client.stream.aclose()
        await nothing_is_open(edge, seconds=1)


async def test_a_client_that_talks_without_end_is_given_up() -> None:
    async with edge_under_test(one_flag()) as edge:
        socket = await open_raw(edge)
        await greeted(socket)
        await socket.send(TEXT, final=False)
        # Empty parts of one message: each within every limit.
        parts = frame(CONTINUATION, final=False) * 10_000
        with trio.fail_after(8):
            try:
                while True:
                    await socket.client.send(parts)
            except trio.BrokenResourceError:
                pass
        await nothing_is_open(edge)


async def test_pings_while_the_socket_is_closed_are_no_failure() -> None:
    async with edge_under_test(one_flag(), drop_after_seconds=1) as edge:
        socket = await open_raw(edge)
        assert await socket.close_code() == (1001, "come back")
        await socket.send(PING, b"what?")
        await socket.send(TEXT, b"x" * 5000)
        await nothing_is_open(edge)
        # Edge still serves.
        await greeted(await open_raw(edge))


def heavy(key: str) -> CacheEnvironmentFeature:
    """A feature of which a few hundred fill what the kernel keeps for a client."""
    plain = boolean(key, True)
    assert plain.value is not None
    return structs.replace(plain, value=structs.replace(plain.value, value=HEAVY_VALUE))


async def test_a_slow_reader_is_evicted_without_cost_to_others() -> None:
    settings = {"slow_bytes": 4096, "slow_seconds": 60}
    async with edge_under_test(one_flag(), **settings) as edge, open_socket(edge) as well:
        stuck = await open_raw(edge)
        assert [(await well.message())[0] for _ in range(2)] == ["ack", "features"]
        with trio.fail_after(30):
            for number in range(20_000):
                # Different features, so that nothing can be coalesced away.
                await edge.announce(heavy(f"f{number}"))
                assert (await well.message())[0] == "feature"
                if edge.edge.statistics().evicted:
                    break
        # Long before the time that it has to read something, and without a word.
        with trio.fail_after(1.5):
            while edge.edge.life.open_sockets != 1:
                await wait_all_tasks_blocked()
        assert (edge.edge.statistics().evicted, edge.edge.statistics().streams) == (1, 1)
        await edge.announce(boolean("dark", False, version=2))
        assert (await well.message())[0] == "feature"
        del stuck


async def test_a_close_while_much_is_under_way_is_answered() -> None:
    features = [boolean(f"flag-{number}", True) for number in range(10_000)]
    async with edge_under_test(MemoryLookup({SERVER_KEY: granted(features)})) as edge:
        socket = await open_raw(edge)
        # More than the kernel takes: the rest is under way when the client closes.
        await wait_all_tasks_blocked(0.01)
        await socket.send(CLOSE, (1000).to_bytes(2, "big"))
        await wait_all_tasks_blocked(0.01)
        await edge.announce(boolean("flag-1", False, version=2))
        assert await socket.close_code() == (1000, "")
        await nothing_is_open(edge)


async def test_a_reader_that_takes_nothing_for_too_long_is_given_up() -> None:
    settings = {"slow_bytes": 1 << 20, "slow_seconds": 1, "send_buffer_bytes": 4608}
    features = [boolean(f"flag-{number}", True) for number in range(20_000)]
    lookup = MemoryLookup({SERVER_KEY: granted(features)})
    async with edge_under_test(lookup, **settings) as edge:
        client = await edge.connect()
        client.stream.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        await client.send(handshake())
        with trio.fail_after(5):
            while not edge.edge.statistics().streams:
                await wait_all_tasks_blocked()
        await nothing_is_open(edge, seconds=8)


async def test_a_reset_ends_one_socket_and_nothing_else() -> None:
    async with edge_under_test(one_flag()) as edge:
        reset, well = await open_raw(edge), await open_raw(edge)
        await greeted(reset)
        await greeted(well)
        reset.client.stream.setsockopt(
            sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0)
        )
        await reset.client.stream.aclose()
        with trio.fail_after(5):
            while edge.edge.life.open_sockets != 1:
                await wait_all_tasks_blocked()
        await edge.announce(boolean("dark", False, version=2))
        assert (await well.message())[0] == "feature"


@pytest.mark.parametrize("most", [0, 100], ids=["refused", "accepted"])
async def test_a_client_that_leaves_before_it_is_answered_costs_nothing(most: int) -> None:
    async with edge_under_test(one_flag(), most_sockets=most) as edge:
        for _ in range(20):
            client = await edge.connect()
            client.stream.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
            await client.send(handshake())
            await client.stream.aclose()
        await nothing_is_open(edge)
        assert (await edge.poll(SERVER_KEY))[0] == 200


async def test_there_are_only_so_many() -> None:
    async with edge_under_test(one_flag(), most_sockets=1) as edge:
        first = await open_raw(edge)
        await greeted(first)
        client = await edge.connect()
        await client.send(handshake())
        status, headers, _ = await client.answer()
        assert (status, headers["retry-after"]) == (503, "1")
        await client.until_closed()
        await first.send(CLOSE)
        await nothing_is_open(edge)
        await greeted(await open_raw(edge))


async def test_everything_is_given_back_after_many_at_once() -> None:
    async with edge_under_test(one_flag()) as edge:
        await greeted(await open_raw(edge))
        await edge.clients.pop().stream.aclose()
        await nothing_is_open(edge)
        gc.collect()  # what tests before this one left behind
        tasks, descriptors = trio.lowlevel.current_statistics().tasks_living, open_descriptors()
        for _ in range(2):
            async with trio.open_nursery() as nursery:
                for _ in range(200):
                    nursery.start_soon(open_raw, edge)
            opened, edge.clients = edge.clients, []
            with trio.fail_after(5):
                while edge.edge.statistics().streams != 200:
                    await wait_all_tasks_blocked()
            await edge.announce(boolean("dark", False, version=2))
            for number, client in enumerate(opened):
                if number % 2:
                    await client.send(frame(CLOSE))
                    assert await RawSocket(client).close_code() == (0, "")
                await client.stream.aclose()
            await nothing_is_open(edge)
        gc.collect()
        assert trio.lowlevel.current_statistics().tasks_living == tasks
        assert open_descriptors() <= descriptors
