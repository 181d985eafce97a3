"""Answers that clients have not taken yet, bounded in bytes over all of them.

Each may be of any size and is a copy of its own, and whoever asks need not read: a few hundred who
ask for a large environment, and wait, would otherwise have all the memory.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

ClientT = TypeVar("ClientT", bound=Hashable)

MOST_BYTES = 512 * 1024 * 1024


class UnreadAnswers(Generic[ClientT]):
    """Knows whose answer waits, those first that have taken nothing for the longest time."""

    def __init__(self, on_too_much: Callable[[ClientT], None], most_bytes: int) -> None:
        """Call `on_too_much` with whom to give up; that has to `forget` it."""
        self._on_too_much = on_too_much
        self._most_bytes = most_bytes
        self._sizes: OrderedDict[ClientT, int] = OrderedDict()
        self._bytes = 0

    def keep(self, client: ClientT, size: int) -> None:
        """Note an answer of which something waits; give others up where they are too much."""
        self._sizes[client] = self._sizes.get(client, 0) + size
        self._bytes += size
        while self._bytes > self._most_bytes and len(self._sizes) > 1:
            self._on_too_much(next(iter(self._sizes)))

    def progressed(self, client: ClientT) -> None:
        """Note that a client, perhaps none of these, took some."""
        if client in self._sizes:
            self._sizes.move_to_end(client)

    def forget(self, client: ClientT) -> None:
        """Forget a client, perhaps none of these, that took all or is gone."""
        self._bytes -= self._sizes.pop(client, 0)
