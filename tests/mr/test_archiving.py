from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fh.mr.archiving import (
    LONGEST_ARCHIVED_NAME_CHARACTERS,
    archived_name,
    archived_names,
    shown_name,
)

_AT = datetime(2024, 6, 18, 14, 38, 56, 427_000, tzinfo=UTC)


def test_the_name_is_followed_by_the_local_time():
    assert archived_name("x", _AT) == r"x:\:\:2024-06-18T14:38:56.427000"


def test_a_long_name_is_cut_but_never_the_time():
    first = archived_name("x" * 300, _AT)
    second = archived_name("x" * 300, _AT + timedelta(microseconds=1))
    assert len(first) == LONGEST_ARCHIVED_NAME_CHARACTERS
    assert first != second


@given(st.text(max_size=200))
def test_the_old_name_comes_back(name):
    assert shown_name(archived_name(name, _AT)) == name


def test_the_mark_alone_makes_no_name_archived():
    name = r"new:\:\:2024"
    assert shown_name(name) == name
    assert shown_name(archived_name(name, _AT)) == name
    assert shown_name(r"old:\:\:2024-06-18T14:38") == "old"


def test_of_long_names_that_begin_alike_none_ends_alike():
    names = archived_names(["x" * 300, "x" * 299, "y"], _AT)
    assert len(set(names)) == 3
    assert archived_names([], _AT) == []
