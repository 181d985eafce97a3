"""Streams that somebody else writes to their clients, over TLS or HTTP/2."""

import pytest
import trio
import trio.testing
from asgi_client import ORIGIN, POLL, STREAM, asgi_under_test, kinds
from edge_under_test import MemoryLookup, boolean

from fh.http.asgi import ClientTooSlow


async def test_a_stream_is_told_what_a_socket_is_told() -> None:
    async with asgi_under_test() as (client, edge):
        async with client.open("GET", STREAM, ORIGIN) as (exchange, give):
            head = await exchange.next()
            headers = dict(head["headers"])
            assert head["status"] == 200
            assert headers[b"content-type"] == b"text/event-stream"
            assert headers[b"x-accel-buffering"] == b"no"
            assert headers[b"access-control-allow-origin"] == b"*"
            assert b"transfer-encoding" not in headers
            first = await exchange.next()
            text = first["body"]
            if b"event: features" not in text:
                text += (await exchange.next())["body"]
            assert text.startswith(b'event: ack\ndata: {"status":"discover"}\n\n')
            assert b"event: features\n" in text
            for version in (2, 3):
                await edge.announce(boolean("flag", version == 2, version=version))
                name, data = await exchange.event()
                assert (name, data["version"]) == ("feature", version)
            assert kinds(edge) == (1, 1)
            await give.send({"type": "http.disconnect"})
        assert kinds(edge) == (0, 0)


async def test_what_a_client_goes_on_sending_is_thrown_away() -> None:
    async with asgi_under_test() as (client, edge):
        async with client.open("GET", STREAM, body=None) as (_, give):
            for _ in range(100):
                part = {"type": "http.request", "body": b"x" * 1000, "more_body": True}
                await give.send(part)
            await trio.testing.wait_all_tasks_blocked()
            assert give.statistics().current_buffer_used == 0
            await give.send({"type": "http.disconnect"})
        assert kinds(edge) == (0, 0)


async def test_an_unknown_key_hears_so_and_then_the_stream_ends(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with asgi_under_test(MemoryLookup()) as (client, edge):
        async with client.open("GET", STREAM) as (exchange, _):
            await exchange.next()
            text = b""
            while message := await exchange.next():
                text += message["body"]
                if not message["more_body"]:
                    break
        assert text.endswith(
            b'data: {"status":"Unrecognized API key. Please stop requesting."}\n\n'
        )
        assert kinds(edge) == (0, 0)


async def test_at_shutdown_a_stream_hears_bye_and_a_new_one_is_told_to_come_back() -> None:
    async with asgi_under_test() as (client, edge):
        async with client.open("GET", STREAM) as (exchange, _):
            await exchange.next()
            await exchange.next()
            await edge.wait_progress()
            edge.edge.drain()
            status, headers, _ = await client.ask("GET", STREAM)
            assert status == 503
            assert int(headers["retry-after"]) > 0
            name = "features"
            while name != "bye":
                name, _ = await exchange.event()
            assert await exchange.event() == ("", None)
        with trio.fail_after(5):
            while edge.edge.life is not None:
                await trio.testing.wait_all_tasks_blocked()
        # Now there is no Edge at all: what is not Edge's is still served.
        for target in (STREAM, POLL):
            status, headers, _ = await client.ask("GET", target)
            assert status == 503
            assert int(headers["retry-after"]) > 0
        assert (await client.ask("GET", "/mr-api/x"))[0] == 204


async def test_a_client_that_takes_nothing_is_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with asgi_under_test(slow_seconds=7) as (client, edge):
        began = trio.current_time()
        with pytest.RaisesGroup(pytest.RaisesGroup(ClientTooSlow)):
            async with client.open("GET", STREAM) as (exchange, _):
                exchange.reads = False
                await trio.sleep_forever()
        assert 6 < trio.current_time() - began < 9
        assert kinds(edge) == (0, 0)


async def test_a_client_that_falls_too_far_behind_is_evicted_with_an_orderly_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with asgi_under_test(slow_bytes=4096) as (client, edge):
        async with client.open("GET", STREAM) as (exchange, _):
            await exchange.next()
            await trio.testing.wait_all_tasks_blocked()
            exchange.reads = False
            began = trio.current_time()
            for number in range(200):
                await edge.announce(boolean(f"flag{number}", True))
                await trio.testing.wait_all_tasks_blocked()
                if not number:
                    # What follows waits behind what is being sent, which ends with the stream.
                    exchange.reads = True
            last = exchange.received[-1]
            while last.get("more_body", True):
                last = await exchange.next()
            assert last["body"] == b""
            assert trio.current_time() - began < 1
        statistics = edge.edge.statistics()
        assert statistics is not None
        assert (statistics.evicted, statistics.streams) == (1, 0)
