"""The order that a client asks for."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol, TypeVar


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
