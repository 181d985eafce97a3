"""Answers that clients have not taken yet, bounded in bytes over all of them.

Each may be of any size and is a copy of its own, and whoever asks need not read: a few hundred who
ask for a large environment, and wait, would otherwise have all the memory.
"""

from collections import OrderedDict
from collections.abc import Callable

from fh.edge.connection import Connection

MOST_BYTES = 512 * 1024 * 1024


class UnreadAnswers:
    """Knows whose answer waits, those first that have taken nothing for the longest time."""

    def __init__(self, on_too_much: Callable[[Connection], None], most_bytes: int) -> None:
        """Call `on_too_much` with whom to give up; that has to `forget` it."""
        self._on_too_much = on_too_much
        self._most_bytes = most_bytes
        self._sizes: OrderedDict[Connection, int] = OrderedDict()
        self._bytes = 0

    def keep(self, connection: Connection, size: int) -> None:
        """Note an answer of which something waits; give others up where they are too much."""
        self._sizes[connection] = size
        self._bytes += size
        while self._bytes > self._most_bytes and len(self._sizes) > 1:
            self._on_too_much(next(iter(self._sizes)))

    def progressed(self, connection: Connection) -> None:
        """Note that a client, perhaps none of these, took some."""
        if connection in self._sizes:
            self._sizes.move_to_end(connection)

    def forget(self, connection: Connection) -> None:
        """Forget a client, perhaps none of these, that took all or is gone."""
        self._bytes -= self._sizes.pop(connection, 0)
