import sys

import pytest
import trio

from bench.baselines.contestant import Contestant, Entry
from bench.baselines.frame import CLIENT_PATHS, frame
from bench.edge_host import bench_dacha, warm_up
from bench.edge_truth import keys, published
from bench.load.link import LoadPlan, open_load
from bench.load.marker import padded_value
from bench.load.outcomes import offset_due
from fh.contracts.answers import Denied, Granted
from fh.model.sdk_key import SdkKey


async def test_dacha_holds_what_was_published(nursery):
    first, second = keys(2)
    dacha = bench_dacha(2, 50)
    await nursery.start(dacha.run)
    await warm_up(dacha, [first, second])
    before = dacha.lookup.find_key(first)
    event = published(padded_value(17, 40).encode(), place=0)
    await dacha.on_delivery(event)
    with trio.fail_after(1):
        after = await dacha.lookup.load_key(first)
    assert isinstance(before, Granted)
    assert isinstance(after, Granted)
    assert after.etag != before.etag
    assert len(after.features) == 50
    assert max(feature.value.version for feature in after.features) == 17
    other = dacha.lookup.find_key(second)
    assert isinstance(other, Granted)
    assert other.etag == before.etag
    with trio.fail_after(1):
        assert await dacha.lookup.load_key(SdkKey(first.environment_id, "other")) == Denied()


def test_the_real_edge_evaluates_for_each_stream():
    entry = Entry(
        "fh server",
        [sys.executable, "-m", "bench.edge_host", "--strategy"],
        "event: features",
        lambda number: padded_value(number, 300).encode(),
        user_keys=True,
    )
    with Contestant(entry) as server:
        plan = LoadPlan(
            server.host, server.port, server.path, server.ready_mark, 80, user_keys=True
        )
        with open_load(plan) as load:
            load.wait_open()
            for number in (1, 2, 3):
                fan_out = load.fan_out(number, lambda: server.publish(number), seconds=10)  # noqa: B023 called at once
                assert (fan_out.missing, fan_out.duplicates, fan_out.ended_streams) == (0, 0, 0)
                assert fan_out.wrong_outcomes == 0
                assert fan_out.by_strategy == sum(
                    offset_due(index, user_keys=True) > 0 for index in range(80)
                )
        assert server.complaints() == ""


@pytest.mark.parametrize(
    ("environments", "prepares", "workers"), [(1, False, 0), (3, False, 0), (3, True, 2)]
)
def test_the_real_edge_delivers_what_it_is_ordered_to(environments, prepares, workers):
    command = [sys.executable, "-m", "bench.edge_host", "--environments", str(environments)]
    entry = Entry(
        "fh",
        [*command, "--workers", str(workers)],
        "event: features",
        lambda number: padded_value(number, 300).encode(),
        path=CLIENT_PATHS,
        prepares=prepares,
    )
    with Contestant(entry) as server:
        plan = LoadPlan(
            server.host,
            server.port,
            server.path,
            server.ready_mark,
            80,
            environments=environments,
        )
        with open_load(plan) as load:
            load.wait_open()
            for number in (1, 2, 3):
                server.prepare(number)
                fan_out = load.fan_out(number, lambda: server.publish(number), seconds=10)  # noqa: B023 called at once
                assert (fan_out.missing, fan_out.duplicates, fan_out.ended_streams) == (0, 0, 0)
                assert fan_out.wrong_outcomes == 0
                assert fan_out.received_bytes == 80 * len(frame(number, 300))
        assert server.complaints() == ""
