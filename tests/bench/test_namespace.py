import ctypes
import errno
import socket
import subprocess
import sys

import pytest

from bench import namespace
from bench.load.bounds import OutOfBounds
from bench.namespace import enter_namespace

INSIDE = """
import socket, sys
from bench.load.bounds import OutOfBounds
from bench.namespace import enter_namespace
try:
    enter_namespace()
except OutOfBounds as refusal:
    raise SystemExit(f"refused: {refusal}")
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    socket.create_connection(listener.getsockname()).close()
print(len(open("/proc/net/dev").readlines()) - 2, "interface")
"""


def test_inside_there_is_nothing_but_a_loopback_that_works():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", INSIDE, str(port)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    if done.stderr.startswith("refused"):
        pytest.skip(done.stderr)
    assert done.stdout == "1 interface\n", done.stderr


@pytest.mark.parametrize("user", [0, 1000])
def test_what_is_missing_is_told(monkeypatch, user):
    class Refusing:
        def unshare(self, flags):
            ctypes.set_errno(errno.EPERM)
            return -1

    monkeypatch.setattr(namespace.ctypes, "CDLL", lambda *_, **__: Refusing())
    monkeypatch.setattr(namespace.os, "geteuid", lambda: user)
    with pytest.raises(OutOfBounds, match="CAP_SYS_ADMIN" if user == 0 else "user namespaces"):
        enter_namespace()
