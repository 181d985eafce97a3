"""A real Edge on a real socket, with an environment in memory behind it."""

import socket
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

import trio
import trio.testing
from msgspec import Raw, structs

from fh.contracts.answers import Denied, Granted, KeyAnswer
from fh.contracts.published import (
    ABSENT,
    CacheEnvironmentFeature,
    CacheFeature,
    CacheFeatureValue,
    CacheRolloutStrategy,
    CacheRolloutStrategyAttribute,
    PublishAction,
    PublishFeatureValue,
    PublishFeatureValues,
)
from fh.contracts.updates import StreamedFeatureUpdate
from fh.edge.door import Door, listen
from fh.edge.edge import Edge
from fh.edge.relay import Relay
from fh.edge.settings import EdgeSettings
from fh.errors import Unavailable
from fh.model.feature_type import FeatureType
from fh.model.ids import (
    ApplicationId,
    EnvironmentId,
    FeatureId,
    FeatureValueId,
    OrganisationId,
    PortfolioId,
    ServiceAccountId,
    java_order,
)
from fh.model.roles import Role
from fh.model.sdk_key import SdkKey
from fh.wire.etag import environment_etag

ENVIRONMENT = EnvironmentId(UUID("6c376de1-3cb8-4297-b641-8f27e0d11612"))
SERVER_KEY = SdkKey(ENVIRONMENT, "s" * 40)
CLIENT_KEY = SdkKey(ENVIRONMENT, "c" * 30 + "*" + "d" * 20)


def boolean(
    key: str,
    value: bool | None = None,
    *,
    version: int = 1,
    retired: bool = False,
    locked: bool = False,
    filters: Sequence[UUID] = (),
    properties: dict[str, str] | None = None,
    feature_id: UUID | None = None,
) -> CacheEnvironmentFeature:
    identity = feature_id or UUID(int=sum(ord(c) << (8 * i) for i, c in enumerate(key[:15])))
    stored = None
    if value is not None:
        stored = CacheFeatureValue(
            id=FeatureValueId(identity),
            key=key,
            locked=locked,
            version=version,
            value=Raw(b"true" if value else b"false") if value is not None else ABSENT,
            retired=retired,
        )
    return CacheEnvironmentFeature(
        CacheFeature(FeatureId(identity), key, FeatureType.BOOLEAN, 1, tuple(filters)),
        stored,
        properties,
    )


def renamed(
    feature: CacheEnvironmentFeature, key: str, *, version: int = 2
) -> CacheEnvironmentFeature:
    """The same feature under another key: the value and its version are what they were."""
    return structs.replace(
        feature, feature=structs.replace(feature.feature, key=key, version=version)
    )


def targeted_at(
    attribute: str, wanted: str, value: bytes, *, version: int = 1
) -> CacheEnvironmentFeature:
    """A STRING feature whose strategy gives `value` to those whose attribute is `wanted`."""
    plain = boolean("rolled", True, version=version)
    rule = CacheRolloutStrategyAttribute(
        "EQUALS", attribute, "STRING", (Raw(f'"{wanted}"'.encode()),)
    )
    strategy = CacheRolloutStrategy("rs1A", attributes=(rule,), value=Raw(value))
    assert plain.value is not None
    stored = structs.replace(plain.value, value=Raw(b'"default"'), rollout_strategies=(strategy,))
    return structs.replace(
        plain, feature=structs.replace(plain.feature, value_type=FeatureType.STRING), value=stored
    )


def granted(
    features: Iterable[CacheEnvironmentFeature],
    *,
    roles: Iterable[Role] = (Role.READ,),
    filters: Iterable[UUID] = (),
    info: dict[str, str] | None = None,
) -> Granted:
    ordered = tuple(sorted(features, key=lambda f: java_order(f.feature.id)))
    roles = frozenset(roles)
    return Granted(
        OrganisationId(UUID(int=1)),
        PortfolioId(UUID(int=2)),
        ApplicationId(UUID(int=3)),
        ServiceAccountId(UUID(int=4)),
        roles,
        frozenset(filters),
        info or {},
        ordered,
        environment_etag(ordered) + ("1" if Role.EXTENDED_DATA in roles else "0"),
    )


@dataclass
class MemoryLookup:
    """Dacha's answers as a test wants them; what is not in `answers` is denied."""

    answers: dict[SdkKey, KeyAnswer] = field(default_factory=dict)
    cold: bool = False
    asked: int = 0
    gate: trio.Event | None = None

    def find_key(self, key: SdkKey) -> Granted | Denied | None:
        answer = self.answers.get(key, Denied())
        return None if self.cold or not isinstance(answer, Granted | Denied) else answer

    async def load_key(self, key: SdkKey) -> KeyAnswer:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        await trio.lowlevel.checkpoint()
        return self.answers.get(key, Denied())


@dataclass
class MemoryUpdates:
    """What SDKs wrote; `away` is MR out of reach."""

    submitted: list[StreamedFeatureUpdate] = field(default_factory=list)
    away: bool = False
    fault: Exception | None = None

    async def submit(self, update: StreamedFeatureUpdate) -> None:
        await trio.lowlevel.checkpoint()
        if self.away:
            raise Unavailable
        if self.fault is not None:
            raise self.fault
        self.submitted.append(update)


def announcement(
    feature: CacheEnvironmentFeature, action: PublishAction = PublishAction.UPDATE
) -> PublishFeatureValues:
    return PublishFeatureValues((PublishFeatureValue(action, ENVIRONMENT, feature),))


class Client:
    """A raw socket that reads what a server writes, with a bound on every wait."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.received = b""
        self._events: deque[tuple[str, str, str]] = deque()

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def until(self, end: bytes, *, seconds: float = 5) -> bytes:
        """Return everything up to and with `end`."""
        with trio.fail_after(seconds):
            while end not in self.received:
                data = await self.stream.receive_some(65536)
                assert data, f"closed after {self.received!r}"
                self.received += data
        position = self.received.index(end) + len(end)
        found, self.received = self.received[:position], self.received[position:]
        return found

    async def until_closed(self, *, seconds: float = 8) -> bytes:
        with trio.fail_after(seconds):
            while True:
                try:
                    data = await self.stream.receive_some(65536)
                except trio.BrokenResourceError:
                    break
                if not data:
                    break
                self.received += data
        return self.received

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of one answer that has a length."""
        head = (await self.until(b"\r\n\r\n")).decode()
        status_line, *lines = head.strip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        size = int(headers.get("content-length", "0"))
        with trio.fail_after(5):
            while len(self.received) < size:
                data = await self.stream.receive_some(65536)
                assert data
                self.received += data
        body, self.received = self.received[:size], self.received[size:]
        return int(status_line.split()[1]), headers, body

    async def event(self) -> tuple[str, str, str]:
        """Return name, id and data of the next event of a chunked stream."""
        if self._events:
            return self._events.popleft()
        size = int(await self.until(b"\r\n"), 16)
        if not size:
            return ("end", "", "")
        with trio.fail_after(5):
            while len(self.received) < size + 2:
                data = await self.stream.receive_some(65536)
                assert data
                self.received += data
        text, self.received = self.received[:size].decode(), self.received[size + 2 :]
        for event in text.removesuffix("\n\n").split("\n\n"):  # those that left together
            fields = dict(line.split(": ", 1) for line in event.split("\n"))
            self._events.append((fields["event"], fields.get("id", ""), fields["data"]))
        return self._events.popleft()


@dataclass
class EdgeUnderTest:
    edge: Edge
    lookup: MemoryLookup
    updates: MemoryUpdates
    port: int
    elsewhere: list[tuple[socket.socket, bytes]]
    clients: list[Client] = field(default_factory=list)

    async def wait_progress(self) -> None:
        """Return when the only stream, a relay, has noted that its client took something."""
        life = self.edge.life
        assert life is not None
        [relay] = life.engine.open_streams()
        assert isinstance(relay, Relay)
        with trio.fail_after(5):
            while not relay.progressed_at:
                await trio.testing.wait_all_tasks_blocked()

    async def connect(self) -> Client:
        client = Client(await trio.open_tcp_stream("127.0.0.1", self.port))
        self.clients.append(client)
        return client

    async def open_stream(self, key: SdkKey = SERVER_KEY, headers: str = "") -> Client:
        client = await self.connect()
        await client.send(
            f"GET /features/{key.environment_id}/{key.secret} HTTP/1.1\r\n"
            f"Host: x\r\naccept: text/event-stream\r\n{headers}\r\n".encode()
        )
        head = await client.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
        return client

    async def poll(self, *keys: SdkKey, headers: str = "") -> tuple[int, dict[str, str], bytes]:
        client = await self.connect()
        query = "&".join(f"apiKey={key.environment_id}/{key.secret}" for key in keys)
        await client.send(f"GET /features?{query} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        answer = await client.answer()
        await client.stream.aclose()
        return answer

    async def announce(self, feature: CacheEnvironmentFeature, **kwargs: object) -> None:
        await self.edge.on_delivery(announcement(feature, **kwargs))


@asynccontextmanager
async def edge_under_test(
    lookup: MemoryLookup | None = None,
    newest: MemoryLookup | None = None,
    **settings: object,
) -> AsyncIterator[EdgeUnderTest]:
    chosen = replace(EdgeSettings(drop_after_seconds=0), **settings)
    lookup = lookup or MemoryLookup()
    elsewhere: list[tuple[socket.socket, bytes]] = []
    updates = MemoryUpdates()
    edge = Edge(
        lookup,
        updates,
        chosen,
        lambda taken, data: elsewhere.append((taken, data)),
        newest=newest,
    )
    listener = listen("127.0.0.1", 0, chosen)
    door = Door(listener, edge.adopt, descriptors=10_000)
    async with trio.open_nursery() as nursery:
        await nursery.start(edge.run)
        await nursery.start(door.run)
        try:
            under_test = EdgeUnderTest(edge, lookup, updates, door.port, elsewhere)
            yield under_test
        finally:
            for client in under_test.clients:
                client.stream.socket.close()
            for taken, _ in elsewhere:
                taken.close()
            nursery.cancel_scope.cancel()
            door.close()
