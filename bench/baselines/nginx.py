"""nginx with one worker that serves one static file.

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
daemon off;
worker_processes 1;
pid {directory}/pid;
error_log stderr warn;
{user}
events {{ worker_connections 4096; }}
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
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /features {{
            alias {directory}/features.json;
            add_header cache-control "no-store, max-age=0";
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx; `pid` is its worker."""

    host: str
    port: int
    pid: int
    version: str


@contextmanager
def open_nginx(body: bytes) -> Iterator[Nginx]:
    """Serve `body` at /features until the block ends.

    Raises:
        DidNotStart: it is not installed, or ended; the text says which.
    """
    program = shutil.which("nginx", path=_PLACES)
    if program is None:
        raise DidNotStart(HOW_TO_INSTALL)
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryFile("w+") as errors:
        directory = Path(name)
        (directory / "features.json").write_bytes(body)
        port = _free_port()
        # A worker of root's would be nobody, to whom the directory is closed.
        user = "" if os.getuid() else "user root;"
        configuration = directory / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(directory=directory, port=port, user=user), encoding="utf-8"
        )
        process = subprocess.Popen(
            [program, "-p", name, "-c", str(configuration)],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            if not _serves(process, port):
                errors.seek(0)
                raise DidNotStart(f"nginx: {errors.read().strip() or 'it did not serve in time'}")
            yield Nginx("127.0.0.1", port, _worker(process.pid), _version(program))
        finally:
            process.terminate()
            process.wait()


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


def _version(program: str) -> str:
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
    return said.strip().rpartition("/")[2]
