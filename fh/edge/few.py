"""A mapping that mostly has one entry: an environment has mostly one key, and a key one audience.

A dict of one entry weighs 232 bytes, and there may be tens of thousands of them.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Few(Generic[K, V]):
    """Key → value, in the order in which they were put."""

    __slots__ = ("_key", "_many", "_value")

    def __init__(self) -> None:
        self._key: K | None = None
        self._value: V | None = None  # None: there is no entry, or there are many
        self._many: dict[K, V] | None = None

    def __len__(self) -> int:
        return (self._value is not None) if self._many is None else len(self._many)

    def get(self, key: K) -> V | None:
        """Return the value of `key`, or None."""
        if self._many is not None:
            return self._many.get(key)
        return self._value if self._value is not None and self._key == key else None

    def put(self, key: K, value: V) -> None:
        """Let `value`, which is not None, be that of `key`."""
        if self._many is not None:
            self._many[key] = value
        elif self._value is None or self._key == key:
            self._key, self._value = key, value
        else:
            assert self._key is not None
            self._many = {self._key: self._value, key: value}
            self._key = self._value = None

    def pop(self, key: K) -> None:
        """Forget `key`, if it is there."""
        if self._many is not None:
            self._many.pop(key, None)
        elif self._key == key:
            self._key = self._value = None

    def values(self) -> Iterator[V]:
        """Yield the values; meanwhile none may be put or popped."""
        if self._many is not None:
            yield from self._many.values()
        elif self._value is not None:
            yield self._value
