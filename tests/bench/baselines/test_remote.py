import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bench.baselines.remote import RemoteServer, WriteRefused
from bench.load.bounds import OutOfBounds
from bench.load.marker import padded_value


@pytest.fixture
def edge():
    """An Edge that remembers what it is told and answers `edge.status`."""

    class Edge(BaseHTTPRequestHandler):
        def do_PUT(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            server.puts.append((self.path, json.loads(body)))
            self.send_response(server.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *words):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Edge) as server:
        server.puts, server.status = [], 200
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def remote(port):
    url = f"http://127.0.0.1:{port}/fh/"
    return RemoteServer(url, "env/secret", feature_key="MENU", value_bytes=50)


def test_an_event_is_published_by_a_test_write(edge):
    remote(edge.server_port).publish(17)
    body = {"lock": False, "updateValue": True, "value": padded_value(17, 50)}
    assert edge.puts == [("/fh/features/env/secret/MENU", body)]


@pytest.mark.parametrize("status", [202, 403, 404, 412, 503])
def test_an_answer_that_is_no_acceptance_is_a_refusal(edge, status):
    edge.status = status
    with pytest.raises(WriteRefused, match=str(status)):
        remote(edge.server_port).publish(17)


def test_a_server_elsewhere_is_refused():
    with pytest.raises(OutOfBounds):
        RemoteServer("http://192.0.2.1", "e/k", feature_key="MENU", value_bytes=50)


@pytest.mark.parametrize("url", ["https://127.0.0.1", "127.0.0.1:80", "http://"])
def test_what_is_no_plain_address_is_refused(url):
    with pytest.raises(WriteRefused):
        RemoteServer(url, "e/k", feature_key="MENU", value_bytes=50)


def test_numbers_go_on_after_those_of_an_earlier_run(edge):
    assert remote(edge.server_port).first_number > 1_700_000_000
