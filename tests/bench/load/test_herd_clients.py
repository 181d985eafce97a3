import pytest

from bench.load.herd import HerdLost, HerdTarget
from bench.load.herd_clients import ComeBack, HerdPlan, PollUnknownKeys, Settle, open_herd_clients
from bench.load.refused_polls import NotRefused
from tests.bench.load.scripted import scripted
from tests.bench.load.test_herd import answer_whole


def plan(port, **changes):
    target = HerdTarget("127.0.0.1", port, "/features/e/s")
    return HerdPlan(target, **{"streams": 3, "processes": 2, "life_seconds": 60, **changes})


def test_several_processes_obey_together():
    with scripted(answer_whole) as port, open_herd_clients(plan(port)) as clients:
        clients.begin(Settle("tag//0", 10))
        assert clients.reports() == [None, None]
        clients.begin(ComeBack(10))
        came = clients.reports()
        assert sorted(len(each.served_seconds) for each in came) == [1, 2]
        assert not clients.are_done


def test_what_one_of_them_could_not_do_is_told():
    with scripted(answer_whole) as port, open_herd_clients(plan(port)) as clients:
        clients.begin(PollUnknownKeys(("e/unknown",), connections=1, depth=1, seconds=1))
        with pytest.raises(NotRefused, match="200"):
            clients.reports()


def test_processes_end_when_their_life_is_over():
    with (
        scripted(lambda *_: (b"", False)) as port,
        open_herd_clients(plan(port, life_seconds=0.01)) as clients,
        pytest.raises(HerdLost, match="too long"),
    ):
        _settle(clients)


def _settle(clients):
    clients.begin(Settle("", 60))
    clients.reports()
