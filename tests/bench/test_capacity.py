from dataclasses import replace

import pytest

from bench.capacity import Costs, Limit, Node, TooSmall, Wish, costs_in, needed
from bench.result import NoResult, Row
from tests.bench.results import a_result

MILLION = Wish(1_000_000, environments=1_000, changes_per_second=10, stream_life_seconds=50)
COSTS = Costs(
    subscribe_us=100,
    delivery_us=10,
    publish_us=50,
    user_bytes=500,
    kernel_bytes=5_500,
    environment_bytes=1_000,
)
NODE = Node(cores=8, memory_bytes=16 << 30, utilisation=0.5, most_connections=10_000_000)


def test_a_million_by_hand():
    need = needed(MILLION, COSTS, NODE)
    # 20,000 subscribes of 100 µs, 10,000 deliveries of 10 µs: 2.1 cores of the 4 that may be.
    assert need.nodes == 2
    assert need.cores == pytest.approx(2.0 + 0.1 + 2 * 10 * 50e-6)
    own_bytes = 8 * (64 << 20) + 1_000 * 1_000
    assert need.memory_bytes == pytest.approx(1e6 * 6_000 + 2 * own_bytes)
    assert need.network_bits_per_second == 8 * (10_000 * 566 + 20_000 * 8_000)
    assert (need.bus_in_per_second, need.bus_out_per_second) == (10, 20)
    assert need.whole_fan_out_seconds == pytest.approx(50e-6 + 1e6 / 2 / 8 * 10e-6)


@pytest.mark.parametrize(
    ("changed", "limit", "nodes"),
    [
        ({"cores": 1}, Limit.CORES, 6),
        ({"memory_bytes": 2 << 30}, Limit.MEMORY, 13),
        ({"most_connections": 100_000}, Limit.CONNECTIONS, 11),
    ],
)
def test_what_is_scarce_sets_the_number_of_nodes(changed, limit, nodes):
    need = needed(MILLION, COSTS, replace(NODE, **changed))
    assert (need.limit, need.nodes) == (limit, nodes)


def test_ten_times_as_many_need_about_ten_times_as_much():
    one, ten = (needed(replace(MILLION, connections=n * 10_000_000), COSTS, NODE) for n in (1, 10))
    assert (ten.nodes - 1) / (one.nodes - 1) == pytest.approx(10, rel=0.1)
    assert ten.cores / one.cores == pytest.approx(10, rel=0.1)


def test_streams_that_live_twice_as_long_need_half_the_subscribes():
    longer = replace(MILLION, stream_life_seconds=100)
    assert longer.subscribes_per_second == MILLION.subscribes_per_second / 2
    assert needed(longer, COSTS, NODE).cores < needed(MILLION, COSTS, NODE).cores


@pytest.mark.parametrize(
    ("wish", "node", "reason"),
    [
        ({"changes_per_second": 100_000}, {}, "more cores a node"),
        ({"environments": 10_000_000}, {}, "more memory a node"),
        ({}, {"memory_bytes": 1 << 20}, "more memory a node"),
    ],
)
def test_a_node_that_is_full_without_a_stream_is_refused(wish, node, reason):
    with pytest.raises(TooSmall, match=reason):
        needed(replace(MILLION, **wish), COSTS, replace(NODE, **node))


def test_measured_costs_take_the_place_of_known_ones():
    cells = {"delivery µs": 5.5, "kernel B": 9_000.0, "subscribe µs": None}
    measured = costs_in(a_result(rows=(Row("fh", cells), Row("c", {"user B": 1.0}))), COSTS)
    assert measured == replace(COSTS, delivery_us=5.5, kernel_bytes=4_500)
    each = a_result(rows=(Row("fh, K = N", {"environment B": 1_500.0}),))
    assert costs_in(each, COSTS) == replace(COSTS, environment_bytes=1_500)


def test_a_result_without_costs_is_no_profile():
    with pytest.raises(NoResult, match="plan needs"):
        costs_in(a_result(rows=(Row("c", {"user B": 1.0}),)), COSTS)
