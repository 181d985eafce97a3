import sys

import pytest

from bench.baselines.contestant import Contestant, Entry
from bench.baselines.frame import frame
from bench.load.link import FanOut, LoadFailed, LoadPlan, open_load


@pytest.fixture
def broadcaster():
    command = [sys.executable, "-m", "bench.baselines.broadcaster"]
    with Contestant(Entry("python", command, "\r\n\r\n", lambda number: frame(number, 400))) as it:
        yield it


def plan_for(server, streams, **changes):
    return LoadPlan(server.host, server.port, server.path, server.ready_mark, streams, **changes)


@pytest.mark.parametrize("processes", [1, 2])
def test_no_delivery_is_lost_in_a_small_real_run(broadcaster, processes):
    with open_load(plan_for(broadcaster, 51, processes=processes)) as load:
        load.wait_open()
        assert load.connects_per_second > 0
        for number in (1, 2, 3):
            fan_out = load.fan_out(number, lambda: broadcaster.publish(number), seconds=10)  # noqa: B023 called at once
            assert len(fan_out.latencies_seconds) == 51
            assert (fan_out.missing, fan_out.duplicates, fan_out.ended_streams) == (0, 0, 0)
            assert fan_out.received_bytes == 51 * len(frame(number, 400))
            assert 0 < fan_out.latencies_seconds[0] <= fan_out.latencies_seconds[-1] < 10
            assert fan_out.client_share > 0


def test_an_event_that_is_not_published_is_missing_everywhere(broadcaster):
    with open_load(plan_for(broadcaster, 2)) as load:
        load.wait_open()
        assert load.fan_out(1, lambda: 0, seconds=0.01).missing == 2


@pytest.mark.parametrize(
    ("host", "allowed", "text"),
    [("192.0.2.1", False, "--allow-remote"), ("no-such-host.invalid", True, "no address")],
)
def test_the_client_process_refuses_what_is_not_its_own_machine(host, allowed, text):
    plan = LoadPlan(host, 80, "/", "x", 1, allow_remote=allowed)
    with open_load(plan) as load, pytest.raises(LoadFailed, match=text):
        load.wait_open()


def test_the_client_process_ends_at_the_end_of_its_time(broadcaster):
    plan = plan_for(broadcaster, 1, life_seconds=0.8)
    with open_load(plan) as load:
        load.wait_open()
        with pytest.raises(LoadFailed, match="end of its time"):
            load.fan_out(1, lambda: 0, seconds=60)


def test_a_fan_out_without_receipts_had_no_busy_client():
    assert FanOut((), 1, 0, 0, 0, 0.5).client_share == 0
