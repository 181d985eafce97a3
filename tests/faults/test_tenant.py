"""What was acknowledged and is gone, and what was told and never was, is noticed at the end."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.e2e.admin import Admin, Project
from tests.faults.tenant import FEATURES, Tenant

KEY = FEATURES[0]


class OneFeature(BaseHTTPRequestHandler):
    """An MR with one feature; each update is the next version."""

    protocol_version = "HTTP/1.1"
    version = 1
    status = 200

    def do_GET(self) -> None:
        self._answer({"key": KEY, "version": OneFeature.version}, 200)

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        OneFeature.version += 1
        self._answer({**body, "version": OneFeature.version}, OneFeature.status)

    def _answer(self, body: object, status: int) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def tenant() -> Iterator[Tenant]:
    OneFeature.version, OneFeature.status = 1, 200
    with ThreadingHTTPServer(("127.0.0.1", 0), OneFeature) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with Admin(f"http://127.0.0.1:{server.server_port}") as admin:
            yield Tenant(0, Project(admin, "", "env", "", "env/client*key", "env/server"))
        server.shutdown()


def test_an_acknowledged_update_has_to_be_there(tenant: Tenant) -> None:
    assert not tenant.write(KEY)
    assert not list(tenant.faults({KEY: (2, 1)}))
    assert list(tenant.faults({KEY: (1, 0)})) == [
        "feature-0: 2 was acknowledged, MR has 1",
        "feature-0: 2 was published, MR has 1",
    ]


def test_what_was_rolled_back_must_not_be_told(tenant: Tenant) -> None:
    assert not list(tenant.note(KEY, 2, 17))
    assert list(tenant.faults({KEY: (2, 18)})) == ["feature-0 2 is 18, elsewhere 17"]


def test_a_refusal_may_not_be_final(tenant: Tenant) -> None:
    OneFeature.status = 503
    assert not tenant.write(KEY)
    OneFeature.status = 409
    assert tenant.write(KEY)[0].startswith("409 ")
    assert (tenant.refusals, tenant.updates) == (2, 0)


def test_a_feature_may_be_told_before_it_has_a_value_but_may_not_lose_it(tenant: Tenant) -> None:
    assert not list(tenant.note(KEY, 0, None))
    assert list(tenant.note(KEY, 1, None)) == [
        "feature-0 1 is None: that is another environment's",
    ]
