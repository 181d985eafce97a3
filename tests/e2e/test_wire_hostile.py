"""Clients that are slow, rude or gone: they cost themselves, and nobody else."""

import socket
import time
from collections.abc import Iterator

import pytest

from tests.e2e.admin import Project
from tests.e2e.party import LONG_STREAMS, Party, open_party
from tests.e2e.wire import ACK, STREAM_HEADERS, Wire, poll_target, wait_polled

pytestmark = pytest.mark.e2e

MIB = 1024 * 1024
ADMIN_TARGET = "/mr-api/login"
JSON_BODY = "content-type: application/json"


@pytest.fixture(scope="module")
def impatient_party(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    settings = {**LONG_STREAMS, "EDGE_HEAD_TIMEOUT_SECONDS": "1"}
    with open_party(tmp_path_factory.mktemp("impatient"), settings) as party:
        yield party
        party.server.assert_log_is_clean()


@pytest.fixture
def wire(party: Party) -> Iterator[Wire]:
    with Wire(party.server.port) as connection:
        yield connection


@pytest.fixture
def admin_wire(party: Party) -> Iterator[Wire]:
    with Wire(party.server.admin_port) as connection:
        yield connection


def open_stream(party: Party, project: Project, **options: int) -> Wire:
    stream = Wire(party.server.port, **options)
    stream.request("GET", f"/features/{project.server_key}", *STREAM_HEADERS)
    assert stream.read_head().status == 200
    assert stream.read_events(2).startswith(ACK)
    return stream


def test_a_head_without_end_is_refused(wire: Wire) -> None:
    try:
        wire.send(b"GET /features HTTP/1.1\r\nhost: localhost\r\nx: " + b"x" * MIB)
        status = wire.read_head().status
    except ConnectionError:
        return  # closed before all of it was sent: as good an answer
    assert status in {400, 431}
    assert wire.is_closed_by_peer()


def test_a_very_long_target_is_refused(wire: Wire) -> None:
    try:
        wire.request("GET", "/features?apiKey=" + "x" * MIB)
        status = wire.read_head().status
    except ConnectionError:
        return
    assert status in {400, 414, 431}


def test_more_than_a_hundred_headers_are_refused(wire: Wire) -> None:
    headers = [f"x-header-{number}: {number}" for number in range(150)]
    assert wire.ask("GET", "/features?apiKey=x", *headers).status in {400, 431}
    assert wire.is_closed_by_peer()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\r\n\r\n\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n bad: folding\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nhost: a\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_or_closed(wire: Wire, garbage: bytes) -> None:
    wire.send(garbage)
    wire.socket.shutdown(socket.SHUT_WR)
    answer = wire.read_to_the_end()
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 505", b"HTTP/1.0 400"))


def test_a_slow_head_is_cut_off(impatient_party: Party) -> None:
    with Wire(impatient_party.server.port, wait_seconds=14) as wire:
        wire.send(b"GET /features HTTP/1.1\r\nhost: loc")
        assert wire.is_closed_by_peer()


def test_a_head_in_single_bytes_is_read(wire: Wire, project: Project) -> None:
    wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = f"GET {poll_target(project.server_key)} HTTP/1.1\r\nhost: localhost\r\n\r\n"
    for byte in head.encode():
        wire.send(bytes([byte]))
    assert wire.read_answer().status == 200


def test_requests_in_one_packet_are_answered_in_order(wire: Wire, project: Project) -> None:
    poll = f"GET {poll_target(project.server_key)} HTTP/1.1\r\nhost: localhost\r\n\r\n"
    bad = "GET /features HTTP/1.1\r\nhost: localhost\r\n\r\n"
    wire.send((poll + poll + bad + poll).encode())
    # What is refused ends the connection: the request behind it is not answered.
    assert [wire.read_answer().status for _ in range(3)] == [200, 200, 400]
    assert wire.is_closed_by_peer()


def test_a_client_that_stops_reading_costs_others_nothing(party: Party, project: Project) -> None:
    project.create("text", "STRING", "start")
    wait_polled(party.server.port, project.server_key, text="start")
    filler = "x" * 16_000
    with (
        open_stream(party, project, receive_buffer=4096) as idle,
        open_stream(party, project) as reader,
    ):
        before = party.server.resident_bytes()
        slowest_seconds = 0.0
        for number in range(60):
            project.save("text", valueString=f"{number} {filler}")
            saved_at = time.monotonic()
            assert f'"value":"{number} '.encode() in reader.read_events(1)
            slowest_seconds = max(slowest_seconds, time.monotonic() - saved_at)
        assert slowest_seconds < 5
        assert party.server.resident_bytes() - before < 30 * MIB
        idle.reset()
    assert party.server.is_ready()


def test_clients_that_vanish_leave_nothing_behind(party: Party, project: Project) -> None:
    project.create("text", "STRING", "start")
    wait_polled(party.server.port, project.server_key, text="start")
    with open_stream(party, project) as reader:
        for number in range(30):
            gone = open_stream(party, project)
            gone.vanish() if number % 2 else gone.reset()
            if number % 10 == 0:
                project.save("text", valueString=str(number))
                assert b"event: feature\n" in reader.read_events(1)
        project.save("text", valueString="end")
        assert b'"value":"end"' in reader.read_events(1)


def test_a_body_above_ten_mib_is_refused(admin_wire: Wire) -> None:
    admin_wire.send(
        f"POST {ADMIN_TARGET} HTTP/1.1\r\nhost: localhost\r\n{JSON_BODY}\r\n"
        f"content-length: {11 * MIB}\r\n\r\n".encode()
    )
    try:
        for _ in range(11):
            admin_wire.send(b" " * MIB)
    except ConnectionError:
        pass  # It may answer and close before it has seen all of it.
    assert admin_wire.read_head().status == 413


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"email": 5, "password": true}', b"\xff\xfe", b"[" * 10_000]
)
def test_malformed_json_is_a_bad_request(admin_wire: Wire, body: bytes) -> None:
    assert admin_wire.ask("POST", ADMIN_TARGET, JSON_BODY, body=body).status == 400


@pytest.mark.parametrize(
    ("target", "status"), [("/mr-api/nothing-here", 404), ("/mr-api/portfolio", 401)]
)
def test_the_admin_api_refuses_strangers(admin_wire: Wire, target: str, status: int) -> None:
    assert admin_wire.ask("GET", target).status == status
