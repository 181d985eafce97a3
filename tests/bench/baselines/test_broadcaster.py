import socket
import sys

import pytest

from bench.baselines.compiled import NotCompiled, compile_broadcaster
from bench.baselines.contestant import Contestant, Entry

REQUEST = b"GET /features/e/k HTTP/1.1\r\n\r\n"


@pytest.fixture(params=["python", "c"])
def server(request, tmp_path):
    if request.param == "c":
        try:
            command = [str(compile_broadcaster(tmp_path))]
        except NotCompiled as reason:
            pytest.skip(str(reason))
    else:
        command = [sys.executable, "-m", "bench.baselines.broadcaster"]
    entry = Entry(request.param, command, "\r\n\r\n", lambda number: b"<%d>" % number)
    with Contestant(entry) as contestant:
        yield contestant


def opened(server):
    stream = socket.create_connection((server.host, server.port), timeout=10)
    stream.sendall(REQUEST)
    assert stream.recv(4096).endswith(b"\r\n\r\n")
    return stream


def test_a_frame_reaches_every_stream(server):
    streams = [opened(server) for _ in range(5)]
    server.publish(7)
    assert [stream.recv(100) for stream in streams] == [b"<7>"] * 5
    for stream in streams:
        stream.close()


def test_those_who_stay_are_served_when_others_leave(server):
    streams = [opened(server) for _ in range(6)]
    for stream in streams[::2]:
        stream.close()
    with opened(server) as last:
        stayed = [*streams[1::2], last]
        for number in (1, 2):
            server.publish(number)
            assert [stream.recv(100) for stream in stayed] == [b"<%d>" % number] * 4
    for stream in streams[1::2]:
        stream.close()


def test_who_says_something_else_is_sent_away(server):
    with socket.create_connection((server.host, server.port), timeout=10) as stranger:
        stranger.sendall(b"hello")
        assert stranger.recv(100) == b""
