import itertools
import sys

import pytest
import trio

from bench.baselines.contestant import Contestant, Entry
from bench.baselines.frame import ENVIRONMENT_ID, FEATURE_KEY, SECRET
from bench.load.link import LoadFailed
from bench.load.live_counts import Figures
from bench.load.live_link import (
    Held,
    LiveLoadPlan,
    bottleneck,
    busiest_share,
    open_live_load,
    processes_for,
)
from bench.load.marker import padded_value

KEY = f"{ENVIRONMENT_ID}/{SECRET}"

NUMBERS = itertools.count(5)
"""Of what is published: an Edge tells nobody of an older one, whichever test comes first."""


@pytest.fixture(scope="module")
def edge():
    command = [sys.executable, "-m", "bench.edge_host"]
    entry = Entry("fh", command, "", lambda number: padded_value(number, 60).encode())
    with Contestant(entry, start_seconds=60) as running:
        yield running


def plan_for(edge, streams, **changes):
    return LiveLoadPlan(edge.host, edge.port, (KEY,), (FEATURE_KEY,), streams, **changes)


async def test_every_stream_of_every_process_is_told_and_compared(edge):
    number = next(NUMBERS)
    with trio.fail_after(60):
        async with open_live_load(plan_for(edge, 31, processes=2)) as load:
            await load.open()
            before = await load.wait_met()
            assert (before.live, before.behind) == (31, -1)
            await load.aim_at([[number]])
            edge.publish(number)
            after = await load.wait_reached()
            assert after.reached_ns > 0
            assert after.counts.deliveries == 31
            assert sum(held.streams for held in await load.held()) == 31
            assert {held.versions for held in await load.held()} == {(number,)}
            assert load.resident_bytes() > 1_000_000


async def test_streams_that_come_and_go_lose_nothing(edge):
    with trio.fail_after(60):
        async with open_live_load(plan_for(edge, 20)) as load:
            await load.open()
            await load.wait_met()
            await load.churn(500, 0.01)
            for _ in range(24):
                number = next(NUMBERS)
                edge.publish(number)
                await load.figures()
            while (await load.figures()).counts.left < 20:  # noqa: ASYNC110  another process
                await trio.sleep(0.01)
            await load.churn(0)
            await load.aim_at([[number]])
            counts = (await load.wait_reached()).counts
            assert counts.wrong == []
            assert await load.held() == [Held(0, (number,), 20)]


@pytest.mark.parametrize(
    ("changes", "text"),
    [({"host": "192.0.2.1"}, "--allow-remote"), ({"life_seconds": 1e9}, "lasts up to")],
)
async def test_a_process_that_refuses_says_why(changes, text):
    plan = LiveLoadPlan(
        **{
            "host": "127.0.0.1",
            "port": 9,
            "keys": ("a/b",),
            "features": ("x",),
            "streams": 1,
            **changes,
        }
    )
    with trio.fail_after(60), pytest.raises(LoadFailed, match=text):
        async with open_live_load(plan) as load:
            await load.open()


def test_the_load_client_says_when_it_is_the_bottleneck():
    before, after = Figures(processor_seconds=(1.0, 2.0)), Figures(processor_seconds=(1.1, 2.95))
    assert busiest_share(before, after, 1.0) == pytest.approx(0.95)
    assert "95%" in bottleneck(0.95)
    assert bottleneck(0.5) == ""


def test_so_many_processes_are_needed_as_descriptors_ask_for():
    assert processes_for(1) == 1
    assert processes_for(1_000_000) >= 1
