"""A table: written by one actor, read by everybody at the speed of a dict.

It is no part of its writer's life, so that readers keep the last good values while the writer
restarts. The values are immutable by agreement: the writer replaces them.
"""

from collections.abc import ItemsView, Iterator, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Table(Generic[K, V]):
    """Key → newest immutable value. The owner writes; hand `reader()` to everybody else."""

    __slots__ = ("_entries", "get")

    def __init__(self) -> None:
        self._entries: dict[K, V] = {}
        # The dict's own method: a read through a Python-level wrapper takes twice as long.
        self.get = self._entries.get

    def __getitem__(self, key: K) -> V:
        return self._entries[key]

    def __setitem__(self, key: K, value: V) -> None:
        self._entries[key] = value

    def __delitem__(self, key: K) -> None:
        del self._entries[key]

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[K]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def items(self) -> ItemsView[K, V]:
        """Return a live view of keys and values."""
        return self._entries.items()

    def reader(self) -> Mapping[K, V]:
        """Return a live view without the means to write."""
        return MappingProxyType(self._entries)
