"""Edge over TLS and HTTP/2 on the port that it serves without them, all parts in their order."""

import json
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
import trio
import trio.testing
from prometheus_client import CollectorRegistry, generate_latest
from trio_websocket import open_websocket

from fh.actors.child import ServiceSpec
from fh.actors.supervisor import Supervisor
from fh.edge.door import Door, listen
from fh.edge.edge import Edge
from fh.edge.settings import EdgeSettings
from fh.http.key_pair import KeyPairFiles
from fh.model.roles import Role
from fh.roles.secure import SecureParts
from tests.edge.edge_under_test import (
    ENVIRONMENT,
    SERVER_KEY,
    MemoryLookup,
    MemoryUpdates,
    announcement,
    boolean,
    granted,
)
from tests.http.certificates import trusting, write_pair
from tests.http.face_under_test import H1Client
from tests.http.h2_client import H2Client, open_tls, speaking_h2

KEY = f"{ENVIRONMENT}/{SERVER_KEY.secret}"
POLL = f"/features?apiKey={KEY}"
WAIT_SECONDS = 10


@dataclass
class SecureEdge:
    edge: Edge
    parts: SecureParts
    updates: MemoryUpdates
    files: KeyPairFiles
    port: int
    supervisor: Supervisor
    ended: trio.Event

    def trusting(self, *protocols: str) -> ssl.SSLContext:
        return trusting(self.files, *protocols)

    def figure(self, name: str) -> float:
        registry = CollectorRegistry()
        registry.register(self.parts.collector)
        found = re.search(rf"^{name} (\S+)$", generate_latest(registry).decode(), re.MULTILINE)
        assert found, name
        return float(found[1])

    def streams(self) -> int:
        statistics = self.edge.statistics()
        return 0 if statistics is None else statistics.streams

    async def streams_are(self, count: int) -> None:
        with trio.fail_after(WAIT_SECONDS):
            while self.streams() != count:
                await trio.testing.wait_all_tasks_blocked(0.005)


@asynccontextmanager
async def secure_edge(directory: Path, **settings: Any) -> AsyncIterator[SecureEdge]:
    """Run the parts as a party-server does; what is not Edge's is answered with its path."""

    async def elsewhere(scope: dict, receive: Any, send: Any) -> None:
        body = scope["path"].encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    files = write_pair(directory)
    view = granted([boolean("flag", False)], roles=(Role.READ, Role.CHANGE_VALUE, Role.UNLOCK))
    updates = MemoryUpdates()
    chosen = EdgeSettings(**{"drop_after_seconds": 0, "grace_seconds": 0, **settings})

    def take_other_protocol(taken: socket.socket, data: bytes) -> None:
        parts.take(taken, data)

    edge = Edge(
        MemoryLookup({SERVER_KEY: view}),
        updates,
        chosen,
        lambda taken, _: taken.close(),
        take_other_protocol,
    )
    parts = SecureParts(edge, elsewhere, chosen, files, look_seconds=0, most_connections=100)
    door = Door(listen("127.0.0.1", 0, chosen), edge.adopt, descriptors=10_000)
    supervisor = Supervisor(
        "test",
        [
            *parts.specs(drain_seconds=5.0),
            ServiceSpec("edge", edge.run, drain=edge.drain, drain_seconds=5.0),
            ServiceSpec("door", door.run),
        ],
    )
    ended = trio.Event()

    async def run(task_status: trio.TaskStatus[None]) -> None:
        await supervisor.run(task_status=task_status)
        ended.set()

    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(run)
            yield SecureEdge(edge, parts, updates, files, door.port, supervisor, ended)
            nursery.cancel_scope.cancel()
    finally:
        door.close()


@asynccontextmanager
async def speaking_h1(under_test: SecureEdge) -> AsyncIterator[H1Client]:
    stream = await open_tls(under_test.port, under_test.trusting("http/1.1"))
    try:
        yield H1Client(stream)
    finally:
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(stream)


async def open_stream(client: H2Client) -> int:
    number = await client.open("GET", f"/features/{KEY}")
    assert await client.event(number) == ("ack", '{"status":"discover"}')
    assert (await client.event(number))[0] == "features"
    return number


async def test_polls_and_writes_work_over_http2(tmp_path: Path) -> None:
    async with (
        secure_edge(tmp_path) as under_test,
        speaking_h2(under_test.port, under_test.trusting("h2")) as client,
    ):
        answer = await client.ask("GET", POLL)
        assert answer.status == 200
        assert json.loads(answer.body)[0]["features"][0]["key"] == "flag"
        known = (("if-none-match", answer.headers["etag"]),)
        again = await client.ask("GET", POLL, known)
        assert (again.status, again.body) == (304, b"")
        body = b'{"value":true,"lock":false}'
        written = await client.ask("PUT", f"/features/{KEY}/flag", body=body)
        assert written.status == 200
        assert [update.feature_key for update in under_test.updates.submitted] == ["flag"]
        elsewhere = await client.ask("GET", "/mr-api/portfolio")
        assert elsewhere.body == b"/mr-api/portfolio"


async def test_fifty_streams_on_one_connection_hear_of_every_change(tmp_path: Path) -> None:
    async with (
        secure_edge(tmp_path) as under_test,
        speaking_h2(under_test.port, under_test.trusting("h2")) as client,
    ):
        streams = [await open_stream(client) for _ in range(50)]
        assert under_test.streams() == 50
        for version in (2, 3, 4):
            delivery = announcement(boolean("flag", version == 3, version=version))
            await under_test.edge.on_delivery(delivery)
            for number in streams:
                name, data = await client.event(number)
                assert (name, json.loads(data)["version"]) == ("feature", version)
            answer = await client.ask("GET", POLL)
            assert answer.status == 200
        for number in streams[:20]:
            client.connection.reset_stream(number)
        await client.flush()
        await under_test.streams_are(30)
    assert under_test.streams() == 0


async def test_http1_and_http2_without_tls_where_it_is_allowed(tmp_path: Path) -> None:
    async with secure_edge(tmp_path) as under_test:
        async with speaking_h1(under_test) as client:
            for _ in range(3):
                status, _, body = await client.ask("GET", POLL)
                assert (status, json.loads(body)[0]["id"]) == (200, str(ENVIRONMENT))
            await client.stream.send_all(
                f"GET /features/{KEY} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            )
            await client.until(b"event: features")
            await under_test.streams_are(1)
        await under_test.streams_are(0)
        async with speaking_h2(under_test.port, None) as plain:
            await open_stream(plain)
            assert (await plain.ask("GET", POLL)).status == 200


async def test_a_websocket_is_opened_within_tls(tmp_path: Path) -> None:
    async with (
        secure_edge(tmp_path) as under_test,
        open_websocket(
            "localhost",
            under_test.port,
            f"/features/ws/{KEY}",
            use_ssl=under_test.trusting("http/1.1"),
        ) as websocket,
    ):
        with trio.fail_after(WAIT_SECONDS):
            assert json.loads(await websocket.get_message())["event"] == "ack"
            assert json.loads(await websocket.get_message())["event"] == "features"
        under_test.edge.drain()
        with trio.fail_after(WAIT_SECONDS):
            assert json.loads(await websocket.get_message())["event"] == "bye"


async def test_a_renewed_certificate_serves_new_connections_and_old_streams_go_on(
    tmp_path: Path,
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with (
            secure_edge(tmp_path) as under_test,
            speaking_h2(under_test.port, under_test.trusting("h2")) as client,
        ):
            number = await open_stream(client)
            before = under_test.trusting()
            expires = under_test.figure("tls_certificate_expiry_timestamp_seconds")
            newer = write_pair(tmp_path, name="newer")
            newer.key.replace(under_test.files.key)
            newer.certificate.replace(under_test.files.certificate)
            under_test.parts.reload()
            with trio.fail_after(WAIT_SECONDS):
                while not any(line["event"] == "certificate_renewed" for line in logs):
                    await trio.testing.wait_all_tasks_blocked(0.005)
            with pytest.raises(trio.BrokenResourceError):
                await open_tls(under_test.port, before)
            async with speaking_h1(under_test) as other:
                assert (await other.ask("GET", POLL))[0] == 200
            assert under_test.figure("tls_certificate_expiry_timestamp_seconds") >= expires
            assert under_test.figure("tls_handshakes_total") == 2
            # What can't be used changes nothing.
            under_test.files.key.write_text("half a k")
            under_test.parts.reload()
            with trio.fail_after(WAIT_SECONDS):
                while not any(line["event"] == "certificate_refused" for line in logs):
                    await trio.testing.wait_all_tasks_blocked(0.005)
            async with speaking_h1(under_test) as other:
                assert (await other.ask("GET", POLL))[0] == 200
            await under_test.edge.on_delivery(announcement(boolean("flag", True, version=2)))
            assert (await client.event(number))[0] == "feature"


async def test_at_the_end_every_stream_hears_bye_before_its_connection_ends(
    tmp_path: Path,
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with (
            secure_edge(tmp_path) as under_test,
            speaking_h2(under_test.port, under_test.trusting("h2")) as client,
            speaking_h1(under_test) as other,
        ):
            streams = [await open_stream(client) for _ in range(10)]
            await other.stream.send_all(f"GET /features/{KEY} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await other.until(b"event: features")
            under_test.supervisor.stop()
            for number in streams:
                assert await client.event(number) == ("bye", '{"status":"closed"}')
                assert await client.event(number) == ("", "")
            await other.until(b"event: bye")
            await client.until_closed()
            assert (await other.until_closed()).endswith(b"0\r\n\r\n")
            await trio.aclose_forcefully(client.stream)
            await trio.aclose_forcefully(other.stream)
            with trio.fail_after(WAIT_SECONDS):
                await under_test.ended.wait()
    assert [line for line in logs if line["log_level"] not in {"info", "debug"}] == []


async def test_a_restarted_edge_ends_the_streams_it_knew_and_serves_the_same_connection(
    tmp_path: Path,
) -> None:
    async with (
        secure_edge(tmp_path) as under_test,
        speaking_h2(under_test.port, under_test.trusting("h2")) as client,
    ):
        number = await open_stream(client)
        before = under_test.edge.life
        under_test.edge.drain()  # its service ends, and is started again
        assert (await client.event(number))[0] == "bye"
        assert await client.event(number) == ("", "")
        with trio.fail_after(WAIT_SECONDS):
            while under_test.edge.life in {None, before}:
                await trio.testing.wait_all_tasks_blocked(0.005)
        await open_stream(client)
