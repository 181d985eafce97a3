import sys

import pytest

from bench.baselines.contestant import Contestant, Entry
from bench.load.poll_clients import PollPlan, open_poll_clients
from bench.load.poll_trial import Server, ask, begin_trial
from bench.load.polls import PollRefused
from fh.wire.http_head import parse_head

KEY = "6c376de1-3cb8-4297-b641-8f27e0d11612/a*b"


@pytest.fixture
def server(tmp_path):
    (tmp_path / "body").write_bytes(b"[1,2]")
    command = [sys.executable, "-m", "bench.baselines.bare_asgi", str(tmp_path / "body")]
    with Contestant(Entry("uvicorn", command, "", lambda _: b"")) as host:
        yield Server("uvicorn", host.host, host.port, host.pid, KEY, "x-sdk-extra: 1\r\n")


def test_a_request_is_one_that_edge_reads(server):
    head = parse_head(server.head('if-none-match: "1"\r\n'))
    assert (head.raw_path, head.keep_alive) == ("/features", True)
    assert head.query.startswith("apiKey=6c376de1-3cb8-4297-b641-8f27e0d11612%2Fa%2Ab&")
    assert (head.header("x-sdk-extra"), head.header("if-none-match")) == ("1", '"1"')


def test_the_server_says_etag_and_body(server):
    etag, body = ask(server)
    assert (len(etag), body) == (35, b"[1,2]")


def test_a_server_without_an_answer_is_refused():
    with pytest.raises(PollRefused, match="nobody: no answer"):
        ask(Server("nobody", "127.0.0.1", 1, None, KEY))


@pytest.mark.parametrize(("workload", "status"), [("200", 200), ("304", 304), ("traced", 304)])
def test_a_trial_asks_for_what_it_is_called(server, workload, status):
    trial = begin_trial(server, workload)
    assert (trial.target.status, trial.target.traced) == (status, workload == "traced")
    with open_poll_clients(PollPlan((trial.target,), 2)) as clients:
        trial.play(clients, 0, 0.05)
        trial.play(clients, 0, 0.05)
    row = trial.row()
    assert row.name == f"uvicorn {workload}"
    assert row.cells["requests/s"] > 0
    assert row.cells["CPU/request"] > 0
    assert 0 < row.cells["50 %"] <= row.cells["99 %"]


def test_what_a_server_uses_that_can_not_be_seen_is_unknown(server):
    unseen = Server("url", server.host, server.port, None, KEY)
    trial = begin_trial(unseen, "200")
    with open_poll_clients(PollPlan((trial.target,), 1)) as clients:
        trial.play(clients, 0, 0.02)
    assert trial.row().cells["CPU/request"] is None
    assert trial.row().cells["server busy"] is None
