"""The watchers notice what they are there for, and the proxy knows messages of NATS from others."""

import json
import random
from contextlib import suppress
from pathlib import Path

import pytest
import trio

from tests.e2e.admin import Admin, Project
from tests.e2e.role_process import RoleProcess
from tests.faults.proxy import Losses, Proxy
from tests.faults.tenant import Tenant
from tests.faults.watch import Ledger, Stream, read_event


def told(*events: tuple[str, object]) -> tuple[Stream, list[str]]:
    ledger = Ledger()
    admin = Admin("http://127.0.0.1:1")
    tenant = Tenant(0, Project(admin, "", "", "", "env/client*key", "env/server"))
    edge = RoleProcess("edge", Path())
    stream = Stream("stream", edge, tenant, tenant.project.server_key, ledger)
    for name, data in events:
        stream._take(read_event(f"event: {name}\ndata: {json.dumps(data)}".encode()))
    return stream, ledger.complaints


def feature(version: int, key: str = "a", **members: object) -> dict[str, object]:
    return {"key": key, "version": version, "value": version, **members}


def test_newer_versions_are_held() -> None:
    stream, complaints = told(
        ("ack", {}), ("features", [feature(1), feature(3, "b")]), ("feature", feature(2))
    )
    assert stream.versions == {"a": 2, "b": 3}
    assert not complaints


@pytest.mark.parametrize(
    "events",
    [
        [("features", [feature(2)]), ("feature", feature(1))],
        [("features", [feature(2)]), ("features", [feature(1)])],
        [("features", [])],
        [("features", [feature(1), feature(1, "b")]), ("features", [feature(1)])],
        [("failure", {})],
        [("delete_feature", feature(0))],
        [("feature", feature(1)), ("feature", feature(1, value=2))],
        [("feature", feature(1, value=1_000_001))],
        [("feature", feature(1, strategies=[{"id": "abcd"}]))],
    ],
    ids=[
        *("back", "back at once", "nothing", "fewer", "failure", "deleted"),
        *("another value", "another tenant's", "another evaluation's"),
    ],
)
def test_what_nobody_should_be_told_is_noted(events: list[tuple[str, object]]) -> None:
    _, complaints = told(*events)
    assert len(complaints) == 1


async def test_only_messages_are_lost_and_only_whole_ones(nursery: trio.Nursery) -> None:
    one, other = b"HMSG s 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", b"MSG s 1 2\r\nho\r\n"
    rest = b'INFO {"a":1}\r\nPONG\r\n%b%bPING\r\n'
    said = rest % (one, other)

    async def serve(stream: trio.SocketStream) -> None:
        for byte in said:  # however it is cut
            await stream.send_all(bytes([byte]))

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, serve, [listener])
    heard = {}
    for losses in (Losses(), Losses(dropped=1.0), Losses(doubled=1.0)):
        proxy = Proxy(listener.socket.getsockname()[1], random.Random(1))
        proxy.lose(losses)
        nursery.start_soon(proxy.run)
        with trio.fail_after(5):
            async with await trio.open_tcp_stream("127.0.0.1", proxy.port) as client:
                heard[losses] = b"".join([data async for data in client])
    assert heard[Losses()] == said
    assert heard[Losses(dropped=1.0)] == rest % (b"", b"")
    assert heard[Losses(doubled=1.0)] == rest % (one * 2, other * 2)


async def test_a_held_way_keeps_what_was_said_and_a_cut_one_ends(nursery: trio.Nursery) -> None:
    async def echo(stream: trio.SocketStream) -> None:
        async for data in stream:
            await stream.send_all(data)

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, echo, [listener])
    proxy = Proxy(listener.socket.getsockname()[1], random.Random(1))
    nursery.start_soon(proxy.run)
    with trio.fail_after(5):
        async with await trio.open_tcp_stream("127.0.0.1", proxy.port) as client:
            await client.send_all(b"one")
            assert await client.receive_some() == b"one"
            proxy.hold()
            await client.send_all(b"two")
            with trio.move_on_after(0.1):
                assert not await client.receive_some()
            proxy.heal()
            assert await client.receive_some() == b"two"
            await proxy.cut()
            with suppress(trio.BrokenResourceError):
                assert not await client.receive_some()
