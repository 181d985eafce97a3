import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.percentiles import percentile


def test_the_hundredth_percentile_is_the_largest():
    assert percentile([1, 2, 3], 100) == 3


def test_half_of_the_values_do_not_exceed_the_median():
    assert percentile(list(range(1, 101)), 50) == 50
    assert percentile(list(range(1, 101)), 99) == 99


def test_the_only_value_is_every_percentile():
    assert percentile([7.0], 0.1) == percentile([7.0], 100) == 7.0


@given(
    values=st.lists(st.floats(allow_nan=False), min_size=1),
    percent=st.floats(min_value=0, max_value=100, exclude_min=True),
)
def test_enough_values_do_not_exceed_a_percentile(values, percent):
    values.sort()
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100 - 1e-9


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1], 0), ([1], 101)])
def test_what_is_no_percentile_is_refused(values, percent):
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, percent)
