"""Polls that come again byte for byte, answered without reading them again.

No key is ever answered with what another may see, for the whole head is the key. What an answer
depends on besides is what Dacha says of the SDK keys: it is used again as long as Dacha returns
the very same views, which are looked up each time.
"""

import time
import weakref
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from fh.contracts.answers import KeyAnswer, KeyLookup
from fh.edge.heads import KnownHeads
from fh.edge.response import EncodedAnswer
from fh.model.sdk_key import SdkKey

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Given:
    views: tuple[tuple[SdkKey, "weakref.ref[KeyAnswer]"], ...]
    answer: EncodedAnswer


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
        self._given = KnownHeads[_Given](capacity=capacity, capacity_bytes=capacity_bytes)
        self.came_before = self._given.came_before

    def answer(self, head: bytes) -> bytes | None:
        """Return the answer to a request, or None: then it has to be read."""
        given = self._given.find(head)
        if given is None:
            return None
        try:
            for key, view in given.views:
                found = self._find_key(key)
                if found is None or found is not view():
                    return None
        except Exception:
            # It must not end everybody's streams; the long way meets it, too, and answers for it.
            log.exception("repeated_poll_failed")
            return None
        return given.answer.on(time.time())

    def remember(
        self, head: bytes, views: Iterable[tuple[SdkKey, KeyAnswer]], answer: EncodedAnswer
    ) -> None:
        """Give `answer` to whoever sends `head` for as long as Dacha returns these `views`."""
        # A view that is not current any more is not kept alive for this.
        refs = tuple((key, weakref.ref(view)) for key, view in views)
        self._given.remember(head, _Given(refs, answer), len(answer.before) + len(answer.after))

    def clear(self) -> None:
        """Forget every answer: what they depend on besides the views is not what it was."""
        self._given.clear()

    def __len__(self) -> int:
        return len(self._given)
