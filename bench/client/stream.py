"""A stream that comes back whenever it ends, as SDKs do."""

import random
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, Self
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream

from bench.client.answer import Answer
from bench.client.context import context_headers
from bench.client.events import Event, EventDecoder, Unreadable
from bench.client.held import Held
from bench.client.refused import Refused

_CONNECT_SECONDS: Final = 5.0
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 5.0
_MOST_DOUBLINGS: Final = 10
_PORTS: Final = {"http": 80, "https": 443}
_OK: Final = 200
_TEMPORARY: Final = 500
_AWAY: Final = (anyio.EndOfStream, anyio.BrokenResourceError, OSError, TimeoutError)


class Stream:
    """An SDK that streams. Iterate over it, or `receive` events one by one; one task at a time.

    Attributes:
        held: What it was told so far, over all connections.
        last_event_id: What the next connection begins with.
        connects: How often the server began to answer with a stream.
    """

    def __init__(self, url: str, key: str, headers: Mapping[str, str]) -> None:
        self.held = Held()
        self.last_event_id = ""
        self.connects = 0
        self._url = urlsplit(f"{url.rstrip('/')}/features/{key}")
        self._headers = headers
        self._jitter = random.Random()
        self._connection: ByteStream | None = None
        self._answer = Answer()
        self._decoder = EventDecoder()
        self._events: deque[Event] = deque()
        self._failures = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        return await self.receive()

    async def receive(self) -> Event:
        """Return the next event, over as many connections as it takes.

        Raises:
            Refused: the key is not known; nothing else will follow.
            Unreadable: what came is not what the protocol says.
        """
        while not self._events:
            try:
                await self._receive_some()
            except _AWAY:
                await self._leave()
        event = self._events.popleft()
        if event.event_id:
            self.last_event_id = event.event_id
        if event.name == "failure":
            raise Refused(self._answer.status, event.data)
        self.held.take(event)
        return event

    async def aclose(self) -> None:
        """Hang up; a later `receive` connects again."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await anyio.aclose_forcefully(connection)

    async def _receive_some(self) -> None:
        connection = self._connection or await self._connect()
        told_before = self._answer.status
        body = self._answer.feed(await connection.receive())
        if not self._answer.status:
            return
        if self._answer.status == _OK:
            self.connects += not told_before
            self._events.extend(self._decoder.feed(body))
            self._failures = 0
        elif self._answer.status < _TEMPORARY:
            raise Refused(self._answer.status, body.decode(errors="replace"))
        if self._answer.complete or self._answer.status != _OK:
            await self._leave()

    async def _connect(self) -> ByteStream:
        url = self._url
        if not url.hostname or url.scheme not in _PORTS:
            raise Unreadable(f"{url.geturl()} is no http:// or https:// address")
        port = url.port or _PORTS[url.scheme]
        with anyio.fail_after(_CONNECT_SECONDS):
            if url.scheme == "https":
                self._connection = await anyio.connect_tcp(url.hostname, port, tls=True)
            else:
                self._connection = await anyio.connect_tcp(url.hostname, port)
        self._answer, self._decoder = Answer(), EventDecoder()
        headers = {"host": url.netloc.rpartition("@")[2], **self._headers}
        if self.last_event_id:
            headers["last-event-id"] = self.last_event_id
        lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
        await self._connection.send(f"GET {url.path} HTTP/1.1\r\n{lines}\r\n".encode())
        return self._connection

    async def _leave(self) -> None:
        """Hang up, and return when it is time to come back."""
        await self.aclose()
        if self._events:
            return  # first things first: whoever wants more comes back
        longest = min(_FIRST_PAUSE_SECONDS * 2**self._failures, _LONGEST_PAUSE_SECONDS)
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        asked = self._decoder.retry_seconds or 0.0
        await anyio.sleep(asked + self._jitter.uniform(longest / 2, longest))


@asynccontextmanager
async def open_stream(
    url: str,
    key: str,
    *,
    context: Mapping[str, Sequence[str]] | None = None,
    last_event_id: str = "",
) -> AsyncIterator[Stream]:
    """Give a stream of `key` at the server `url`; it connects when it is first asked for an event.

    `context` is whom the server evaluates for: `{"userkey": ["irina"], "country": ["turkey"]}`.
    """
    headers = {"accept": "text/event-stream", "cache-control": "no-cache", "x-sdk": "fh-bench"}
    stream = Stream(url, key, headers | context_headers(context or {}))
    stream.last_event_id = last_event_id
    try:
        yield stream
    finally:
        await stream.aclose()
