"""Streams that hold what they are told, and note whatever they never should be told."""

import json
import random
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import trio

from tests.e2e.role_process import RoleProcess
from tests.faults.tenant import Tenant

AWAY = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)
PIECE = 65_536

_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 1.6
_MOST_COMPLAINTS = 50


@dataclass(slots=True)
class Ledger:
    """What all watchers have noted together; `served` are good answers to polls, by Edge."""

    complaints: list[str] = field(default_factory=list)
    wrong: int = 0
    events: int = 0
    polls: int = 0
    refused_polls: int = 0
    connects: int = 0
    served: Counter[RoleProcess] = field(default_factory=Counter)

    def complain(self, who: str, what: str) -> None:
        self.wrong += 1
        if len(self.complaints) < _MOST_COMPLAINTS:
            self.complaints.append(f"{who}: {what}")


class Told(NamedTuple):
    """What an SDK is told of a feature."""

    key: str
    version: int
    value: object
    has_strategies: bool


class Event(NamedTuple):
    """One event of a stream."""

    name: str
    features: tuple[Told, ...]
    id: str


class Watcher:
    """One client of `edge`; `versions` is what it holds. A feature's version never goes back."""

    def __init__(self, name: str, edge: RoleProcess, tenant: Tenant, key: str, ledger: Ledger):
        self.name = name
        self.tenant = tenant
        self.versions: dict[str, int] = {}
        self._edge = edge
        self._key = key
        self._ledger = ledger

    async def run(self) -> None:
        """Connect again and again, with growing pauses while nobody is there."""
        pause_seconds = _PAUSE_SECONDS
        while True:
            with suppress(*AWAY):
                async with await trio.open_tcp_stream("127.0.0.1", self._edge.port) as stream:
                    if await self._talk(stream):
                        pause_seconds = _PAUSE_SECONDS
            await trio.sleep(random.uniform(0.5, 1) * pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    async def _talk(self, stream: trio.SocketStream) -> bool:
        """Use a connection until its end; return whether it was of use."""
        raise NotImplementedError

    def _complain(self, what: str) -> None:
        self._ledger.complain(self.name, what)

    def _hold_all(self, features: Iterable[Told], what: str) -> None:
        listed = list(features)
        if not listed:
            self._complain(f"{what} without features")
        missing = set(self.versions) - {feature.key for feature in listed}
        if missing:
            self._complain(f"{what} without {sorted(missing)}")
        for feature in listed:
            self._hold(feature, what)

    def _hold(self, feature: Told, what: str) -> None:
        key, version = feature.key, feature.version
        known = self.versions.get(key, 0)
        if version < known:
            self._complain(f"{what}: {key} went from {known} back to {version}")
        else:
            self.versions[key] = version
        for wrong in self.tenant.note(key, version, feature.value):
            self._complain(f"{what}: {wrong}")
        if feature.has_strategies and "*" not in self._key:
            self._complain(f"{what}: strategies of {key} for a server-evaluated key")


class Stream(Watcher):
    """An SDK that streams, and comes back whenever it is sent away."""

    def __init__(self, name: str, edge: RoleProcess, tenant: Tenant, key: str, ledger: Ledger):
        super().__init__(name, edge, tenant, key, ledger)
        self._last_id = ""
        self._is_revoked = False
        self._end = trio.Event()
        self._renewed = trio.Event()

    def expect_end(self) -> None:
        """From now on being sent away is right: the key is being reset."""
        self._is_revoked = True

    async def wait_end(self) -> None:
        """Return when the stream has ended that had the old key."""
        await self._end.wait()

    def renew(self, key: str) -> None:
        """Stream with `key` from now on."""
        self._key = key
        self._is_revoked = False
        self._renewed.set()
        self._end, self._renewed = trio.Event(), trio.Event()

    async def _talk(self, stream: trio.SocketStream) -> bool:
        request = f"GET /features/{self._key} HTTP/1.1\r\nhost: localhost\r\n"
        if self._last_id:
            request += f"last-event-id: {self._last_id}\r\n"
        await stream.send_all(f"{request}accept: text/event-stream\r\n\r\n".encode())
        self._ledger.connects += 1
        heard = False
        with suppress(*AWAY):
            async with aclosing(self._events(stream)) as events:
                async for event in events:
                    self._take(event)
                    heard = True
        if self._is_revoked:
            renewed = self._renewed
            self._end.set()
            await renewed.wait()
        return heard

    def _take(self, event: Event) -> None:
        self._ledger.events += 1
        self._last_id = event.id or self._last_id
        match event.name:
            case "features":
                self._hold_all(event.features, "features")
            case "feature":
                for feature in event.features:
                    self._hold(feature, "feature")
            case "failure" | "delete_feature" if not self._is_revoked:
                self._complain(event.name)

    async def _events(self, stream: trio.SocketStream) -> AsyncGenerator[Event, None]:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (data := await stream.receive_some(PIECE)):
                return
            received += data
        head, _, received = received.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status != 200:
            if status < 500:
                self._complain(f"status {status}")
            return
        text = b""
        while True:
            while (end := received.find(b"\r\n")) >= 0:
                size = int(received[:end], 16)
                if len(received) < end + size + 4:
                    break
                text += received[end + 2 : end + 2 + size]
                received = received[end + size + 4 :]
            *events, text = text.split(b"\n\n")
            for event in events:
                yield read_event(event)
            if not (data := await stream.receive_some(PIECE)):
                return
            received += data


@lru_cache(maxsize=1024)  # hundreds are told the same bytes
def read_event(event: bytes) -> Event:
    """Return what the bytes of one event say."""
    fields = dict(line.split(": ", 1) for line in event.decode().split("\n"))
    name = fields.get("event", "")
    features: tuple[Told, ...] = ()
    if name in {"feature", "features"}:
        listed = json.loads(fields["data"])
        features = told([listed] if name == "feature" else listed)
    return Event(name, features, fields.get("id", ""))


def told(features: Iterable[Mapping[str, Any]]) -> tuple[Told, ...]:
    """Return what a list of features says."""
    return tuple(
        Told(each["key"], each["version"], each.get("value"), bool(each.get("strategies")))
        for each in features
    )
