"""Versions in the order of Maven's, which the server compares them by.

A version is a list of numbers and qualifiers, of which the last item may be such a list again:
a hyphen or a change between digits and letters opens it. It is kept here as the tuple of these
lists, outermost first. Items that say nothing (zeros and releases) are gone from the end of
each list, and count as absent anywhere else.

Source: section 4.4 of the data plane's contract; Maven's version order specification.
"""

import re
from dataclasses import dataclass
from enum import Enum
from itertools import zip_longest
from typing import TypeAlias, TypeVar

Item: TypeAlias = int | str
ItemT = TypeVar("ItemT", bound=Item)
Lists: TypeAlias = tuple[tuple[Item, ...], ...]

# Ranks compare as text; unknown qualifiers come last, in alphabetical order.
_RANKS = {
    qualifier: str(rank)
    for rank, qualifier in enumerate(("alpha", "beta", "milestone", "rc", "snapshot", "", "sp"))
} | {"cr": "3", "ga": "5", "final": "5", "release": "5"}
_RELEASE = _RANKS[""]
_UNKNOWN = "7-"
_BEFORE_DIGITS = {"a": "alpha", "b": "beta", "m": "milestone"}


class _Inner(Enum):
    """The last item of a list that is a list again."""

    LIST = 0


_INNER = _Inner.LIST

_PLAIN = re.compile(r"\d+(?:\.\d+)*", re.ASCII)
_SHORT_DIGITS = 18
_PART = re.compile(r"[0-9]+|[^0-9.\-]+|[.\-]")


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version that can be compared."""

    lists: Lists

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and _compare(self.lists, other.lists) == 0

    def __lt__(self, other: "Version") -> bool:
        return _compare(self.lists, other.lists) < 0

    def __le__(self, other: "Version") -> bool:
        return _compare(self.lists, other.lists) <= 0

    __hash__ = None  # type: ignore[assignment]  # equal versions have many forms


def parse_numbers(text: str) -> tuple[int, ...] | None:
    """Return a version of nothing but numbers, `None` for any other; such tuples order as versions.

    They are nearly all versions there are, and compare in a tenth of the time.
    """
    if not _PLAIN.fullmatch(text):
        return None
    parts = text.split(".")
    numbers = tuple(map(int if len(text) <= _SHORT_DIGITS else _number, parts))
    return numbers if numbers[-1] else _trimmed(list(numbers))


def parse_version(text: str) -> Version:
    """Return the version that `text` is; there is none that it could not be."""
    if (numbers := parse_numbers(text)) is not None:
        return Version((numbers,))
    lists = _read(text.lower())
    trimmed = [_trimmed(items) for items in lists]
    while len(trimmed) > 1 and not trimmed[-1]:
        trimmed.pop()
    return Version(tuple(trimmed))


def _read(text: str) -> list[list[Item]]:
    lists: list[list[Item]] = [[]]
    parts = _PART.findall(text)
    after_separator = True
    for part, following in zip_longest(parts, parts[1:], fillvalue=""):
        if part in (".", "-"):
            if after_separator:
                lists[-1].append(0)
            if part == "-":
                lists.append([])
            after_separator = True
            continue
        if not after_separator:  # digits after letters or letters after digits
            lists.append([])
        lists[-1].append(_item(part, before_digits=following[:1].isdecimal()))
        after_separator = False
    return lists


def _item(part: str, *, before_digits: bool) -> Item:
    if part[0] in "0123456789":
        return _number(part)
    if before_digits:
        part = _BEFORE_DIGITS.get(part, part)
    return _RANKS.get(part) or _UNKNOWN + part


def _number(digits: str) -> int:
    digits = digits.lstrip("0")
    if len(digits) <= _SHORT_DIGITS:
        return int(digits or "0")
    # The bytes of the digits order as the digits do, above all short ones, in linear time; int()
    # is quadratic and refuses thousands of them.
    return int.from_bytes(digits.encode())


def _trimmed(items: list[ItemT]) -> tuple[ItemT, ...]:
    while items and items[-1] in (0, _RELEASE):
        items.pop()
    return tuple(items)


def _compare(left: Lists, right: Lists) -> int:
    """Return less than, equal to or greater than 0, list by list from the outside."""
    depth = 0
    while True:
        ours, theirs = _items(left, depth), _items(right, depth)
        for mine, other in zip_longest(ours, theirs):
            if mine is _INNER and other is _INNER:
                break  # both lists end here, and go on in the next
            if mine is None:
                assert other is not None  # the longer of the two
                order = -_order_to_nothing(other, right, depth)
            elif other is None:
                order = _order_to_nothing(mine, left, depth)
            else:
                order = _order(mine, other)
            if order:
                return order
        else:
            return 0
        depth += 1


def _items(lists: Lists, depth: int) -> tuple[Item | _Inner, ...]:
    items = lists[depth]
    return (*items, _INNER) if depth + 1 < len(lists) else items


def _order(mine: Item | _Inner, other: Item | _Inner) -> int:
    if isinstance(mine, int) and isinstance(other, int):
        return (mine > other) - (mine < other)
    if isinstance(mine, str) and isinstance(other, str):
        return (mine > other) - (mine < other)
    return _place(mine) - _place(other)


def _place(item: Item | _Inner) -> int:
    """Return where a kind of item stands: qualifiers before lists before numbers."""
    if isinstance(item, str):
        return 0
    return 1 if item is _INNER else 2


def _order_to_nothing(item: Item | _Inner, lists: Lists, depth: int) -> int:
    """Return the order of an item to the place where the other version has ended."""
    if isinstance(item, int):
        return int(item > 0)
    if isinstance(item, str):
        return (item > _RELEASE) - (item < _RELEASE)
    # A list decides by the first of its items that does, those of the lists in it included.
    inner = (each for items in lists[depth + 1 :] for each in items)
    return next(filter(None, (_order_to_nothing(each, lists, depth) for each in inner)), 0)
