"""Deadlines in one-second buckets: one timer for any number of items."""

from collections.abc import Collection, Iterator
from math import ceil
from typing import Generic, TypeVar

T = TypeVar("T")


class Wheel(Generic[T]):
    """Items by the second in which they are due."""

    __slots__ = ("_buckets", "_turned_to")

    def __init__(self, now: float) -> None:
        self._buckets: dict[int, set[T]] = {}
        self._turned_to = int(now)

    def put(self, item: T, at: float) -> int:
        """Let `item` be due at `at`; return the bucket, which `remove` needs."""
        bucket = max(ceil(at), self._turned_to + 1)
        self._buckets.setdefault(bucket, set()).add(item)
        return bucket

    def put_all(self, items: Collection[T], at: float) -> int:
        """Let all `items`, which are in no bucket, be due at `at`; return the bucket."""
        bucket = max(ceil(at), self._turned_to + 1)
        if items:
            self._buckets.setdefault(bucket, set()).update(items)
        return bucket

    def remove(self, item: T, bucket: int) -> None:
        """Forget `item`, if it is still in `bucket`."""
        if items := self._buckets.get(bucket):
            items.discard(item)
            if not items:
                del self._buckets[bucket]

    def due(self, now: float) -> Iterator[T]:
        """Turn the wheel to `now` and yield what became due, taking it out."""
        turned_from, self._turned_to = self._turned_to, int(now)
        if self._turned_to - turned_from > len(self._buckets):
            passed = sorted(bucket for bucket in self._buckets if bucket <= self._turned_to)
        else:
            passed = list(range(turned_from + 1, self._turned_to + 1))
        for bucket in passed:
            yield from self._buckets.pop(bucket, ())
