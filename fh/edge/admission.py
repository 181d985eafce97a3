"""Which streams are being sent their first features, and which wait for their turn.

After a restart everybody comes back at once, and everybody is owed a whole environment. What the
kernel has not taken of it costs memory for each client that is being served, so only so many are
served at a time, and those that wait are next to nothing: nothing is encoded for them, and they are
sent what is newest when their turn comes, in the order in which they came.

Those begun go first: a turn is given only when another is done. A client that takes nothing for a
while loses its turn to the next, but not what it is being sent. Of those there may be some, too;
beyond that, the one that stood still longest is given up.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import trio

from fh.edge.connection import Connection
from fh.edge.settings import EdgeSettings
from fh.edge.writer import Eviction

_TURNS_AT_ONCE: Final = 64
_LOOK_SECONDS: Final = 0.25
_STALLED_SECONDS: Final = 0.5
_STALLED_FOR_EACH: Final = 3
"""So many may stand still for each that is served at a time."""

_FULL_SHARE: Final = 0.75
"""When the first has waited for so much of the longest wait, nobody more is let in: who comes now
would most likely wait for all of it."""


class Waiter(Protocol):
    """Who had a stream wait for its turn."""

    def turn_came(self, connection: Connection) -> None:
        """Hear that `connection` may be sent its first features now."""

    def left(self, connection: Connection) -> None:
        """Hear that `connection` waits no longer: it is gone, or at its end."""


class _Delivery:
    """First features on their way; `begun_at` is when they began to leave."""

    __slots__ = ("begun_at", "payload")

    def __init__(self, payload: bytes, begun_at: float) -> None:
        self.payload = payload
        self.begun_at = begun_at


class Admission:
    """The first deliveries of an engine: bounded at a time, in number and in bytes.

    `progressed_at` says when a connection took bytes last, if it is known to have any waiting;
    `on_stalled` is called with who stood still longest, when it is too many, `on_late` with who
    waited too long.

    Attributes:
        begun: How many deliveries were begun.
    """

    def __init__(
        self,
        settings: EdgeSettings,
        *,
        progressed_at: Callable[[Connection], float | None],
        on_stalled: Callable[[Connection, Eviction], None],
        on_late: Callable[[Connection], None],
    ) -> None:
        self._settings = settings
        self._progressed_at = progressed_at
        self._on_stalled = on_stalled
        self._on_late = on_late
        self._waiting: OrderedDict[Connection, tuple[Waiter, float]] = OrderedDict()
        self._under_way: dict[Connection, _Delivery] = {}
        self._stalled: dict[Connection, _Delivery] = {}
        self._held: dict[int, int] = {}  # how many hold a payload, by its identity
        self._held_bytes = 0
        self._wake = trio.Event()
        self.begun = 0

    @property
    def waiting(self) -> int:
        """How many streams wait for their turn."""
        return len(self._waiting)

    @property
    def under_way(self) -> int:
        """How many streams have not taken all of their first features yet."""
        return len(self._under_way) + len(self._stalled)

    def counts(self) -> dict[str, int]:
        """Return how many there are, by their names in the engine's statistics."""
        return {"waiting": self.waiting, "delivering": self.under_way, "delivered": self.begun}

    @property
    def held_bytes(self) -> int:
        """The bytes that they hold together, what many hold counted once."""
        return self._held_bytes

    @property
    def is_full(self) -> bool:
        """Whether nobody more should begin to wait."""
        return (
            len(self._waiting) >= self._settings.first_waiting
            or self.longest_wait_seconds >= _FULL_SHARE * self._settings.first_wait_seconds
        )

    @property
    def longest_wait_seconds(self) -> float:
        """How long the first in the queue has waited."""
        for _, came_at in self._waiting.values():
            return trio.current_time() - came_at
        return 0.0

    def has(self, connection: Connection) -> bool:
        """Return whether `connection` waits for its first features, or for the rest of them."""
        return (
            connection in self._waiting
            or connection in self._under_way
            or connection in self._stalled
        )

    def enter(self, connection: Connection, waiter: Waiter) -> bool:
        """Return whether `connection` may be sent its features now; if not, `waiter` will hear."""
        if not self._waiting and self._has_room:
            return True
        if not self._waiting:
            self._wake.set()
        self._waiting[connection] = (waiter, trio.current_time())
        return False

    def begin(self, connection: Connection, payload: bytes) -> None:
        """Note that `connection` is being sent `payload`."""
        self.begun += 1
        self._under_way[connection] = _Delivery(payload, trio.current_time())
        identity = id(payload)
        held = self._held.get(identity, 0)
        self._held[identity] = held + 1
        if not held:
            self._held_bytes += len(payload)

    def finish(self, connection: Connection) -> None:
        """Note that `connection` has taken all, or never will; one not known is ignored."""
        delivery = self._under_way.pop(connection, None) or self._stalled.pop(connection, None)
        if delivery is None:
            return
        identity = id(delivery.payload)
        self._held[identity] -= 1
        if not self._held[identity]:
            del self._held[identity]
            self._held_bytes -= len(delivery.payload)
        if self._waiting:
            self._wake.set()

    def leave(self, connection: Connection) -> None:
        """Let `connection` wait for its turn no longer."""
        if (entry := self._waiting.pop(connection, None)) is not None:
            entry[0].left(connection)

    async def run(self) -> None:
        """Give turns until cancelled."""
        while True:
            await self._wake.wait()
            self._wake = trio.Event()
            while self._waiting:
                self._look(trio.current_time())
                await self._give_turns()
                # Nobody waits in vain for those that stand still.
                with trio.move_on_after(_LOOK_SECONDS):
                    await self._wake.wait()
                self._wake = trio.Event()

    @property
    def _has_room(self) -> bool:
        return len(self._under_way) < self._settings.first_at_once and not self._is_heavy

    @property
    def _is_heavy(self) -> bool:
        # One payload may be of any size: it is shared with everybody else.
        return len(self._held) > 1 and self._held_bytes >= self._settings.first_bytes

    async def _give_turns(self) -> None:
        turns = 0
        while self._waiting and self._has_room:
            connection, (waiter, _) = self._waiting.popitem(last=False)
            waiter.turn_came(connection)
            turns += 1
            if turns % _TURNS_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()

    def _look(self, now: float) -> None:
        """Set aside who stands still, and part with who did so or waited too long."""
        for connection in tuple(self._under_way):
            if self._last_at(connection, self._under_way) + _STALLED_SECONDS <= now:
                self._stalled[connection] = self._under_way.pop(connection)
        self._part_with_stalled()
        until = now - self._settings.first_wait_seconds
        while self._waiting:
            connection, (_, came_at) = next(iter(self._waiting.items()))
            if came_at > until:
                break
            self.leave(connection)
            self._on_late(connection)

    def _part_with_stalled(self) -> None:
        most = _STALLED_FOR_EACH * self._settings.first_at_once
        if len(self._stalled) <= most and not self._is_heavy:
            return
        for connection in sorted(
            self._stalled, key=lambda each: self._last_at(each, self._stalled)
        ):
            if len(self._stalled) <= most and not self._is_heavy:
                break
            self.finish(connection)
            self._on_stalled(connection, Eviction.STALLED)

    def _last_at(self, connection: Connection, among: Mapping[Connection, _Delivery]) -> float:
        """Return when `connection` took something last."""
        return max(among[connection].begun_at, self._progressed_at(connection) or 0.0)
