"""Request heads that come again byte for byte, and what was made of each.

An SDK sends the same head for ever, and so do all of its make. The whole head is the key, so
nothing that a header says can be overlooked; left out are only lines that proxies add to tell
requests apart, where they are well-formed.

A head is remembered when it comes for the second time: whoever invents heads crowds nobody out.
"""

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_LONGEST_HEAD_BYTES = 4096
_BEGIN = b"GET "
_NUMBERING = re.compile(
    rb"\r\n(?:traceparent|tracestate|baggage|b3|x-b3-[a-z]+|x-request-id|x-correlation-id"
    rb"|x-amzn-trace-id|x-cloud-trace-context|cf-ray|x-forwarded-for|x-real-ip)"
    rb":[\t\x20-\x7e]*(?=\r\n)",
    re.IGNORECASE,
)
"""Whole lines of a head, never the first, that decide nothing here."""

_MOST_NUMBERING = 8  # a head with more is read, and counted, like any other
_SLOTS = 4096  # a power of two


@dataclass(slots=True)
class _Known(Generic[T]):
    value: T
    size: int
    was_used: bool = False


class KnownHeads(Generic[T]):
    """Values by request head, bounded in number and in bytes."""

    def __init__(self, *, capacity: int = 10_000, capacity_bytes: int = 32 * 1024 * 1024) -> None:
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._known: dict[bytes, _Known[T]] = {}
        self._bytes = 0
        # Hashes of heads that came lately. Two heads share a slot at times, and one is forgotten.
        self._seen = [0] * _SLOTS

    def find(self, head: bytes) -> T | None:
        """Return what was made of `head`, or None."""
        known = self._known.get(head) or self._known.get(_without_numbering(head))
        if known is None:
            return None
        known.was_used = True
        return known.value

    def came_before(self, head: bytes) -> bool:
        """Return whether `head` came lately, and so is worth remembering; from now on it did."""
        if len(head) > _LONGEST_HEAD_BYTES or not head.startswith(_BEGIN):
            return False
        number = hash(_without_numbering(head))
        slot = number & (_SLOTS - 1)
        if self._seen[slot] == number:
            return True
        self._seen[slot] = number
        return False

    def remember(self, head: bytes, value: T, size: int) -> None:
        """Let `value`, which weighs `size` bytes, be what is made of `head`."""
        head = _without_numbering(head)
        if (known := self._known.pop(head, None)) is not None:
            self._bytes -= known.size
        size += len(head)
        self._known[head] = _Known(value, size)
        self._bytes += size
        while len(self._known) > self._capacity or self._bytes > self._capacity_bytes:
            self._make_room()

    def clear(self) -> None:
        """Forget all of them."""
        self._known.clear()
        self._bytes = 0

    def _make_room(self) -> None:
        """Forget the oldest entry, or let it be the newest once more if it was used meanwhile."""
        head = next(iter(self._known))
        known = self._known.pop(head)
        if known.was_used:
            known.was_used = False
            self._known[head] = known
        else:
            self._bytes -= known.size

    def __len__(self) -> int:
        return len(self._known)


def _without_numbering(head: bytes) -> bytes:
    """Return `head` without what tells it from others that ask the same."""
    if len(head) > _LONGEST_HEAD_BYTES:
        return head
    shorter, removed = _NUMBERING.subn(b"", head)
    return shorter if removed <= _MOST_NUMBERING else head
