import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.histogram import Histogram, joined
from bench.load.percentiles import percentile

latencies = st.lists(st.floats(min_value=1e-6, max_value=1e4), min_size=1, max_size=200)


@given(values=latencies, percent=st.floats(min_value=0.1, max_value=100))
def test_a_percentile_is_right_within_two_per_cent(values, percent):
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    found = histogram.percentile(percent)
    assert found == pytest.approx(percentile(sorted(values), percent), rel=0.011)
    assert histogram.percentile(100) <= histogram.longest == max(values)


def test_nothing_counted_is_no_percentile():
    assert Histogram().percentile(50) is None
    assert Histogram().percentile_ms(50) is None


def test_many_are_told_as_one_and_the_earlier_can_be_taken_away():
    first, second = Histogram(), Histogram()
    first.add(0.5)
    earlier = Histogram(first.counted(), first.longest)
    first.add_between(1_000_000_000, 1_010_000_000)
    first.add_between(1_000_000_000, 1_010_000_000)
    second.add(2.0)
    whole = joined([first, second])
    assert (whole.count, whole.longest) == (4, 2.0)
    later = first.since(earlier)
    assert later.count == 2
    assert later.percentile_ms(50) == pytest.approx(10, rel=0.02)


def test_an_instant_before_its_request_counts_as_none_at_all():
    histogram = Histogram()
    histogram.add_between(5, 4)
    assert histogram.count == 1
