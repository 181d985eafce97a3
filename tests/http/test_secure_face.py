"""TLS and HTTP/2 on real sockets: what is spoken, and with which certificate."""

import ssl
from pathlib import Path

import pytest
import trio
import trio.testing

from fh.http.key_pair import KeyPairFiles, load_key_pair
from fh.http.secure_face import FaceLimits
from fh.wire.http_head import RequestHead
from tests.http.certificates import trusting, write_pair
from tests.http.face_under_test import BIG, H1Client, face_under_test
from tests.http.h2_client import open_tls, speaking_h2

CLIENT_HELLO_BEGINS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

pytestmark = pytest.mark.usefixtures("complaints")


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
    async with face_under_test(lambda: context) as under_test:
        async with under_test.h1(h1) as client:
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


# Handshakes -------------------------------------------------------------------------------------


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

    def take_upgrade(head: RequestHead, address: str):
        assert address == "127.0.0.1"
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
