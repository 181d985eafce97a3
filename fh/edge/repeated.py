"""Polls that come again byte for byte, answered without reading them again.

An SDK sends the same head for ever. The whole head is the key here, so nothing that a header says
can be overlooked, and no key is ever answered with what another may see; left out are only lines
that proxies add to tell requests apart, where they are well-formed. What an answer depends on
besides is what Dacha says of the keys: it is used again as long as Dacha returns the very same
views, which are looked up each time.

A head is remembered when it comes for the second time: whoever invents heads crowds nobody out.
"""

import re
import time
import weakref
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from fh.contracts.answers import KeyAnswer, KeyLookup
from fh.edge.response import EncodedAnswer
from fh.model.sdk_key import SdkKey

log = structlog.get_logger()

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
class _Known:
    views: tuple[tuple[SdkKey, "weakref.ref[KeyAnswer]"], ...]
    answer: EncodedAnswer
    size: int
    was_used: bool = False


class RepeatedPolls:
    """Answers by request head, bounded in number and in bytes."""

    def __init__(
        self,
        lookup: KeyLookup,
        *,
        capacity: int = 10_000,
        capacity_bytes: int = 32 * 1024 * 1024,
    ) -> None:
        self._find_key = lookup.find_key
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._known: dict[bytes, _Known] = {}
        self._bytes = 0
        # Hashes of heads that came lately. Two heads share a slot at times, and one is forgotten.
        self._seen = [0] * _SLOTS

    def answer(self, head: bytes) -> bytes | None:
        """Return the answer to a request, or None: then it has to be read."""
        known = self._known.get(head) or self._known.get(_without_numbering(head))
        if known is None:
            return None
        try:
            for key, view in known.views:
                found = self._find_key(key)
                if found is None or found is not view():
                    return None
        except Exception:
            # It must not end everybody's streams; the long way meets it, too, and answers for it.
            log.exception("repeated_poll_failed")
            return None
        known.was_used = True
        return known.answer.on(time.time())

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

    def remember(
        self, head: bytes, views: Iterable[tuple[SdkKey, KeyAnswer]], answer: EncodedAnswer
    ) -> None:
        """Give `answer` to whoever sends `head` for as long as Dacha returns these `views`."""
        head = _without_numbering(head)
        self._forget(head)
        size = len(head) + len(answer.before) + len(answer.after)
        # A view that is not current any more is not kept alive for this.
        refs = tuple((key, weakref.ref(view)) for key, view in views)
        self._known[head] = _Known(refs, answer, size)
        self._bytes += size
        while len(self._known) > self._capacity or self._bytes > self._capacity_bytes:
            self._make_room()

    def _make_room(self) -> None:
        """Forget the oldest entry, or let it be the newest once more if it was used meanwhile."""
        head = next(iter(self._known))
        known = self._known.pop(head)
        if known.was_used:
            known.was_used = False
            self._known[head] = known
        else:
            self._bytes -= known.size

    def _forget(self, head: bytes) -> None:
        if (known := self._known.pop(head, None)) is not None:
            self._bytes -= known.size

    def __len__(self) -> int:
        return len(self._known)


def _without_numbering(head: bytes) -> bytes:
    """Return `head` without what tells it from others that ask the same."""
    if len(head) > _LONGEST_HEAD_BYTES:
        return head
    shorter, removed = _NUMBERING.subn(b"", head)
    return shorter if removed <= _MOST_NUMBERING else head
