"""nginx with the nchan module: one worker, subscribers over server-sent events.

Events are published over its HTTP publisher endpoint, pipelined on one connection, and nginx
parses those requests: an event in each of 10,000 environments is 10,000 requests. What they cost
without subscribers is measured, too.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from bench.baselines.contestant import DidNotStart
from bench.baselines.remote import WriteRefused
from bench.load.process import family

_MODULES: Final = (
    "/usr/lib/nginx/modules/ngx_nchan_module.so",
    "/usr/share/nginx/modules/ngx_nchan_module.so",
    "/usr/lib64/nginx/modules/ngx_nchan_module.so",
    "/etc/nginx/modules/ngx_nchan_module.so",
)
_CONNECTIONS = 20_000
_PIPELINED = 64
_READ_BYTES = 65_536
_START_SECONDS = 20
_ENDING_SECONDS = 10
_ACCEPTED = b"HTTP/1.1 20"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)

_CONFIGURATION = """\
load_module {module};
daemon off;
worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {directory}/pid;
error_log {directory}/error.log warn;
{user}
events {{ use epoll; worker_connections {connections}; multi_accept on; }}
http {{
  access_log off;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  nchan_max_reserved_memory 512M;
  server {{
    listen 127.0.0.1:{port} backlog=4096 sndbuf=16k;
    location = / {{ return 204; }}
    location = /publish {{
      nchan_publisher http;
      nchan_channel_id $arg_channel;
      nchan_store_messages off;
    }}
    location ~ ^/streams/(?<channel>\\d+)$ {{
      nchan_subscriber eventsource;
      nchan_channel_id $channel;
      nchan_subscriber_first_message newest;
    }}
  }}
}}
"""


class NoNchan(Exception):
    """There is no nginx, or it has no nchan."""


class Nchan:
    """A running nginx, as a trial sees it."""

    name = "nchan"
    host = "127.0.0.1"
    path = "/streams/{channel}"
    ready_mark = "\r\n\r\n"
    first_number = 1
    user_keys = False

    def __init__(
        self,
        port: int,
        pids: tuple[int, ...],
        log: Path,
        *,
        environments: int,
        data: Callable[[int, int], bytes],
    ) -> None:
        """Publish what `data` returns for a number and the place of an environment."""
        self.port = port
        self.pids = pids
        self._log = log
        self._environments = environments
        self._data = data
        self._made: dict[int, list[bytes]] = {}
        self._publisher = socket.create_connection((self.host, port), timeout=_START_SECONDS)

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
        return self._log.read_text(errors="replace").strip() if self._log.exists() else ""

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
        NoNchan: one of them is not there; the text says how to install them.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    module = next((path for path in map(Path, _MODULES) if path.exists()), None)
    if program is None or module is None:
        missing = "nginx" if program is None else "nginx's module nchan"
        raise NoNchan(f"{missing} is not installed: apt-get install libnginx-mod-nchan nginx-light")
    return program, module


def nginx_version() -> str:
    """Return what nginx says that it is.

    Raises:
        NoNchan: it is not there.
    """
    program, _module = find_nchan()
    done = subprocess.run([program, "-v"], capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("/")[2]


@contextmanager
def serve_nchan(*, environments: int, data: Callable[[int, int], bytes]) -> Iterator[Nchan]:
    """Run nginx on a free port for as long as the block.

    Raises:
        NoNchan: it is not installed.
        DidNotStart: it ended, or did not serve in time.
    """
    program, module = find_nchan()
    with tempfile.TemporaryDirectory(prefix="fh-bench-nchan-") as name:
        directory = Path(name)
        port = _free_port()
        configuration = directory / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                module=module,
                directory=directory,
                port=port,
                connections=_CONNECTIONS,
                descriptors=_CONNECTIONS,
                # Else the worker becomes another user and can't write its files.
                user="user root;" if os.geteuid() == 0 else "",
            )
        )
        log = directory / "error.log"
        command = [program, "-p", name, "-e", str(log), "-c", str(configuration)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_serving(port, process, log)
            server = Nchan(port, family(process.pid), log, environments=environments, data=data)
            with contextlib.closing(server):
                yield server
        finally:
            process.terminate()
            try:
                process.wait(_ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_serving(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return when a worker answers: nginx listens before it has one."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, HTTPException):
            asking = HTTPConnection(Nchan.host, port, timeout=_START_SECONDS)
            with contextlib.closing(asking):
                asking.request("GET", "/")
                asking.getresponse().read()
                return
        time.sleep(0.02)
    said = log.read_text(errors="replace").strip() if log.exists() else ""
    raise DidNotStart(said or "nginx did not serve in time")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
