"""The health check of the image, beside servers of every mood."""

import importlib.util
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType

import pytest

from tests.docker.installation import DOCKER


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, where no role listens on a port of its own."""
    spec = importlib.util.spec_from_file_location("healthy", DOCKER / "healthy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("MONITOR_PORT", "SERVER_PORT", "monitor.port", "server.port"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "_ROLES_PORTS", ())
    return module


@contextmanager
def role(**statuses: int) -> Iterator[str]:
    """Serve `/health/NAME` with a status each; the port, as text."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {f"/health/{name}": status for name, status in statuses.items()}
            status = known.get(self.path, 404)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"checks":{"database":false}}' if status == 500 else b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield str(server.server_port)
        finally:
            server.shutdown()
            serving.join()


@contextmanager
def listening_socket() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


def unused_port() -> int:
    with listening_socket() as listener:
        port: int = listener.getsockname()[1]
    return port


def test_a_role_that_is_ready_is_well(healthy: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    with role(readiness=200) as port:
        monkeypatch.setenv("MONITOR_PORT", port)
        assert healthy.main() is None


def test_what_a_role_lacks_is_told(healthy: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    with role(readiness=500, liveness=200) as port:
        monkeypatch.setenv("MONITOR_PORT", port)
        assert healthy.main() == f'readiness on port {port}: 500 {{"checks":{{"database":false}}}}'
        assert healthy.main("liveness") is None


@pytest.mark.parametrize("monitor", ["", "0"])
def test_without_a_monitor_port_the_roles_port_is_asked(
    healthy: ModuleType, monkeypatch: pytest.MonkeyPatch, monitor: str
) -> None:
    monkeypatch.setenv("MONITOR_PORT", monitor)
    with role(readiness=200) as port:
        monkeypatch.setenv("SERVER_PORT", port)
        assert healthy.main() is None


def test_a_property_under_its_own_name_wins_as_it_does_for_the_role(
    healthy: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with role(readiness=200) as port:
        monkeypatch.setenv("MONITOR_PORT", str(unused_port()))
        monkeypatch.setenv("monitor.port", port)
        assert healthy.main() is None


def test_without_any_setting_it_is_the_roles_own_port(
    healthy: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with role(readiness=200) as port:
        monkeypatch.setattr(healthy, "_ROLES_PORTS", (unused_port(), int(port)))
        assert healthy.main() is None


def test_a_role_that_is_not_up_is_not_well(
    healthy: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONITOR_PORT", str(unused_port()))
    assert healthy.main() == "readiness: nothing listens"


def test_a_silent_role_is_not_waited_for(
    healthy: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(healthy, "_SECONDS", 0.05)
    with listening_socket() as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv("MONITOR_PORT", str(port))
        assert healthy.main() == f"readiness on port {port}: TimeoutError('timed out')"
