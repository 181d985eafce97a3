import sys
from uuid import UUID

import trio

from bench.baselines.contestant import Contestant, Entry
from bench.baselines.frame import ENVIRONMENT_ID, SECRET, frame
from bench.edge_host import OneKey, published
from bench.load.link import LoadPlan, open_load
from bench.load.marker import padded_value, scan
from bench.load.outcomes import BY_STRATEGY, offset_due
from fh.contracts.answers import Denied, Granted
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey

KEY = SdkKey(EnvironmentId(UUID(ENVIRONMENT_ID)), SECRET)


async def test_the_view_holds_what_was_published():
    lookup = OneKey()
    before = lookup.find_key(KEY)
    await lookup.on_delivery(published(padded_value(17, 40).encode()))
    after = lookup.find_key(KEY)
    assert isinstance(before, Granted)
    assert isinstance(after, Granted)
    assert after.etag != before.etag
    assert max(feature.value.version for feature in after.features) == 17
    with trio.fail_after(1):
        assert await lookup.load_key(KEY) is after


def test_any_other_key_is_denied():
    assert OneKey().find_key(SdkKey(KEY.environment_id, "other")) == Denied()


def test_an_order_without_a_marker_publishes_nothing():
    assert published(b"hello\n") is None


def test_half_of_all_get_a_value_as_long_with_a_marker_of_its_own():
    event = published(padded_value(17, 40).encode(), evaluates=True)
    value = event.features[0].feature.value
    [strategy] = value.rollout_strategies
    assert len(strategy.value) == len(value.value)
    assert scan(bytes(strategy.value)) == ([17 + BY_STRATEGY], b"")
    assert (scan(bytes(value.value)), value.version) == (([17], b""), 17)


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
                assert fan_out.by_strategy == sum(offset_due(index) > 0 for index in range(80))
        assert server.complaints() == ""


def test_the_real_edge_delivers_what_it_is_ordered_to():
    entry = Entry(
        "fh",
        [sys.executable, "-m", "bench.edge_host"],
        "event: features",
        lambda number: padded_value(number, 300).encode(),
    )
    with Contestant(entry) as server:
        plan = LoadPlan(server.host, server.port, server.path, server.ready_mark, 80)
        with open_load(plan) as load:
            load.wait_open()
            for number in (1, 2, 3):
                fan_out = load.fan_out(number, lambda: server.publish(number), seconds=10)  # noqa: B023 called at once
                assert (fan_out.missing, fan_out.duplicates, fan_out.ended_streams) == (0, 0, 0)
                assert fan_out.received_bytes == 80 * len(frame(number, 300))
        assert server.complaints() == ""
