"""MR, Dachas and Edges as processes of their own, joined by NATS alone and by HTTP."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from fh.db.embedded import EmbeddedPostgres
from tests.e2e.admin import Admin, Project
from tests.e2e.party import LONG_STREAMS, serving
from tests.e2e.role_process import RoleProcess, free_port
from tests.e2e.server import SplitServer
from tests.e2e.wire import STREAM_HEADERS, Wire, poll_target, wait_polled

pytestmark = pytest.mark.e2e

CHANGE_SECONDS = 1.0
REVOKE_SECONDS = 2.0
# What is late by its making is late each time; what a busy machine holds up is not.
ATTEMPTS = 5


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitServer]:
    """Two Edges, each with a Dacha of its own."""
    server = SplitServer(tmp_path_factory.mktemp("split"), LONG_STREAMS, dachas=2, edges=2)
    with serving(server):
        yield server
        server.assert_log_is_clean()


@pytest.fixture(scope="module")
def admin(split: SplitServer) -> Iterator[Admin]:
    with Admin(split.admin_url) as admin:
        admin.sign_in()
        yield admin


@pytest.fixture
def project(admin: Admin) -> Project:
    project = admin.new_project()
    project.create("flag", "BOOLEAN", True)
    return project


@contextmanager
def open_stream(port: int, key: str) -> Iterator[Wire]:
    """Open a stream and read its first two events, of which the second has all features."""
    with Wire(port) as stream:
        stream.request("GET", f"/features/{key}", *STREAM_HEADERS)
        assert stream.read_head().status == 200
        assert b"event: features\n" in stream.read_events(2)
        yield stream


@contextmanager
def open_everywhere(split: SplitServer, project: Project) -> Iterator[list[Wire]]:
    """Open a stream of each key at each Edge."""
    for edge in split.edges:
        wait_polled(edge.port, project.server_key, flag=True)
    with ExitStack() as stack:
        yield [
            stack.enter_context(open_stream(edge.port, key))
            for edge in split.edges
            for key in (project.client_key, project.server_key)
        ]


def test_a_change_reaches_every_stream_and_poll_of_every_edge(
    split: SplitServer, project: Project
) -> None:
    took_seconds = []
    with open_everywhere(split, project) as streams:
        while min(took_seconds, default=CHANGE_SECONDS) >= CHANGE_SECONDS:
            assert len(took_seconds) < ATTEMPTS, took_seconds
            value = bool(len(took_seconds) % 2)
            started = time.monotonic()
            project.save("flag", valueBoolean=value)
            for stream in streams:
                assert f'"value":{json.dumps(value)}'.encode() in stream.read_events(1)
            took_seconds.append(time.monotonic() - started)
        project.save("flag", valueBoolean=False)
    for edge in split.edges:
        wait_polled(edge.port, project.client_key, flag=False)


def test_a_test_write_goes_to_mr_and_comes_back_to_every_edge(
    split: SplitServer, project: Project
) -> None:
    body = json.dumps({"value": False, "updateValue": True}).encode()
    with open_everywhere(split, project) as streams, Wire(split.edges[1].port) as wire:
        target = f"/features/{project.server_key}/flag"
        answer = wire.ask("PUT", target, "content-type: application/json", body=body)
        assert answer.status == 200, answer
        for stream in streams:
            assert b'"value":false' in stream.read_events(1)
    assert project.load("flag")["valueBoolean"] is False


def test_a_revoked_key_ends_its_streams_everywhere(split: SplitServer, project: Project) -> None:
    took_seconds = []
    renewed = project
    while min(took_seconds, default=REVOKE_SECONDS) >= REVOKE_SECONDS:
        assert len(took_seconds) < ATTEMPTS, took_seconds
        with open_everywhere(split, renewed) as streams:
            started = time.monotonic()
            renewed = renewed.with_new_keys()
            for stream in streams:
                assert stream.is_closed_by_peer()
            took_seconds.append(time.monotonic() - started)
    for edge in split.edges:
        with Wire(edge.port) as wire:
            assert wire.ask("GET", poll_target(project.server_key)).status == 404
        with Wire(edge.port) as wire:
            wire.request("GET", f"/features/{project.client_key}", *STREAM_HEADERS)
            assert b"event: failure" in wire.read_to_the_end()


def test_each_role_shows_operators_what_it_does(split: SplitServer, project: Project) -> None:
    wanted = {"mr": b"bus_published_total", "dacha": b"dacha_", "edge": b"edge_"}
    for role in split.roles:
        for path in ("/health/liveness", "/health/readiness"):
            assert role.probe(path)[0] == 200, (role.role, path)
        status, metrics = role.probe("/metrics")
        assert status == 200
        assert b"bus_connected 1.0" in metrics, role.role
        assert wanted[role.role] in metrics, role.role
        with Wire(role.port) as wire:  # nothing for operators where strangers are
            assert wire.ask("GET", "/metrics").status == 404, role.role


def test_caches_are_asked_with_a_key_only(split: SplitServer, project: Project) -> None:
    target = f"/dacha2/environment/{project.environment_id}"
    for role in (split.mr, *split.dachas):
        with Wire(role.port) as wire:
            assert wire.ask("GET", target).status == 403, role.role


@pytest.fixture(scope="module")
def ish(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoleProcess]:
    directory = tmp_path_factory.mktemp("ish")
    role = RoleProcess("party-server-ish", directory, data_directory=directory / "data")
    try:
        role.start()
        yield role
        assert role.stop() == 0, role.log()
        role.assert_log_is_clean()
    finally:
        role.discard()


@pytest.fixture(scope="module")
def rest(ish: RoleProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoleProcess]:
    """An Edge-REST that reads, as from a replica, what the party-server-ish writes."""
    dsn = EmbeddedPostgres(ish.data_directory / "postgres").dsn
    settings = {
        "DB_URL": dsn.url,
        "DB_USERNAME": dsn.user or "",
        "DB_REPLICA_URL": dsn.url,
        "DB_REPLICA_USERNAME": dsn.user or "",
        "MONITOR_PORT": str(free_port()),
    }
    role = RoleProcess("edge-rest", tmp_path_factory.mktemp("rest"), settings)
    try:
        role.start()
        yield role
        assert role.stop() == 0, role.log()
        role.assert_log_is_clean()
    finally:
        role.discard()


@pytest.fixture(scope="module")
def ish_project(ish: RoleProcess) -> Iterator[Project]:
    with Admin(ish.url) as admin:
        admin.sign_in()
        yield admin.new_project()


@pytest.mark.parametrize("role", ["ish", "rest"])
def test_without_a_cache_there_are_polls_and_writes_but_no_streams(
    request: pytest.FixtureRequest, ish_project: Project, role: str
) -> None:
    served: RoleProcess = request.getfixturevalue(role)
    flag = f"flag-{role}"
    ish_project.create(flag, "BOOLEAN", False)
    target = poll_target(ish_project.server_key)
    with Wire(served.port) as wire:
        polled = wire.ask("GET", target)
        assert polled.status == 200
        assert flag.encode() in polled.body
        etag = polled.header("etag")
        unchanged = wire.ask("GET", target, f"if-none-match: {etag}")
        assert (unchanged.status, unchanged.header("etag")) == (304, etag)

        body = json.dumps({"value": True, "updateValue": True}).encode()
        path = f"/features/{ish_project.server_key}/{flag}"
        written = wire.ask("PUT", path, "content-type: application/json", body=body)
        assert written.status == 200, written
        assert ish_project.load(flag)["valueBoolean"] is True
        changed = wire.ask("GET", target, f"if-none-match: {etag}")
        assert changed.status == 200
        assert changed.header("etag") != etag
    with Wire(served.port) as wire:
        refused = wire.ask("GET", f"/features/{ish_project.server_key}", *STREAM_HEADERS)
        assert refused.status == 501
    assert served.probe("/health/readiness")[0] == 200
    assert served.probe("/metrics")[0] == 200
