"""Durations between bounds."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fh.edge.histogram import BOUNDS, Durations, Histogram

seconds = st.lists(st.floats(-1, 30))


def observed(values: list[float]) -> Durations:
    histogram = Histogram()
    for value in values:
        histogram.observe(value)
    return histogram.durations()


def test_a_duration_counts_at_every_bound_that_it_keeps() -> None:
    buckets = dict(observed([0.001, 0.3, 11]).buckets())
    assert (buckets["0.001"], buckets["0.25"], buckets["0.5"]) == (1, 1, 2)
    assert (buckets["10.0"], buckets["+Inf"]) == (2, 3)


def test_what_clocks_that_differ_make_less_than_nothing_is_nothing() -> None:
    assert observed([-3.0]) == observed([0.0])


@given(seconds)
def test_buckets_never_fall_and_the_last_has_everything(values: list[float]) -> None:
    buckets = observed(values).buckets()
    assert [bound for bound, _ in buckets] == [*map(str, BOUNDS), "+Inf"]
    assert all(count <= following for (_, count), (_, following) in pairwise(buckets))
    assert buckets[-1][1] == len(values)


@given(seconds, seconds)
def test_two_together_are_as_one(some: list[float], others: list[float]) -> None:
    assert (observed(some) + observed(others)).counts == observed(some + others).counts
