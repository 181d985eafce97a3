"""Streams and polls that hold what they are told, and note whatever they never should be told."""

import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import trio

_PIECE = 65_536
_AWAY = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)
_PAUSE_SECONDS = 0.2
_POLL_SECONDS = 0.2
_ANSWER_SECONDS = 10.0
_MOST_COMPLAINTS = 50


@dataclass(slots=True)
class Ledger:
    """What all watchers have noted together."""

    complaints: list[str] = field(default_factory=list)
    events: int = 0
    polls: int = 0
    refused_polls: int = 0
    connects: int = 0

    def complain(self, who: str, what: str) -> None:
        if len(self.complaints) < _MOST_COMPLAINTS:
            self.complaints.append(f"{who}: {what}")


class Watcher:
    """One client; `versions` is what it holds. A feature's version never goes back."""

    def __init__(self, name: str, port: int, key: str, ledger: Ledger):
        self.name = name
        self.versions: dict[str, int] = {}
        self._port = port
        self._key = key
        self._ledger = ledger

    def _hold_all(self, features: Iterable[Mapping[str, Any]], what: str) -> None:
        listed = list(features)
        if not listed:
            self._ledger.complain(self.name, f"{what} without features")
        missing = set(self.versions) - {feature["key"] for feature in listed}
        if missing:
            self._ledger.complain(self.name, f"{what} without {sorted(missing)}")
        for feature in listed:
            self._hold(feature, what)

    def _hold(self, feature: Mapping[str, Any], what: str) -> None:
        key, version = feature["key"], feature["version"]
        known = self.versions.get(key, 0)
        if version < known:
            self._ledger.complain(self.name, f"{what}: {key} went from {known} back to {version}")
        else:
            self.versions[key] = version


class Stream(Watcher):
    """An SDK that streams, and comes back whenever it is sent away."""

    async def run(self) -> None:
        while True:
            with suppress(*_AWAY):
                await self._once()
            await trio.sleep(_PAUSE_SECONDS)

    async def _once(self) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", self._port) as stream:
            request = f"GET /features/{self._key} HTTP/1.1\r\nhost: localhost\r\n"
            await stream.send_all(f"{request}accept: text/event-stream\r\n\r\n".encode())
            self._ledger.connects += 1
            async with aclosing(self._events(stream)) as events:
                async for name, data in events:
                    self._take(name, data)

    def _take(self, name: str, data: str) -> None:
        self._ledger.events += 1
        match name:
            case "features":
                self._hold_all(json.loads(data), "features")
            case "feature":
                self._hold(json.loads(data), "feature")
            case "failure" | "delete_feature":
                self._ledger.complain(self.name, f"{name} {data!r}")

    async def _events(self, stream: trio.SocketStream) -> AsyncGenerator[tuple[str, str], None]:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (data := await stream.receive_some(_PIECE)):
                return
            received += data
        head, _, received = received.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status != 200:
            if status < 500:
                self._ledger.complain(self.name, f"status {status}")
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
                fields = dict(line.split(": ", 1) for line in event.decode().split("\n"))
                yield fields.get("event", ""), fields.get("data", "")
            if not (data := await stream.receive_some(_PIECE)):
                return
            received += data


class Poll(Watcher):
    """An SDK that polls, with the etag of last time."""

    async def run(self) -> None:
        self._etag = ""
        while True:
            try:
                with trio.fail_after(_ANSWER_SECONDS):
                    await self._once()
            except _AWAY:
                pass
            except trio.TooSlowError:
                self._ledger.complain(self.name, f"no answer in {_ANSWER_SECONDS} s")
            await trio.sleep(_POLL_SECONDS)

    async def _once(self) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", self._port) as stream:
            request = f"GET /features?apiKey={self._key} HTTP/1.1\r\nhost: localhost\r\n"
            if self._etag:
                request += f"if-none-match: {self._etag}\r\n"
            await stream.send_all(f"{request}connection: close\r\n\r\n".encode())
            received = b""
            while data := await stream.receive_some(_PIECE):
                received += data
        head, _, body = received.partition(b"\r\n\r\n")
        if not head:
            return
        status_line, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        status = int(status_line.split(" ")[1])
        self._ledger.polls += 1
        if status == 200 and len(body) == int(headers["content-length"]):
            self._etag = headers["etag"]
            (environment,) = json.loads(body)
            self._hold_all(environment["features"], "poll")
        elif status >= 500:
            self._ledger.refused_polls += 1
        elif status not in {200, 304}:
            self._ledger.complain(self.name, f"status {status}")
