import os
import shutil

import pytest

from bench.baselines.contestant import DidNotStart
from bench.baselines.nginx import HOW_TO_INSTALL, open_nginx
from bench.load.poll_trial import Server, ask

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
needs_nginx = pytest.mark.skipif(shutil.which("nginx", path=PATH) is None, reason="no nginx")


@needs_nginx
def test_its_one_worker_serves_the_bytes():
    with open_nginx(b"[1]") as nginx:
        etag, body = ask(Server("nginx", nginx.host, nginx.port, nginx.pid, "a/b"))
        assert (bool(etag), body) == (True, b"[1]")
        assert nginx.version[0].isdigit()
        worker = nginx.pid
        assert worker != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_where_there_is_none_it_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setattr("bench.baselines.nginx._PLACES", "/nonexistent")
    with pytest.raises(DidNotStart, match="apt install") as refused, open_nginx(b""):
        pass
    assert str(refused.value) == HOW_TO_INSTALL


def test_one_that_does_not_start_says_why(monkeypatch, tmp_path):
    program = tmp_path / "nginx"
    program.write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr("bench.baselines.nginx._PLACES", str(tmp_path))
    with pytest.raises(DidNotStart, match="no room"), open_nginx(b""):
        pass
