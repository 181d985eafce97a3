"""What the real server says, byte by byte: streams, polls, preflights, bad requests."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.admin import Project
from tests.e2e.party import Party
from tests.e2e.wire import ACK, STREAM_HEADERS, Wire, poll_target, wait_polled

pytestmark = pytest.mark.e2e


@pytest.fixture
def wire(party: Party) -> Iterator[Wire]:
    with Wire(party.server.port) as connection:
        yield connection


def feature_id(project: Project, key: str) -> str:
    path = f"/mr-api/application/{project.application_id}/features/{key}"
    return str(project.admin.call("GET", path)["id"])


def read_change(stream: Wire, project: Project) -> bytes:
    """Return the next event without its id, which has to be the etag of all that is now there."""
    lines = stream.read_events(1).splitlines(keepends=True)
    (identifier,) = (line for line in lines if line.startswith(b"id: "))
    with Wire(stream.socket.getpeername()[1]) as poll:
        etag = poll.ask("GET", poll_target(project.server_key)).header("etag")
    assert etag is not None
    assert identifier == b"id: %b\n" % etag.strip('"').encode()
    return b"".join(line for line in lines if line != identifier)


def test_a_stream_in_full(party: Party, wire: Wire, project: Project) -> None:
    project.create("flag", "BOOLEAN", True)
    wait_polled(party.server.port, project.server_key, flag=True)
    identifier = feature_id(project, "flag").encode()
    wire.request("GET", f"/features/{project.server_key}", *STREAM_HEADERS)

    head = wire.read_head()
    assert head.status == 200
    assert head.headers["content-type"].split(";")[0] == "text/event-stream"
    assert head.headers["transfer-encoding"] == "chunked"
    assert head.headers["x-accel-buffering"] == "no"
    assert not {"content-length", "content-encoding", "set-cookie"} & set(head.headers)

    with Wire(wire.socket.getpeername()[1]) as poll:
        etag = poll.ask("GET", poll_target(project.server_key)).header("etag")
    assert etag is not None
    first = wire.read_events(2)
    assert first == ACK + (
        b"event: features\nid: %b\n"
        b'data: [{"id":"%b","key":"flag","l":false,"version":2,"type":"BOOLEAN","value":true}]\n\n'
    ) % (etag.strip('"').encode(), identifier)

    project.save("flag", valueBoolean=False, locked=True)
    assert (
        read_change(wire, project)
        == (
            b"event: feature\n"
            b'data: {"id":"%b","key":"flag","l":true,"version":3,"type":"BOOLEAN",'
            b'"value":false}\n\n'
        )
        % identifier
    )

    project.save("flag", retired=True, locked=False)
    name, _, data = read_change(wire, project).partition(b"\n")
    assert name == b"event: delete_feature"
    assert json.loads(data.removeprefix(b"data: "))["version"] == 4

    project.delete("flag")
    assert (
        read_change(wire, project)
        == (
            b"event: delete_feature\n"
            b'data: {"id":"%b","key":"flag","l":false,"version":0,"type":"BOOLEAN"}\n\n'
        )
        % identifier
    )


def test_an_unknown_key_fails_inside_a_stream(wire: Wire, project: Project) -> None:
    wire.request("GET", f"/features/{project.environment_id}/unknown", *STREAM_HEADERS)
    assert wire.read_head().status == 200
    events = wire.read_events(2)
    assert events.startswith(ACK + b"event: failure\ndata: {")
    assert wire.read_chunk() == b""


@pytest.mark.parametrize("encoded", [False, True])
def test_a_client_evaluated_key_may_be_encoded(wire: Wire, project: Project, encoded: bool) -> None:
    key = project.client_key.replace("*", "%2A") if encoded else project.client_key
    wire.request("GET", f"/features/default/{key}", *STREAM_HEADERS)
    assert wire.read_head().status == 200
    assert b"event: features\n" in wire.read_events(2)


def test_a_poll_and_its_etag(party: Party, wire: Wire, project: Project) -> None:
    project.create("number", "NUMBER", 1.5)
    wait_polled(party.server.port, project.client_key, number=1.5)
    target = poll_target(project.client_key)

    first = wire.ask("GET", target)
    assert first.status == 200
    assert first.header("content-type") == "application/json"
    (environment,) = json.loads(first.body)
    assert environment["id"] == project.environment_id
    (feature,) = environment["features"]
    assert feature["value"] == 1.5
    assert feature["strategies"] == []
    etag = first.header("etag")
    assert etag is not None
    assert etag[0] == etag[-1] == '"'

    unchanged = wire.ask("GET", target, f"if-none-match: {etag}")
    assert (unchanged.status, unchanged.header("etag")) == (304, etag)

    project.save("number", valueNumber=2)
    wait_polled(party.server.port, project.client_key, number=2)
    changed = wire.ask("GET", target, f"if-none-match: {etag}")
    assert changed.status == 200
    assert changed.header("etag") != etag


def test_polls_are_answered_with_and_without_a_slash(wire: Wire, project: Project) -> None:
    query = poll_target(project.server_key).partition("?")[2]
    for target in (
        f"/features?{query}",
        f"/features/?{query}",
        f"/features?sdkUrl={project.server_key}",
    ):
        assert wire.ask("GET", target).status == 200


def test_a_context_has_an_etag_of_its_own(wire: Wire, project: Project) -> None:
    target = poll_target(project.server_key)
    etag = wire.ask("GET", target).header("etag")
    fred = wire.ask("GET", target, "x-featurehub: userkey=fred", f"if-none-match: {etag}")
    assert fred.status == 200
    assert (fred.header("etag") or "").endswith('//285d1a9b00e68df0c3aaa1bd6421f0bf"')


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/features", 400),
        ("/features?apiKey=nonsense", 404),
        ("/features?apiKey=not-a-uuid%2Fsecret", 404),
        ("/features?apiKey=6c376de1-3cb8-4297-b641-8f27e0d11612%2Funknown", 404),
        ("/features/not-a-uuid/secret", 404),
    ],
)
def test_what_can_never_work_is_refused(wire: Wire, target: str, status: int) -> None:
    assert wire.ask("GET", target).status == status


def test_a_preflight_needs_no_key(wire: Wire, project: Project) -> None:
    answer = wire.ask(
        "OPTIONS",
        f"/features/{project.server_key}",
        "origin: https://example.org",
        "access-control-request-method: GET",
        "access-control-request-headers: x-featurehub",
    )
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("access-control-allow-origin") == "*"
    assert "GET" in (answer.header("access-control-allow-methods") or "")
    assert "x-featurehub" in (answer.header("access-control-allow-headers") or "")


@pytest.mark.parametrize("target", ["poll", "stream", "admin"])
def test_answers_show_their_etag_to_other_origins(
    party: Party, wire: Wire, project: Project, target: str
) -> None:
    targets = {
        "poll": poll_target(project.server_key),
        "stream": f"/features/{project.server_key}",
        "admin": "/mr-api/initialize",
    }
    if target == "admin":
        with Wire(party.server.admin_port) as admin:
            headers = admin.ask("GET", targets[target], "origin: https://example.org").head.headers
    else:
        wire.request("GET", targets[target], "origin: https://example.org")
        headers = wire.read_head().headers
    assert headers["access-control-allow-origin"] == "*"
    assert "etag" in headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "target",
    ["/", "/health/liveness", "/health/readiness", "/health/readyness", "/metrics"],
)
def test_probes_are_answered(party: Party, target: str) -> None:
    with Wire(party.server.probe_port) as wire:
        assert wire.ask("GET", target).status == 200


def test_the_version_names_the_role(party: Party, wire: Wire) -> None:
    name = "party-server" if party.server.admin_port == party.server.port else "edge-full"
    assert json.loads(wire.ask("GET", "/info/version").body)["name"] == name
