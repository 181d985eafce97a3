"""TLS and HTTP/2 on real sockets."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog.testing
import trio
import trio.testing
from h2.errors import ErrorCodes
from hyperframe.frame import DataFrame, PriorityFrame

from fh.http.conversation import Terms
from fh.http.key_pair import KeyPairFiles, load_key_pair
from fh.http.secure_face import FaceLimits
from fh.wire.http_head import RequestHead
from tests.http.certificates import trusting, write_pair
from tests.http.face_under_test import BIG, SEND_SECONDS, H1Client, face_under_test
from tests.http.h2_client import H2Client, open_tls, speaking_h2

CLIENT_HELLO_BEGINS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
LONG_SECONDS = 3600


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> KeyPairFiles:
    return write_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def context(files: KeyPairFiles) -> ssl.SSLContext:
    return load_key_pair(files).context


@pytest.fixture
def h1(files: KeyPairFiles) -> ssl.SSLContext:
    return trusting(files, "http/1.1")


@pytest.fixture
def h2(files: KeyPairFiles) -> ssl.SSLContext:
    return trusting(files, "h2", "http/1.1")


@pytest.fixture(autouse=True)
def complaints() -> Iterator[list[str]]:
    """Whatever clients do, nothing is logged that an operator would have to look at."""
    expected: list[str] = []
    with structlog.testing.capture_logs() as logs:
        yield expected
    loud = [line["event"] for line in logs if line["log_level"] not in {"debug", "info"}]
    assert loud == expected
    assert expected or not [line for line in logs if "exc_info" in line]


# Speaking ---------------------------------------------------------------------------------------


async def test_the_client_chooses_the_protocol(
    context: ssl.SSLContext, files: KeyPairFiles
) -> None:
    async with face_under_test(lambda: context) as under_test:
        async with speaking_h2(under_test.port, trusting(files, "http/1.1", "h2")) as client:
            assert (await client.ask("GET", "/a")).body == b"GET /a https 2"
        for protocols in ((), ("http/1.1",), ("spdy/1", "http/1.1")):
            async with under_test.h1(trusting(files, *protocols)) as other:
                assert (await other.ask("GET", "/b"))[2] == b"GET /b https 1.1"
        async with speaking_h2(under_test.port, None) as plain:
            assert (await plain.ask("GET", "/c")).body == b"GET /c http 2"


async def test_a_connection_serves_one_request_after_another(
    context: ssl.SSLContext, h1: ssl.SSLContext
) -> None:
    async with face_under_test(lambda: context) as under_test, under_test.h1(h1) as client:
        for index in range(50):
            status, _, body = await client.ask("POST", "/echo", body=b"x" * index or b"-")
            assert (status, body) == (200, b"x" * index or b"-")
        status, headers, _ = await client.ask("GET", "/last", "connection: close")
        assert (status, headers["connection"]) == (200, "close")
        assert await client.until_closed() == b""
        await under_test.wait_idle()
        assert under_test.face.statistics().handshakes == 1


async def test_more_requests_than_a_server_usually_allows_end_no_stream_beside_them(
    context: ssl.SSLContext, h2: ssl.SSLContext
) -> None:
    async with (
        face_under_test(lambda: context) as under_test,
        speaking_h2(under_test.port, h2) as client,
    ):
        stream = await client.open("GET", "/stream")
        for _ in range(1100):
            assert (await client.ask("GET", "/a")).status == 200
        under_test.app.ticks[0].set()
        assert await client.event(stream) == ("one", "x")
        assert client.goodbye is None


async def test_fifty_streams_and_answers_share_a_connection(
    context: ssl.SSLContext, h2: ssl.SSLContext
) -> None:
    async with (
        face_under_test(lambda: context) as under_test,
        speaking_h2(under_test.port, h2) as client,
    ):
        streams = [await client.open("GET", "/stream") for _ in range(50)]
        big = await client.ask("GET", "/big")
        assert (big.status, big.body) == (200, BIG)
        echoed = await client.ask("POST", "/echo", body=BIG)
        assert echoed.body == BIG
        for tick in under_test.app.ticks[:]:
            tick.set()
        assert {await client.event(stream) for stream in streams} == {("one", "x")}
        for tick in under_test.app.ticks[50:]:
            tick.set()
        assert {await client.event(stream) for stream in streams} == {("two", "x")}
        assert {await client.event(stream) for stream in streams} == {("", "")}
        assert under_test.face.statistics().requests == 0


async def test_a_big_answer_arrives_over_http1(context: ssl.SSLContext, h1: ssl.SSLContext) -> None:
    async with face_under_test(lambda: context) as under_test, under_test.h1(h1) as client:
        assert (await client.ask("GET", "/big"))[2] == BIG


async def test_browsers_are_not_invited_to_open_websockets_within_http2(
    context: ssl.SSLContext, h2: ssl.SSLContext
) -> None:
    async with (
        face_under_test(lambda: context) as under_test,
        speaking_h2(under_test.port, h2) as client,
    ):
        assert not client.offers_websockets


# Certificates -----------------------------------------------------------------------------------


async def test_new_connections_see_a_new_certificate_and_streams_go_on(
    context: ssl.SSLContext, files: KeyPairFiles, h2: ssl.SSLContext, tmp_path: Path
) -> None:
    newer = write_pair(tmp_path, name="newer")
    in_use = [context]
    async with (
        face_under_test(lambda: in_use[-1]) as under_test,
        speaking_h2(under_test.port, h2) as client,
    ):
        stream = await client.open("GET", "/stream")
        await client.until(lambda: bool(client.answers[stream].headers))
        in_use.append(load_key_pair(newer).context)
        with pytest.raises(trio.BrokenResourceError):
            await open_tls(under_test.port, trusting(files))
        async with under_test.h1(trusting(newer)) as other:
            assert (await other.ask("GET", "/a"))[0] == 200
        under_test.app.ticks[0].set()
        assert await client.event(stream) == ("one", "x")
        # Who did not trust it left.
        assert under_test.face.statistics().handshake_failures["gone"] == 1


async def test_without_a_certificate_tls_is_refused_at_once() -> None:
    async with face_under_test() as under_test:
        client = H1Client(await trio.open_tcp_stream("127.0.0.1", under_test.port))
        await client.stream.send_all(CLIENT_HELLO_BEGINS)
        assert await client.until_closed() == b""
        await client.stream.aclose()


# Clients that do not shake hands ----------------------------------------------------------------


async def test_garbage_is_no_handshake(context: ssl.SSLContext) -> None:
    async with face_under_test(lambda: context) as under_test:
        client = H1Client(await trio.open_tcp_stream("127.0.0.1", under_test.port))
        await client.stream.send_all(b"\x16GET / HTTP/1.1\r\n\r\n" + bytes(range(256)))
        await client.until_closed()
        await client.stream.aclose()
        await under_test.wait_idle()
        assert under_test.face.statistics().handshake_failures["protocol"] == 1


async def test_who_leaves_during_the_handshake_is_forgotten(context: ssl.SSLContext) -> None:
    async with face_under_test(lambda: context) as under_test:
        stream = await trio.open_tcp_stream("127.0.0.1", under_test.port)
        await stream.send_all(CLIENT_HELLO_BEGINS)
        with trio.fail_after(5):
            while not under_test.face.statistics().handshakes_under_way:
                await trio.testing.wait_all_tasks_blocked(0.005)
        await stream.aclose()
        await under_test.wait_idle()
        statistics = under_test.face.statistics()
        assert statistics.handshake_failures["gone"] == 1
        assert statistics.handshakes_under_way == 0


async def test_a_handshake_takes_only_so_long(
    context: ssl.SSLContext, autojump_clock: trio.testing.MockClock
) -> None:
    async with face_under_test(lambda: context) as under_test:
        client = H1Client(await trio.open_tcp_stream("127.0.0.1", under_test.port))
        for byte in CLIENT_HELLO_BEGINS:
            await client.stream.send_all(bytes([byte]))
            await trio.sleep(0.5)
        began = trio.current_time()
        assert await client.until_closed() == b""
        assert trio.current_time() - began < 6
        assert under_test.face.statistics().handshake_failures["slow"] == 1
        await client.stream.aclose()


async def test_the_oldest_of_too_many_handshakes_makes_room(
    context: ssl.SSLContext, h1: ssl.SSLContext
) -> None:
    async with face_under_test(lambda: context, limits=FaceLimits(handshakes=3)) as under_test:
        lingering = []
        for _ in range(4):
            client = H1Client(await trio.open_tcp_stream("127.0.0.1", under_test.port))
            await client.stream.send_all(CLIENT_HELLO_BEGINS)
            await trio.testing.wait_all_tasks_blocked(0.01)
            lingering.append(client)
        assert await lingering[0].until_closed() == b""
        async with under_test.h1(h1) as honest:
            assert (await honest.ask("GET", "/a"))[0] == 200
        statistics = under_test.face.statistics()
        assert statistics.handshake_failures["crowded"] == 2
        assert statistics.handshakes_under_way == 2
        for client in lingering:
            await client.stream.aclose()


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
    async with (
        face_under_test(lambda: context) as under_test,
        speaking_h2(under_test.port, h2) as client,
    ):
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


# Other protocols --------------------------------------------------------------------------------


async def test_a_request_for_another_protocol_is_handed_over_with_all_that_was_read(
    context: ssl.SSLContext, h1: ssl.SSLContext
) -> None:
    heads: list[RequestHead] = []

    async def take(stream: trio.abc.HalfCloseableStream, data: bytes) -> None:
        await stream.send_all(b"taken: " + data)
        await stream.send_all(await stream.receive_some())
        await stream.send_eof()
        await stream.aclose()

    def take_upgrade(head: RequestHead):
        heads.append(head)
        return take if head.raw_path == "/socket" else None

    async with (
        face_under_test(lambda: context, take_upgrade=take_upgrade) as under_test,
        under_test.h1(h1) as client,
    ):
        # The connection was used before, and one that nobody takes is answered.
        assert (await client.ask("GET", "/a"))[0] == 200
        upgrade = ("Upgrade: websocket", "Connection: Upgrade")
        status, _, body = await client.ask("GET", "/b?c=d", *upgrade)
        assert (status, body) == (200, b"GET /b https 1.1")
        head = (
            b"GET /socket?x=y HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\n\r\n"
        )
        await client.stream.send_all(head + b"more")
        assert await client.until(b"more") == b"taken: " + head + b"more"
        await client.stream.send_all(b"and more")
        assert await client.until_closed() == b"and more"
        await under_test.wait_idle()
    assert [head.raw_path for head in heads] == ["/b", "/socket"]
    assert heads[1].query == "x=y"
    assert heads[1].header("upgrade") == "websocket"


async def test_http2_is_not_upgraded_to(context: ssl.SSLContext, h1: ssl.SSLContext) -> None:
    """Over a connection that becomes HTTP/2 in the middle nobody asks but the curious."""
    async with face_under_test(lambda: context) as under_test, under_test.h1(h1) as client:
        headers = (
            "Upgrade: h2c",
            "Connection: Upgrade, HTTP2-Settings",
            "HTTP2-Settings: AAMAAABk",
        )
        status, _, body = await client.ask("GET", "/a", *headers)
        assert (status, body) == (200, b"GET /a https 1.1")
        assert (await client.ask("GET", "/b"))[0] == 200


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
