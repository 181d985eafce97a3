"""Polls with keys that nobody knows, as fast as the answers come."""

import select
import socket
import time
from dataclasses import dataclass
from typing import Final

_READ_BYTES: Final = 64 * 1024
_BATCH: Final = 64
_REFUSED: Final = b"HTTP/1.1 404"


class NotRefused(Exception):
    """A key that nobody knows was answered something else than 404."""


@dataclass(frozen=True, slots=True)
class RefusedPolls:
    """So many polls were refused in so many seconds."""

    polls: int
    seconds: float


def poll_unknown_keys(
    address: str, port: int, keys: list[str], *, connections: int, depth: int, seconds: float
) -> RefusedPolls:
    """Poll with `keys` in turn, `depth` polls under way on each connection; return what came of it.

    Raises:
        NotRefused: an answer was not 404.
    """
    polls = [f"GET /features?apiKey={key} HTTP/1.1\r\nhost: bench\r\n\r\n".encode() for key in keys]
    batches = [
        b"".join(polls[(at + i) % len(polls)] for i in range(depth)) for at in range(len(polls))
    ]
    epoll = select.epoll()
    streams: dict[int, socket.socket] = {}
    outstanding: dict[int, int] = {}
    refused = begun = 0
    try:
        for index in range(connections):
            stream = socket.create_connection((address, port))
            streams[stream.fileno()] = stream
            outstanding[stream.fileno()] = depth
            epoll.register(stream.fileno(), select.EPOLLIN)
            stream.sendall(batches[index % len(batches)])
        start = time.monotonic()
        while (now := time.monotonic()) < start + seconds:
            for descriptor, _ in epoll.poll(start + seconds - now, _BATCH):
                data = streams[descriptor].recv(_READ_BYTES)
                came = data.count(_REFUSED)
                if data.count(b"HTTP/1.1 ") != came or not data:
                    raise NotRefused(f"the server answered {data[:200]!r}")
                refused += came
                outstanding[descriptor] -= came
                if not outstanding[descriptor]:
                    begun += 1
                    outstanding[descriptor] = depth
                    streams[descriptor].sendall(batches[begun % len(batches)])
        return RefusedPolls(refused, time.monotonic() - start)
    finally:
        for stream in streams.values():
            stream.close()
        epoll.close()
