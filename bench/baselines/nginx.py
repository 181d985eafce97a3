"""nginx with one worker: with one static file, or with whatever else it is configured to serve.

Its configuration is Debian's with what would slow it down left out: `sendfile` and `tcp_nopush` on,
no access log, the file kept open (`open_file_cache`), connections kept for ever.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.baselines.contestant import DidNotStart

HOW_TO_INSTALL = "there is no nginx: apt install nginx-light"

_PLACES = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
_START_SECONDS = 10
_CONFIGURATION = """\
{module}
daemon off;
worker_processes 1;
worker_rlimit_nofile {connections};
pid {directory}/pid;
error_log stderr warn;
{user}
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=100;
    keepalive_requests 1000000000;
    default_type application/json;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {http}
    server {{
        listen 127.0.0.1:{port} backlog=4096 {listening};
        {locations}
    }}
}}
"""
_STATIC = """\
location = /features {{
    alias {directory}/features.json;
    add_header cache-control "no-store, max-age=0";
}}
"""


@dataclass(frozen=True, slots=True)
class Setup:
    """What nginx is told beside what every nginx of a bench is: in its language.

    `locations` stand in its only server, `http` around that, `listening` behind its address.
    """

    locations: str
    http: str = ""
    listening: str = ""
    module: Path | None = None
    connections: int = 4_096


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx; `pid` is its worker, `log` what it has complained of."""

    host: str
    port: int
    pid: int
    version: str
    log: Path


@contextmanager
def open_nginx(body: bytes) -> Iterator[Nginx]:
    """Serve `body` at /features until the block ends.

    Raises:
        DidNotStart: it is not installed, or ended; the text says which.
    """
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "features.json").write_bytes(body)
        with run_nginx(Setup(_STATIC.format(directory=name)), Path(name)) as nginx:
            yield nginx


@contextmanager
def run_nginx(setup: Setup, directory: Path) -> Iterator[Nginx]:
    """Run nginx with its files in `directory` until the block ends.

    Raises:
        DidNotStart: it is not installed, or ended; the text says which.
    """
    program = find_nginx()
    port = _free_port()
    log = directory / "log"
    configuration = directory / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            module="" if setup.module is None else f"load_module {setup.module};",
            directory=directory,
            # A worker of root's would be nobody, to whom the directory is closed.
            user="" if os.getuid() else "user root;",
            connections=setup.connections,
            http=setup.http,
            port=port,
            listening=setup.listening,
            locations=setup.locations,
        ),
        encoding="utf-8",
    )
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [program, "-p", str(directory), "-c", str(configuration)],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        if not _serves(process, port):
            said = log.read_text(errors="replace").strip()
            raise DidNotStart(f"nginx: {said or 'it did not serve in time'}")
        yield Nginx("127.0.0.1", port, _worker(process.pid), nginx_version(program), log)
    finally:
        process.terminate()
        process.wait()


def find_nginx() -> str:
    """Return its program.

    Raises:
        DidNotStart: it is not installed.
    """
    program = shutil.which("nginx", path=_PLACES)
    if program is None:
        raise DidNotStart(HOW_TO_INSTALL)
    return program


def nginx_version(program: str) -> str:
    """Return what `program` says that it is."""
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
    return said.strip().rpartition("/")[2]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _serves(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            # Its master listens before there is a worker: only an answer tells that it serves.
            with socket.create_connection(("127.0.0.1", port), _START_SECONDS) as client:
                client.sendall(b"GET /features HTTP/1.0\r\n\r\n")
                if client.recv(1):
                    return True
        except OSError:
            time.sleep(0.01)
    return False


def _worker(master: int) -> int:
    """Return the process of the only worker."""
    (worker,) = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return int(worker)
