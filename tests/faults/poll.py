"""Polls over a kept connection, with the etag of last time, as SDKs do."""

import json
from functools import lru_cache

import trio

from tests.faults.watch import PIECE, Told, Watcher, told

_POLL_SECONDS = 0.05
_ANSWER_SECONDS = 10.0


class Poll(Watcher):
    """An SDK that polls."""

    _etag = ""
    _served_by = 0

    async def _talk(self, stream: trio.SocketStream) -> bool:
        answers = _Answers(stream)
        process = self._edge.pid
        answered = False
        while True:
            request = f"GET /features?apiKey={self._key} HTTP/1.1\r\nhost: localhost\r\n"
            if self._etag:
                request += f"if-none-match: {self._etag}\r\n"
            await stream.send_all(f"{request}\r\n".encode())
            try:
                with trio.fail_after(_ANSWER_SECONDS):
                    answer = await answers.read()
            except trio.TooSlowError:
                self._complain(f"no answer in {_ANSWER_SECONDS} s")
                return answered
            if answer is None:
                return answered
            answered = True
            self._take(*answer, process)
            await trio.sleep(_POLL_SECONDS)

    def _take(self, status: int, headers: dict[str, str], body: bytes, process: int) -> None:
        self._ledger.polls += 1
        if status in {200, 304}:
            self._served_by = process
            self._ledger.served[self._edge] += 1
            if status == 200:
                self._etag = headers["etag"]
                self._hold_all(_read_body(body), "poll")
        elif status >= 500:
            self._ledger.refused_polls += 1
            if self._served_by == process:
                self._complain(f"{status} from one that knew")
        else:
            self._complain(f"status {status}")


class _Answers:
    """What comes over one connection, answer by answer."""

    def __init__(self, stream: trio.SocketStream):
        self._stream = stream
        self._received = b""

    async def read(self) -> tuple[int, dict[str, str], bytes] | None:
        """Return status, headers and body of the next one; None when the connection has ended."""
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            if not await self._receive():
                return None
        status_line, *lines = self._received[:end].decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        status = int(status_line.split(" ")[1])
        size = 0 if status == 304 else int(headers["content-length"])
        while len(self._received) < end + 4 + size:
            if not await self._receive():
                return None
        body = self._received[end + 4 : end + 4 + size]
        self._received = self._received[end + 4 + size :]
        return status, headers, body

    async def _receive(self) -> bool:
        data = await self._stream.receive_some(PIECE)
        self._received += data
        return bool(data)


@lru_cache(maxsize=256)
def _read_body(body: bytes) -> tuple[Told, ...]:
    (environment,) = json.loads(body)
    return told(environment["features"])
