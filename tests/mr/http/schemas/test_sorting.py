from dataclasses import dataclass

from fh.mr.http.schemas.sorting import SortOrder, sorted_by_name


@dataclass
class Thing:
    name: str


THINGS = [Thing("b"), Thing("A"), Thing("C")]


def names(order):
    return [thing.name for thing in sorted_by_name(THINGS, order)]


def test_case_does_not_matter_and_no_order_is_kept_as_it_is():
    assert names(SortOrder.ASC) == ["A", "b", "C"]
    assert names(SortOrder.DESC) == ["C", "b", "A"]
    assert names(None) == ["b", "A", "C"]
