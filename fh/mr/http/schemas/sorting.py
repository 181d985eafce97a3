"""The order that a client asks for, and the page of it."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Protocol, TypeVar

LARGEST_PAGE: Final = 100

_LARGEST_OFFSET: Final = 2**62  # beyond that PostgreSQL takes no number


class SortOrder(StrEnum):
    """Up or down."""

    ASC = "ASC"
    DESC = "DESC"


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_NamedT = TypeVar("_NamedT", bound=_Named)


def sorted_by_name(items: Iterable[_NamedT], order: SortOrder | None) -> list[_NamedT]:
    """Return `items` by name, whatever its case; as they came when no order is asked for."""
    if order is None:
        return list(items)
    return sorted(items, key=lambda item: item.name.lower(), reverse=order is SortOrder.DESC)


def page_size(wanted: int) -> int:
    """Return how many items a page has: what a client wants, within bounds."""
    return min(max(wanted, 1), LARGEST_PAGE)


def page_offset(page: int, size: int) -> int:
    """Return how many items come before a page; there is none before the first."""
    return min(max(page, 0) * size, _LARGEST_OFFSET)
