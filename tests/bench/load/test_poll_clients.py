import sys
from contextlib import contextmanager

import pytest

from bench.baselines.contestant import Contestant, Entry
from bench.load.poll_clients import PollPlan, open_poll_clients
from bench.load.polls import PollRefused, PollTarget

HEAD = b"GET / HTTP/1.1\r\nhost: x\r\nif-none-match: %b\r\n\r\n"
ETAG = b'"0123456789abcdef0123456789abcdef0"'


@contextmanager
def clients(tmp_path, **plan):
    (tmp_path / "body").write_bytes(b"[]")
    command = [sys.executable, "-m", "bench.baselines.bare_asgi", str(tmp_path / "body")]
    with Contestant(Entry("uvicorn", command, "", lambda _: b"")) as server:
        whole = PollTarget("127.0.0.1", server.port, HEAD % b"x", 200)
        held = PollTarget("127.0.0.1", server.port, HEAD % ETAG, 304)
        with open_poll_clients(PollPlan((whole, held), **plan)) as opened:
            yield opened


def test_several_processes_are_added_up_and_targets_take_turns(tmp_path):
    with clients(tmp_path, connections=3, processes=2) as opened:
        for target in (0, 1, 0):
            opened.open(target)
            played = opened.play(0.05)
            assert played.answers == len(played.latencies_seconds) >= 3
            assert list(played.latencies_seconds) == sorted(played.latencies_seconds)
            assert 0 < played.client_share <= 1.1


def test_a_client_that_has_gone_is_told(tmp_path):
    with clients(tmp_path, connections=1) as opened:
        opened._pipes[0].send(None)
        with pytest.raises(PollRefused, match="gone"):
            opened.open(0)


def test_a_client_ends_when_its_life_is_over(tmp_path):
    with (
        clients(tmp_path, connections=1, life_seconds=0.01) as opened,
        pytest.raises(PollRefused, match="too long"),
    ):
        opened.play(60)


def test_a_refusal_is_told_to_the_driver_and_the_clients_go_on(tmp_path):
    with clients(tmp_path, connections=1) as opened:
        opened.open(0)
        wrong = PollTarget("127.0.0.1", 1, HEAD % b"x", 200)
        with (
            open_poll_clients(PollPlan((wrong, wrong), 2, processes=2)) as others,
            pytest.raises(PollRefused, match="connect"),
        ):
            others.open(0)
        assert opened.play(0.01).answers > 0
