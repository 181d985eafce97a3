import socket
import struct
from pathlib import Path

import pytest
import trio
import trio.testing
from edge_under_test import (
    ENVIRONMENT,
    SERVER_KEY,
    EdgeUnderTest,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
)


def one_flag() -> MemoryLookup:
    return MemoryLookup({SERVER_KEY: granted([boolean("dark", True)])})


def open_descriptors() -> int:
    """Return how many descriptors this process has, 0 where the system does not say."""
    descriptors = Path("/proc/self/fd")
    return len(list(descriptors.iterdir())) if descriptors.is_dir() else 0


async def streams_are(edge: EdgeUnderTest, count: int, *, seconds: float = 5) -> None:
    with trio.fail_after(seconds):
        while edge.edge.statistics().streams != count:
            await trio.testing.wait_all_tasks_blocked()


async def connections_are(edge: EdgeUnderTest, count: int, *, seconds: float = 8) -> None:
    with trio.fail_after(seconds):
        while edge.edge.statistics().connections != count:
            await trio.testing.wait_all_tasks_blocked()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /features HTTP/9.9\r\n\r\n", 400),
        (b"GET /features HTTP/1.1\r\nbad header\r\n\r\n", 400),
        (b"GET /features HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n", 431),
        (b"GET /features HTTP/1.1\r\nx: " + b"y" * 70_000, 431),
        (b"GET /features?apiKey=x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 400),
        (b"GET /features?apiKey=x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET /features/not-a-uuid/key HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /features/a/b/c/d/e HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ],
)
async def test_what_can_not_be_served_gets_a_clear_answer_and_the_connection_ends(
    request_bytes: bytes, status: int
) -> None:
    async with edge_under_test(one_flag()) as edge:
        client = await edge.connect()
        await client.send(request_bytes)
        answered, headers, body = await client.answer()
        assert answered == status
        assert headers["content-type"] == "application/json"
        assert b'"detail":' in body
        await client.until_closed()


async def test_a_head_in_single_bytes_is_read() -> None:
    async with edge_under_test(one_flag()) as edge:
        client = await edge.connect()
        for byte in f"GET /features?apiKey={ENVIRONMENT}/{'s' * 40} HTTP/1.1\r\n\r\n".encode():
            await client.send(bytes([byte]))
        assert (await client.answer())[0] == 200


async def test_a_head_that_does_not_end_is_closed_like_silence() -> None:
    async with edge_under_test(one_flag(), head_seconds=1) as edge:
        slow, silent = await edge.connect(), await edge.connect()
        await slow.send(f"GET /features/{ENVIRONMENT}/".encode())
        assert await slow.until_closed() == b""
        assert await silent.until_closed() == b""


async def test_a_client_that_stops_reading_costs_nobody_else_anything() -> None:
    async with edge_under_test(one_flag(), slow_bytes=4096, slow_seconds=60) as edge:
        stuck, well = await edge.open_stream(), await edge.open_stream()
        await well.event()
        await well.event()
        # Different features, so that nothing can be coalesced away.
        for number in range(20_000):
            await edge.announce(boolean(f"f{number}", True))
            assert (await well.event())[0] == "feature"
            if edge.edge.statistics().evicted:
                break
        await streams_are(edge, 1)
        assert edge.edge.statistics().evicted == 1
        del stuck


async def test_a_slow_client_gets_the_newest_version_of_each_feature() -> None:
    settings = {"send_buffer_bytes": 4608, "slow_bytes": 1 << 20, "slow_seconds": 600}
    async with edge_under_test(one_flag(), **settings) as edge:
        slow = await edge.open_stream()
        slow.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        last = 40_000
        for version in range(2, last):
            await edge.announce(boolean("dark", version % 2 == 0, version=version))
        seen = []
        while not seen or seen[-1] != last - 1:
            name, _, data = await slow.event()
            if name == "feature":
                seen.append(int(data.split('"version":')[1].split(",")[0]))
        assert seen == sorted(seen)
        assert len(seen) < last


async def test_a_client_that_takes_nothing_for_too_long_is_given_up() -> None:
    async with edge_under_test(one_flag(), slow_bytes=1 << 20, slow_seconds=1) as edge:
        stuck = await edge.open_stream()
        with trio.fail_after(10):
            version = 2
            # The kernel takes a while until it takes no more.
            while not edge.edge.statistics().evicted:
                for _ in range(1000):
                    await edge.announce(boolean("dark", version % 2 == 0, version=version))
                    version += 1
                await trio.testing.wait_all_tasks_blocked(0.01)
        await streams_are(edge, 0)
        del stuck


async def test_a_reset_ends_one_stream_and_nothing_else() -> None:
    async with edge_under_test(one_flag()) as edge:
        reset, well = await edge.open_stream(), await edge.open_stream()
        for client in (reset, well):
            await client.event()
            await client.event()
        reset.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await reset.stream.aclose()
        await edge.announce(boolean("dark", False, version=2))
        assert (await well.event())[0] == "feature"
        await streams_are(edge, 1)


async def test_input_on_a_stream_is_thrown_away() -> None:
    async with edge_under_test(one_flag()) as edge:
        client = await edge.open_stream()
        await client.event()
        await client.event()
        for _ in range(100):
            await client.send(b"x" * 10_000)
        await edge.announce(boolean("dark", False, version=2))
        assert (await client.event())[0] == "feature"


async def test_a_half_closed_client_is_gone() -> None:
    async with edge_under_test(one_flag()) as edge:
        client = await edge.open_stream()
        await client.stream.send_eof()
        await streams_are(edge, 0)
        await connections_are(edge, 0)


async def test_a_request_for_somebody_else_is_handed_over_with_every_byte() -> None:
    async with edge_under_test(one_flag()) as edge:
        client = await edge.connect()
        request = b"POST /mr-api/login HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"
        await client.send(request)
        with trio.fail_after(5):
            while not edge.elsewhere:
                await trio.testing.wait_all_tasks_blocked()
        taken, data = edge.elsewhere[0]
        assert request.startswith(data)
        while len(data) < len(request):
            data += taken.recv(100)
        assert data == request
        assert edge.edge.statistics().connections == 0


async def test_a_descriptor_used_again_never_carries_an_event_of_its_former_owner() -> None:
    other = SERVER_KEY.__class__(
        ENVIRONMENT.__class__("95f6c09a-20e7-41e2-9014-1421682b71b1"), "o" * 40
    )
    lookup = one_flag()
    lookup.answers[other] = granted([boolean("other", True)])
    async with edge_under_test(lookup) as edge:
        leavers = [await edge.open_stream() for _ in range(200)]
        await streams_are(edge, 200)
        # Announce to more streams than are served in one turn, and let them leave meanwhile.
        for version in range(2, 12):
            await edge.announce(boolean("dark", True, version=version))
            for client in leavers[(version - 2) * 20 : (version - 1) * 20]:
                client.stream.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                await client.stream.aclose()
            successor = await edge.open_stream(other)
            await successor.event()
            name, _, data = await successor.event()
            assert name == "features"
            assert "dark" not in data
            await edge.announce(boolean("dark", False, version=100 + version))
            assert successor.received == b""
        await streams_are(edge, 10)


async def test_everything_is_given_back_after_a_storm() -> None:
    async with edge_under_test(one_flag()) as edge:
        before = open_descriptors()
        for _ in range(5):
            clients = [await edge.open_stream() for _ in range(100)]
            await streams_are(edge, 100)
            for client in clients:
                await client.stream.aclose()
            await streams_are(edge, 0)
        await connections_are(edge, 0)
        assert open_descriptors() <= before + 2
