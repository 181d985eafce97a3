from bench.load.holdings import Holdings
from bench.load.told import Kind, News


def holdings(streams=4, environments=2, width=2, first_index=0):
    return Holdings(streams, environments=environments, width=width, first_index=first_index)


def listed(*versions, **more):
    return News(Kind.LIST, tuple(enumerate(versions)), **more)


def changed(slot, version, sent_ns=0):
    return News(Kind.CHANGE, ((slot, version),), sent_ns=sent_ns)


def test_streams_take_turns_with_environments():
    held = holdings(first_index=3)
    assert [held.environment(number) for number in range(4)] == [1, 0, 1, 0]


def test_the_newest_version_is_held_and_each_arrival_counted():
    held = holdings()
    held.take(0, listed(1, 1), 10)
    held.take(0, changed(1, 2, sent_ns=5), 15)
    held.take(0, changed(1, 2), 16)
    held.take(0, changed(1, 1), 17)
    assert sorted(held.grouped()) == [(0, (0, 0), 1), (0, (1, 2), 1), (1, (0, 0), 2)]
    counts = held.counts
    assert (counts.deliveries, counts.duplicates, counts.back) == (1, 1, 1)
    assert held.latencies.count == 1


def test_a_list_after_a_return_may_be_newer_but_never_older_nor_shorter():
    held = holdings()
    held.take(0, listed(3, 3), 1)
    held.take(0, listed(4, 3), 2)
    assert (held.counts.caught_up, held.counts.back, held.counts.gone) == (1, 0, 0)
    held.take(0, listed(4, 2), 3)
    held.take(0, listed(4), 4)
    assert (held.counts.caught_up, held.counts.back, held.counts.gone) == (1, 1, 1)
    assert (0, (4, 3), 1) in held.grouped()


def test_a_goal_is_reached_by_the_last_stream():
    held = holdings(streams=2, environments=2, width=1)
    assert held.behind == -1
    held.take(0, listed(1), 5)
    held.aim_at([1, 2])
    assert (held.behind, held.reached_ns) == (1, 0)
    held.take(1, listed(1), 6)
    assert held.behind == 1
    held.take(1, changed(0, 3), 7)
    assert (held.behind, held.reached_ns) == (0, 7)


def test_who_asks_after_the_fact_is_told_when_it_was():
    held = holdings(streams=1, environments=1, width=1)
    held.take(0, listed(2), 5)
    held.take(0, News(Kind.OTHER), 9)
    held.aim_at([2])
    assert (held.behind, held.reached_ns) == (0, 5)


def test_another_client_in_its_place_has_to_learn_everything():
    held = holdings(streams=1, environments=1, width=1)
    held.take(0, listed(2), 5)
    held.aim_at([2])
    held.clear(0)
    assert (held.behind, held.reached_ns) == (1, 0)
    held.take(0, listed(2), 8)
    assert (held.behind, held.reached_ns, held.counts.back) == (0, 8, 0)


def test_what_is_deleted_is_not_held_any_more():
    held = holdings(streams=1, environments=1, width=1)
    held.take(0, listed(2), 5)
    held.take(0, News(Kind.DELETION, ((0, 0),)), 6)
    held.take(0, News(Kind.FAILURE), 6)
    assert held.grouped() == [(0, (0,), 1)]
    assert held.counts.denied == 1
