"""What Edge answers to whoever speaks TLS or HTTP/2 for it."""

import pytest
import trio
import trio.testing
from asgi_client import ORIGIN, POLL, STREAM, Client, asgi_under_test, kinds, lookup
from edge_under_test import ENVIRONMENT, SERVER_KEY, MemoryLookup, boolean, edge_under_test, granted

from fh.edge import asgi
from fh.edge.asgi import EdgeApp
from fh.edge.pages import Pages
from fh.edge.settings import EdgeSettings
from fh.http.asgi import ClientTooSlow
from fh.http.routing import Reply, Route
from fh.model.roles import Role
from fh.wire.http_body import MOST_BODY_BYTES
from fh.wire.http_head import MOST_HEADERS

WRITE = f"/features/{ENVIRONMENT}/{SERVER_KEY.secret}/flag"
PROBES = frozenset({"/health/liveness"})


# Answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.1", "2"])
async def test_a_poll_is_answered_as_on_a_socket(version: str) -> None:
    async with asgi_under_test() as (client, edge):
        status, headers, body = await client.ask("GET", POLL, version=version)
        on_socket = await edge.poll(SERVER_KEY)
        del on_socket[1]["date"]  # whoever speaks HTTP adds it
        assert (status, headers, body) == on_socket
        known = ("if-none-match", headers["etag"])
        status, headers, body = await client.ask("GET", POLL, known, version=version)
        assert (status, body) == (304, b"")
        assert "content-length" not in headers


async def test_a_long_answer_leaves_in_pieces() -> None:
    features = [boolean(f"flag{number:04}", True) for number in range(1000)]
    async with asgi_under_test(MemoryLookup({SERVER_KEY: granted(features)})) as (client, _):
        async with client.open("GET", POLL) as (exchange, _):
            _, headers, body = await exchange.answer()
        assert int(headers["content-length"]) == len(body) > 100_000
        assert max(len(message.get("body", b"")) for message in exchange.received) == 16_384


async def test_answers_that_nobody_reads_are_given_up_for_one_that_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asgi, "MOST_BYTES", 250_000)
    features = [boolean(f"flag{number:04}", True) for number in range(1000)]
    found = MemoryLookup({SERVER_KEY: granted(features)})
    given_up: list[str] = []

    async def ask_only(client: Client, name: str) -> None:
        try:
            async with client.open("GET", POLL) as (exchange, _):
                exchange.reads = False
                await trio.sleep_forever()
        except* ClientTooSlow:
            given_up.append(name)

    async with (
        asgi_under_test(found, slow_seconds=3600) as (client, _),
        trio.open_nursery() as nursery,
    ):
        for name in ("first", "second"):
            nursery.start_soon(ask_only, client, name)
            await trio.testing.wait_all_tasks_blocked()
        assert given_up == []
        status, _, body = await client.ask("GET", POLL)
        assert (status, len(body) > 100_000) == (200, True)
        await trio.testing.wait_all_tasks_blocked()
        assert given_up == ["first"]
        nursery.cancel_scope.cancel()


async def test_answers_to_pages_from_elsewhere_say_that_they_may_read() -> None:
    async with asgi_under_test() as (client, _):
        for target in (POLL, "/features", STREAM.replace("s" * 40, "unknown")):
            _, headers, _ = await client.ask("GET", target, ORIGIN)
            assert headers["access-control-allow-origin"] == "*"
        status, headers, _ = await client.ask("OPTIONS", WRITE, ORIGIN)
        assert status == 200
        assert "PUT" in headers["access-control-allow-methods"]
        assert headers["access-control-allow-origin"] == "*"


async def test_head_has_no_body_and_answers_say_where_streams_are() -> None:
    async with asgi_under_test() as (client, _):
        _, asked, body = await client.ask("GET", POLL)
        status, headers, rest = await client.ask("HEAD", POLL)
        assert (status, headers, rest) == (200, asked, b"")
        assert headers["content-length"] == str(len(body))
        assert "x-accel-buffering" not in headers
        for method, target in (("OPTIONS", WRITE), ("GET", POLL.replace("?", "/?"))):
            status, headers, _ = await client.ask(method, target)
            assert (status, headers["x-accel-buffering"]) == (200, "no")


async def test_refusals_are_those_of_a_socket() -> None:
    async with asgi_under_test() as (client, _):
        assert (await client.ask("GET", "/features"))[0] == 400
        assert (await client.ask("DELETE", POLL))[0] == 405
        assert (await client.ask("GET", "/features/nonsense/x"))[0] == 404
        many = [(f"x-{number}", "x") for number in range(MOST_HEADERS + 1)]
        assert (await client.ask("GET", POLL, *many))[0] == 431


async def test_headers_of_a_connection_are_no_part_of_http2() -> None:
    target = STREAM.replace("/features/", "/features/ws/")
    upgrade = (("upgrade", "websocket"), ("connection", "upgrade"))
    async with asgi_under_test() as (client, _):
        status, headers, _ = await client.ask("GET", target, *upgrade, version="1.1")
        assert (status, headers["upgrade"]) == (426, "websocket")
        status, headers, _ = await client.ask("GET", target, *upgrade)
        assert status == 426
        assert not {"upgrade", "connection"} & headers.keys()


async def test_a_whole_websocket_handshake_is_refused_here() -> None:
    target = STREAM.replace("/features/", "/features/ws/")
    headers = (
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    )
    async with asgi_under_test() as (client, _):
        assert (await client.ask("GET", target, *headers, version="1.1"))[0] == 400
        async with client.open("GET", target, kind="websocket") as (exchange, _):
            assert (await exchange.next())["type"] == "websocket.close"


async def test_what_is_not_edge_s_goes_elsewhere() -> None:
    async with asgi_under_test() as (client, _):
        assert (await client.ask("GET", "/mr-api/x", body=None))[0] == 204
        assert [scope["path"] for scope, _, _ in client.elsewhere] == ["/mr-api/x"]
        await client.app({"type": "lifespan"}, *(len, len))
        assert client.elsewhere[1] == ({"type": "lifespan"}, len, len)


async def test_pages_stand_where_no_application_does() -> None:
    async def page(_: object) -> Reply:
        return Reply(b"a page", content_type="text/plain")

    route = Route("GET", "/page", "page", page, tag="t", authenticated=False)
    async with edge_under_test(lookup()) as edge:
        client = Client(EdgeApp(edge.edge, EdgeSettings(), Pages([route])), [])
        status, headers, body = await client.ask("GET", "/page")
        assert (status, headers["content-type"], body) == (200, "text/plain", b"a page")
        assert (await client.ask("GET", "/other"))[0] == 404
        assert (await client.ask("GET", POLL))[0] == 200
        await client.app({"type": "lifespan"}, *(len, len))


async def test_a_target_may_have_all_of_an_address() -> None:
    async with asgi_under_test() as (client, _):
        status, _, _ = await client.ask("GET", f"https://host{POLL}", version="1.1")
        assert status == 200
        assert (await client.ask("GET", POLL.replace("?", "#?")))[0] == 400


# Bodies -----------------------------------------------------------------------------------------


async def test_a_test_write_is_handed_on() -> None:
    async with asgi_under_test(lookup(Role.CHANGE_VALUE, Role.UNLOCK)) as (client, edge):
        body = b'{"value":true,"lock":false}'
        assert (await client.ask("PUT", WRITE, body=body))[0] == 200
        async with client.open("PUT", WRITE, body=None) as (exchange, give):
            for number in range(len(body)):
                await give.send(
                    {
                        "type": "http.request",
                        "body": body[number : number + 1],
                        "more_body": number + 1 < len(body),
                    }
                )
            assert (await exchange.answer())[0] == 200
        assert [update.feature_key for update in edge.updates.submitted] == ["flag", "flag"]


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
async def test_a_body_that_is_too_large_is_refused(announced: bool) -> None:
    headers = [("content-length", str(MOST_BODY_BYTES + 1))] if announced else []
    async with asgi_under_test() as (client, _):
        async with client.open("PUT", WRITE, *headers, body=None) as (exchange, give):
            if not announced:
                part = {"type": "http.request", "body": b"x" * 1000, "more_body": True}
                for _ in range(MOST_BODY_BYTES // 1000 + 1):
                    await give.send(part)
            assert (await exchange.answer())[0] == 413
        assert client.app._bodies_bytes == 0


async def test_a_body_that_comes_late_is_refused(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with (
        asgi_under_test() as (client, _),
        client.open("PUT", WRITE, body=None) as (exchange, give),
    ):
        await give.send({"type": "http.request", "body": b"{", "more_body": True})
        with trio.fail_after(20):
            message = await exchange.take.receive()
        assert message["status"] == 408


async def test_too_many_bodies_at_a_time_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "_MOST_BODIES_BYTES", 1500)
    part = {"type": "http.request", "body": b"x" * 1000, "more_body": True}
    async with (
        asgi_under_test() as (client, _),
        client.open("PUT", WRITE, body=None) as (first, give_first),
    ):
        await give_first.send(part)
        async with client.open("PUT", WRITE, body=None) as (second, give_second):
            await trio.testing.wait_all_tasks_blocked()
            await give_second.send(part)
            status, headers, _ = await second.answer()
            assert (status, headers["retry-after"]) == (503, "1")
        await give_first.send({"type": "http.request", "body": b"", "more_body": False})
        assert (await first.answer())[0] == 400  # it is no JSON


async def test_who_leaves_before_the_end_of_a_body_writes_nothing() -> None:
    async with asgi_under_test(lookup(Role.CHANGE_VALUE)) as (client, edge):
        async with client.open("PUT", WRITE, body=None) as (exchange, give):
            body = b'{"value":true}'
            await give.send({"type": "http.request", "body": body, "more_body": True})
            await give.send({"type": "http.disconnect"})
        assert exchange.take.statistics().current_buffer_used == 0
        assert edge.updates.submitted == []
        assert client.app._bodies_bytes == 0


# Without TLS ------------------------------------------------------------------------------------


async def test_only_some_paths_are_served_without_tls() -> None:
    async with asgi_under_test(plain_paths=PROBES) as (client, edge):
        for target in (POLL, STREAM, "/mr-api/x", "/health/liveness/more"):
            status, _, body = await client.ask("GET", target, scheme="http")
            assert status == 400
            assert b"https" in body
        assert (await client.ask("GET", "/health/liveness?x=y", scheme="http"))[0] == 204
        assert (await client.ask("GET", POLL))[0] == 200
        assert kinds(edge) == (0, 0)


async def test_a_socket_of_edge_s_own_serves_no_more_than_these() -> None:
    async with edge_under_test(lookup(), plain_paths=PROBES) as edge:
        status, headers, body = await edge.poll(SERVER_KEY)
        assert (status, headers["connection"]) == (400, "close")
        assert b"https" in body
        client = await edge.connect()
        await client.send(b"GET /health/liveness HTTP/1.1\r\nHost: x\r\n\r\n")
        with trio.fail_after(5):
            while not edge.elsewhere:
                await trio.testing.wait_all_tasks_blocked()
