"""A dictionary that keeps what was used last."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most `capacity` entries; the one that was used longest ago makes room."""

    __slots__ = ("_capacity", "_entries")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[K, V] = OrderedDict()

    def use(self, key: K) -> V | None:
        """Return the entry of `key`, now the most recently used one."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def find(self, key: K) -> V | None:
        """Return the entry of `key` without using it."""
        return self._entries.get(key)

    def keep(self, key: K, value: V) -> V | None:
        """Keep `value` as the most recently used entry; return the entry that had to go."""
        before = len(self._entries)
        self._entries[key] = value
        if len(self._entries) == before:
            self._entries.move_to_end(key)
            return None
        if before < self._capacity:
            return None
        return self._entries.popitem(last=False)[1]

    def pop(self, key: K) -> V | None:
        """Remove and return the entry of `key`."""
        return self._entries.pop(key, None)

    def newest_first(self) -> Iterator[K]:
        """Iterate over the keys, the most recently used one first."""
        return reversed(self._entries)

    def values_newest_first(self) -> Iterator[V]:
        """Iterate over the entries, the most recently used one first."""
        return reversed(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)
