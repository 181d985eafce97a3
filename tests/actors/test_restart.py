"""Backoff and intensity as arithmetic."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.actors.restart import Backoff, History, Intensity, RestartWindow


def test_each_crash_in_a_row_waits_longer_up_to_the_maximum():
    backoff = Backoff(first_seconds=0.1, factor=2.0, maximum_seconds=0.5, jitter=0.0)
    delays = [backoff.delay_seconds(crashes, Random(0)) for crashes in (1, 2, 3, 4, 10_000)]
    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])


@given(crashes=st.integers(min_value=1, max_value=100), seed=st.integers())
def test_jitter_stays_within_its_share(crashes, seed):
    exact = Backoff(jitter=0.0).delay_seconds(crashes, Random(seed))
    spread = Backoff(jitter=0.2).delay_seconds(crashes, Random(seed))
    assert exact * 0.8 <= spread <= exact * 1.2


def test_a_calm_time_begins_a_new_row():
    history = History()
    assert [history.note_end(now, 5.0) for now in (0.0, 1.0, 6.0, 11.5)] == [1, 2, 3, 1]


@given(
    gaps=st.lists(st.floats(min_value=0.0, max_value=10.0)),
    restarts=st.integers(min_value=0, max_value=4),
)
def test_no_window_ever_holds_more_restarts_than_the_intensity_allows(gaps, restarts):
    window = RestartWindow(Intensity(restarts, within_seconds=5.0))
    now, admitted = 0.0, []
    for gap in gaps:
        now += gap
        recent = [at for at in admitted if now - at <= 5.0]
        assert window.admit(now) == (len(recent) < restarts)
        if len(recent) < restarts:
            admitted.append(now)
