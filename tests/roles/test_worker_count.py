import pytest
from hypothesis import given
from hypothesis import strategies as st

from fh.roles.worker_count import MOST_WORKERS, ONE_A_CORE, choose_workers


@pytest.mark.parametrize(
    ("asked", "streams", "count"),
    [
        (0, 0, 0),
        (5, 0, 5),
        (ONE_A_CORE, 0, 2),
        # They fit: no more than was asked for.
        (0, 19_800, 0),
        (ONE_A_CORE, 30_000, 2),
        # They don't, be it in one process or in two.
        (0, 19_801, 2),
        (ONE_A_CORE, 50_000, 3),
        (1, 50_000, 3),
        (ONE_A_CORE, 1_000_000, 52),
    ],
)
def test_there_are_as_many_as_asked_for_or_as_streams_need(
    asked: int, streams: int, count: int
) -> None:
    assert choose_workers(asked, streams, cores=2, room=19_800).count == count


@given(st.integers(-1, 64), st.integers(0, 3_000_000), st.integers(1, 64))
def test_the_streams_fit_though_the_system_deals_them_out_unevenly(
    asked: int, streams: int, cores: int
) -> None:
    chosen = choose_workers(asked, streams, cores=cores, room=19_800)
    assert chosen.count >= max(asked, 0)
    if streams and chosen.count <= MOST_WORKERS:
        assert chosen.streams_each <= 19_800
        assert chosen.streams_each * max(chosen.count, 1) >= streams
    elif not streams:
        assert chosen.streams_each == 0


def test_the_reason_tells_what_decided() -> None:
    assert choose_workers(3, 0, cores=2, room=100).reason == "as asked for"
    assert choose_workers(ONE_A_CORE, 0, cores=2, room=100).reason == "one a core"
    assert choose_workers(3, 1_000, cores=2, room=100).reason == (
        "1000 streams, and descriptors for 100 in a process"
    )
