"""TLS and HTTP/2 on real sockets: what one client can do to others, and how it all ends."""

import socket
import ssl

import pytest
import trio
import trio.testing
from h2.errors import ErrorCodes
from hyperframe.frame import DataFrame, PriorityFrame

from fh.http.conversation import Terms
from fh.http.secure_face import FaceLimits
from tests.http.face_under_test import BIG, SEND_SECONDS, face_under_test
from tests.http.h2_client import H2Client, open_tls, speaking_h2

LONG_SECONDS = 3600

pytestmark = pytest.mark.usefixtures("complaints")


# Bounds -----------------------------------------------------------------------------------------


async def test_a_quiet_stream_lives_and_an_unused_connection_ends(
    context: ssl.SSLContext,
    h1: ssl.SSLContext,
    h2: ssl.SSLContext,
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with (
        face_under_test(lambda: context) as under_test,
        speaking_h2(under_test.port, h2) as streaming,
        speaking_h2(under_test.port, h2) as idle,
        under_test.h1(h1) as idle_h1,
        under_test.h1(h1) as unused,
        under_test.h1(h1) as streaming_h1,
    ):
        stream = await streaming.open("GET", "/stream")
        await streaming_h1.stream.send_all(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await idle.ask("GET", "/a")).status == 200
        assert (await idle_h1.ask("GET", "/a"))[0] == 200
        await trio.sleep(LONG_SECONDS)
        assert await unused.until_closed() == b""
        assert await idle_h1.until_closed() == b""
        await idle.until_closed()
        assert idle.goodbye is not None
        for tick in under_test.app.ticks[:2]:
            tick.set()
        assert await streaming.event(stream) == ("one", "x")
        await streaming_h1.until(b"event: one\ndata: x\n\n")
        assert under_test.face.statistics().connections == 2


async def test_a_stream_that_its_client_resets_leaves_the_connection_to_end(
    context: ssl.SSLContext, h2: ssl.SSLContext, autojump_clock: trio.testing.MockClock
) -> None:
    async with (
        face_under_test(lambda: context) as under_test,
        speaking_h2(under_test.port, h2) as client,
    ):
        stream = await client.open("GET", "/stream")
        await client.until(lambda: bool(client.answers[stream].headers))
        client.connection.reset_stream(stream)
        await client.flush()
        await under_test.wait_idle(connections=1)
        assert (await client.ask("GET", "/a")).status == 200
        await trio.sleep(LONG_SECONDS)
        await client.until_closed()


@pytest.mark.parametrize("beginning", [b"", b"GET / HT", b"POST /echo HTTP/1.1\r\nHost: x\r\n"])
async def test_a_first_request_takes_only_so_long(
    context: ssl.SSLContext,
    h1: ssl.SSLContext,
    autojump_clock: trio.testing.MockClock,
    beginning: bytes,
) -> None:
    terms = Terms(first_seconds=5)
    async with (
        face_under_test(lambda: context, terms=terms) as under_test,
        under_test.h1(h1) as client,
    ):
        began = trio.current_time()
        if beginning:
            await client.stream.send_all(beginning)
        assert await client.until_closed() == b""
        assert 4 < trio.current_time() - began < 8


async def test_who_does_not_read_is_given_up(
    context: ssl.SSLContext,
    h1: ssl.SSLContext,
    h2: ssl.SSLContext,
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with face_under_test(lambda: context) as under_test:
        async with under_test.h1(h1) as client:
            await client.stream.send_all(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
            await trio.sleep(10 * SEND_SECONDS)
            await under_test.wait_idle()
        async with speaking_h2(under_test.port, h2) as other:
            for _ in range(20):
                await other.open("GET", "/big")
            await trio.sleep(10 * SEND_SECONDS)
            await under_test.wait_idle()


async def test_who_reads_but_grants_no_window_is_given_up(
    context: ssl.SSLContext, h2: ssl.SSLContext, autojump_clock: trio.testing.MockClock
) -> None:
    async with (
        face_under_test(lambda: context) as under_test,
        speaking_h2(under_test.port, h2) as client,
    ):
        client.gives_window = False
        number = await client.open("GET", "/big")
        await client.until(lambda: len(client.answers[number].body) == 65_535)
        await trio.sleep(2 * SEND_SECONDS)
        await client.until_closed()
        await under_test.wait_idle()


async def test_who_is_refused_may_finish_speaking(
    context: ssl.SSLContext, h1: ssl.SSLContext
) -> None:
    """Reset by unread input, the answer would be lost."""
    async with face_under_test(lambda: context) as under_test, under_test.h1(h1) as client:
        status, _, body = await client.ask("POST", "/refuse", body=BIG)
        assert (status, body) == (413, b"too large")


async def test_an_answer_before_the_end_of_a_body_ends_nothing_but_the_upload(
    context: ssl.SSLContext, h2: ssl.SSLContext
) -> None:
    async with (
        face_under_test(lambda: context) as under_test,
        speaking_h2(under_test.port, h2) as client,
    ):
        stream = await client.open("GET", "/stream")
        number = await client.open("POST", "/refuse", ends=False)
        await client.send(number, BIG, ends=False)
        answer = await client.answer(number)
        assert (answer.status, answer.body) == (413, b"too large")
        await client.send(number, BIG, ends=False)
        assert answer.reset == ErrorCodes.NO_ERROR
        for _ in range(10):
            number = await client.open("POST", "/refuse", ends=False)
            await client.answer(number)
            await client.send(number, b"x" * 16_384, ends=False)
        # What was thrown away takes no room from the others' bodies.
        assert (await client.ask("POST", "/echo", body=BIG)).body == BIG
        under_test.app.ticks[0].set()
        assert await client.event(stream) == ("one", "x")


async def test_requests_that_can_not_be_served_end_no_others(
    context: ssl.SSLContext, h2: ssl.SSLContext
) -> None:
    async with (
        face_under_test(lambda: context) as under_test,
        speaking_h2(under_test.port, h2) as client,
    ):
        stream = await client.open("GET", "/stream")
        for method, path in (("CONNECT", "/a"), ("GET", "/\xe4")):
            number = await client.open(method, path)
            assert (await client.answer(number)).reset == ErrorCodes.HTTP_1_1_REQUIRED
        for number in range(101, 5001, 2):
            await client.stream.send_all(PriorityFrame(number, stream_weight=1).serialize())
        assert (await client.ask("GET", "/a")).status == 200
        under_test.app.ticks[0].set()
        assert await client.event(stream) == ("one", "x")


async def test_a_broken_protocol_ends_its_connection_quietly(
    context: ssl.SSLContext, h1: ssl.SSLContext, h2: ssl.SSLContext
) -> None:
    async with face_under_test(lambda: context) as under_test:
        async with under_test.h1(h1) as client:
            await client.stream.send_all(b"\x00\x01\x02 nonsense\r\n\r\n")
            assert (await client.until_closed()).startswith(b"HTTP/1.1 400")
        async with speaking_h2(under_test.port, h2) as other:
            await other.open("GET", "/stream")
            await other.stream.send_all(DataFrame(2, b"even").serialize())
            await other.until_closed()
            assert other.goodbye is not None
        async with speaking_h2(under_test.port, h2) as other:
            # The beginning of a frame of 16 MB; nobody keeps that much.
            await other.stream.send_all(b"\xff" * 20_000)
            await other.until_closed()
            assert other.goodbye is not None
        await under_test.wait_idle()


async def test_there_are_only_so_many_connections_and_requests(
    context: ssl.SSLContext, h2: ssl.SSLContext
) -> None:
    limits = FaceLimits(connections=1, requests=2)
    async with (
        face_under_test(lambda: context, limits=limits) as under_test,
        speaking_h2(under_test.port, h2) as client,
    ):
        with pytest.raises(trio.BrokenResourceError):
            await open_tls(under_test.port, h2)
        streams = [await client.open("GET", "/stream") for _ in range(2)]
        refused = await client.ask("GET", "/a")
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        client.connection.reset_stream(streams[0])
        await client.flush()
        with trio.fail_after(5):
            while under_test.face.statistics().requests > 1:
                await trio.testing.wait_all_tasks_blocked(0.005)
        assert (await client.ask("GET", "/a")).status == 200


# Ends -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/bug", "/half"])
async def test_a_bug_is_logged_and_ends_with_its_connection(
    context: ssl.SSLContext, h2: ssl.SSLContext, complaints: list[str], path: str
) -> None:
    complaints.append("request_failed")
    async with face_under_test(lambda: context) as under_test:
        async with speaking_h2(under_test.port, h2) as client:
            number = await client.open("GET", path)
            await client.until_closed()
            if path == "/bug":
                assert client.answers[number].status == 500
        await under_test.wait_idle()
        async with speaking_h2(under_test.port, h2) as next_one:
            assert (await next_one.ask("GET", "/a")).status == 200


async def test_drained_it_answers_what_is_under_way_and_ends(
    context: ssl.SSLContext, h1: ssl.SSLContext, h2: ssl.SSLContext
) -> None:
    async with (
        face_under_test(lambda: context) as under_test,
        speaking_h2(under_test.port, h2) as idle,
        speaking_h2(under_test.port, h2) as client,
        under_test.h1(h1) as other,
    ):
        stream = await client.open("GET", "/stream")
        await other.stream.send_all(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await other.until(b"\r\n\r\n")
        await client.until(lambda: bool(client.answers[stream].headers))
        under_test.face.drain()
        await idle.until_closed()
        assert idle.goodbye is not None
        late = await client.open("GET", "/a")
        assert (await client.answer(late)).reset == ErrorCodes.REFUSED_STREAM
        for _ in range(2):
            for tick in under_test.app.ticks:
                tick.set()
            await trio.testing.wait_all_tasks_blocked(0.01)
        assert [await client.event(stream) for _ in range(3)] == [
            ("one", "x"),
            ("two", "x"),
            ("", ""),
        ]
        await client.until_closed()
        assert (await other.until_closed()).endswith(b"0\r\n\r\n")
        with pytest.raises(trio.BrokenResourceError):
            await open_tls(under_test.port, h2)


async def test_cancelled_it_ends_at_once_whoever_does_not_read(
    context: ssl.SSLContext, h1: ssl.SSLContext, autojump_clock: trio.testing.MockClock
) -> None:
    async with face_under_test(lambda: context) as under_test:
        stream = await open_tls(under_test.port, h1)
        await stream.send_all(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert under_test.face.statistics().requests == 1
        began = trio.current_time()
    assert trio.current_time() - began < 1
    await trio.aclose_forcefully(stream)


async def test_a_client_that_vanishes_ends_its_requests(
    context: ssl.SSLContext, h1: ssl.SSLContext, h2: ssl.SSLContext
) -> None:
    async with face_under_test(lambda: context) as under_test:
        secure = await open_tls(under_test.port, h2)
        client = H2Client(secure, scheme="https")
        await client.start()
        for _ in range(3):
            await client.open("GET", "/stream")
        stream = await open_tls(under_test.port, h1)
        await stream.send_all(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        with trio.fail_after(5):
            while under_test.face.statistics().requests < 4:
                await trio.testing.wait_all_tasks_blocked(0.005)
        for each in (secure, stream):
            reset = each.transport_stream.socket
            reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            reset.close()
        await under_test.wait_idle()
        assert under_test.app.ended == 4
