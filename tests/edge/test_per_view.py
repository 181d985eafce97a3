"""What was made of a view goes with it, and is never taken for another's."""

import gc

from edge_under_test import boolean, granted
from msgspec.structs import replace

from fh.contracts.answers import Granted
from fh.edge.per_view import PerView


def view(version: int = 1) -> Granted:
    return granted([boolean("dark", True, version=version)])


def test_what_was_kept_is_found_by_its_purpose() -> None:
    made: PerView[str] = PerView()
    one, other = view(), view()
    made.keep(one, 1, "first", 5)
    made.keep(one, 2, "second", 6)
    assert (made.find(one, 1), made.find(one, 2), made.find(one, 3)) == ("first", "second", None)
    assert made.find(other, 1) is None


def test_views_that_show_the_same_share_it() -> None:
    made: PerView[str] = PerView()
    one = view()
    made.keep(one, 1, "shared", 6)
    assert made.find(replace(one, roles=frozenset()), 1) == "shared"


def test_it_goes_with_the_view() -> None:
    made: PerView[str] = PerView(capacity_bytes=100)
    for version in range(1_000):
        one = view(version)
        made.keep(one, 1, str(version), 60)
        assert made.find(one, 1) == str(version)
        assert len(made) <= 2
    del one
    assert len(made) == 0
    kept = [view() for _ in range(2)]
    made.keep(kept[0], 1, "a", 50)
    made.keep(kept[1], 1, "b", 50)
    assert len(made) == 2  # nothing that went is counted still


def test_a_view_that_goes_takes_nothing_along_that_was_made_later() -> None:
    made: PerView[str] = PerView()
    first = view()
    second = replace(first)
    made.keep(first, 1, "older", 5)
    made.keep(second, 1, "newer", 5)
    del first
    assert made.find(second, 1) == "newer"


def test_what_was_used_last_stays_within_the_bounds() -> None:
    for bounds in ({"capacity": 2}, {"capacity_bytes": 20}):
        made: PerView[str] = PerView(**bounds)
        views = [view() for _ in range(3)]
        made.keep(views[0], 1, "a", 10)
        made.keep(views[1], 1, "b", 10)
        assert made.find(views[0], 1) == "a"
        made.keep(views[2], 1, "c", 10)
        assert [made.find(each, 1) for each in views] == ["a", None, "c"]


def test_who_was_asked_for_before_is_known() -> None:
    made: PerView[str] = PerView()
    one, other = view(), view()
    assert [made.was_asked(one, 1), made.was_asked(one, 2), made.was_asked(other, 1)] == [False] * 3
    assert [made.was_asked(one, 1), made.was_asked(one, 2), made.was_asked(other, 1)] == [True] * 3


def test_nobody_is_kept_alive_by_a_view() -> None:
    made: PerView[str] = PerView()
    one = view()
    made.keep(one, 1, "a", 1)
    gc.disable()
    try:
        del made
        del one  # The callback finds nobody.
    finally:
        gc.enable()
