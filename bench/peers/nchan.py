"""nginx with the nchan module: one worker, subscribers over server-sent events.

Events are published over its HTTP publisher endpoint, pipelined on one connection, and nginx
parses those requests: an event in each of 10,000 environments is 10,000 requests. What they cost
without subscribers is measured, too.
"""

import re
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from bench.baselines.nginx import Nginx, Setup, find_nginx, run_nginx
from bench.baselines.remote import WriteRefused

_MODULES: Final = (
    "/usr/lib/nginx/modules/ngx_nchan_module.so",
    "/usr/share/nginx/modules/ngx_nchan_module.so",
    "/usr/lib64/nginx/modules/ngx_nchan_module.so",
    "/etc/nginx/modules/ngx_nchan_module.so",
)
_CONNECTIONS: Final = 20_000
_PIPELINED: Final = 64
_READ_BYTES: Final = 65_536
_ANSWER_SECONDS: Final = 20
_ACCEPTED: Final = b"HTTP/1.1 20"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)

_HTTP: Final = """\
    keepalive_timeout 3600s;
    nchan_max_reserved_memory 512M;
"""
_LOCATIONS: Final = """\
    location = /features { return 204; }
    location = /publish {
        nchan_publisher http;
        nchan_channel_id $arg_channel;
        nchan_store_messages off;
    }
    location ~ ^/streams/(?<channel>\\d+)$ {
        nchan_subscriber eventsource;
        nchan_channel_id $channel;
        nchan_subscriber_first_message newest;
    }
"""


class NoNchan(Exception):
    """There is an nginx, but it has no nchan."""


class Nchan:
    """A running nginx, as a trial sees it."""

    name: str = "nchan"
    host = "127.0.0.1"
    path = "/streams/{channel}"
    ready_mark = "\r\n\r\n"
    first_number = 1
    user_keys = False

    def __init__(
        self, nginx: Nginx, *, environments: int, data: Callable[[int, int], bytes]
    ) -> None:
        """Publish what `data` returns for a number and the place of an environment."""
        self.port = nginx.port
        self.pids: tuple[int, ...] = (nginx.pid,)
        self._log = nginx.log
        self._environments = environments
        self._data = data
        self._made: dict[int, list[bytes]] = {}
        self._publisher = socket.create_connection((self.host, self.port), timeout=_ANSWER_SECONDS)

    def prepare(self, number: int) -> None:
        """Make the requests of event `number` ready."""
        self._made[number] = [self._request(number, place) for place in range(self._environments)]

    def publish(self, number: int) -> int:
        """Publish event `number` in all environments; return the instant before, in monotonic ns.

        Raises:
            WriteRefused: an answer was no acceptance.
        """
        if number not in self._made:
            self.prepare(number)
        requests = self._made.pop(number)
        instant_ns = time.monotonic_ns()
        for start in range(0, len(requests), _PIPELINED):
            batch = requests[start : start + _PIPELINED]
            self._publisher.sendall(b"".join(batch))
            self._await_accepted(len(batch))
        return instant_ns

    def complaints(self) -> str:
        """Return the error log."""
        return self._log.read_text(errors="replace").strip()

    def close(self) -> None:
        """Close the publisher's connection."""
        self._publisher.close()

    def _request(self, number: int, place: int) -> bytes:
        body = self._data(number, place)
        return (
            b"POST /publish?channel=%d HTTP/1.1\r\nHost: bench\r\n"
            b"X-EventSource-Event: feature\r\nContent-Length: %d\r\n\r\n%b"
        ) % (place, len(body), body)

    def _await_accepted(self, count: int) -> None:
        """Read so many answers; each has a body that says nothing of interest."""
        seen = b""
        while count:
            head, end, rest = seen.partition(b"\r\n\r\n")
            length = int(found[1]) if (found := _LENGTH.search(head + end)) else 0
            if end and len(rest) >= length:
                if not head.startswith(_ACCEPTED):
                    raise WriteRefused(f"nginx answered {head[:200]!r}")
                seen = rest[length:]
                count -= 1
                continue
            try:
                data = self._publisher.recv(_READ_BYTES)
            except TimeoutError:
                data = b""
            if not data:
                raise WriteRefused("nginx does not answer its publisher any more")
            seen += data


def find_nchan() -> tuple[str, Path]:
    """Return nginx's program and the module.

    Raises:
        DidNotStart: there is no nginx.
        NoNchan: it has no nchan; the text says how to install it.
    """
    program = find_nginx()
    module = next((path for path in map(Path, _MODULES) if path.exists()), None)
    if module is None:
        raise NoNchan("nginx has no nchan: apt install libnginx-mod-nchan")
    return program, module


@contextmanager
def serve_nchan(*, environments: int, data: Callable[[int, int], bytes]) -> Iterator[Nchan]:
    """Run nginx with nchan for as long as the block.

    Raises:
        DidNotStart: there is no nginx, or it ended.
        NoNchan: it has no nchan.
    """
    _program, module = find_nchan()
    setup = Setup(_LOCATIONS, _HTTP, "sndbuf=16k", module, _CONNECTIONS)
    with (
        tempfile.TemporaryDirectory(prefix="fh-bench-nchan-") as name,
        run_nginx(setup, Path(name)) as nginx,
        closing(Nchan(nginx, environments=environments, data=data)) as server,
    ):
        yield server
