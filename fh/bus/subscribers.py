"""Those who hear what the bus delivers: each in turn, in the order in which they subscribed.

The order matters. In a party-server Dacha subscribes before Edge, so what Edge hears of is
already in the mailbox that answers Edge's next question: no update falls between a snapshot and
a subscription.
"""

from typing import Final

import structlog
import trio

from fh.bus.port import Delivery, Subscriber, TimedSubscriber

log = structlog.get_logger()

_MOST_IN_A_ROW: Final = 16
"""Deliveries between two checkpoints: they come in bursts, and each takes Edge and Dacha 100 µs."""


class Subscribers:
    """The subscribers of one process. A delivery waits for them, so nothing queues up here.

    Attributes:
        delivered: Deliveries since the start.
        failed: How often a subscriber raised.
    """

    def __init__(self) -> None:
        self._subscribers: dict[str, TimedSubscriber] = {}
        self._turn = trio.Lock()
        self._in_order: tuple[tuple[str, TimedSubscriber], ...] = ()
        self._in_a_row = 0
        self.delivered = 0
        self.failed = 0

    def __len__(self) -> int:
        return len(self._subscribers)

    def subscribe(self, name: str, subscriber: Subscriber) -> None:
        """Deliver everything from now on to `subscriber`; a known `name` keeps its place."""

        async def untimed(delivery: Delivery, _: float | None) -> None:
            await subscriber(delivery)

        self.subscribe_timed(name, untimed)

    def subscribe_timed(self, name: str, subscriber: TimedSubscriber) -> None:
        """Do as `subscribe`, and tell `subscriber` when what is delivered was committed."""
        self._subscribers[name] = subscriber
        self._in_order = tuple(self._subscribers.items())

    async def deliver(self, delivery: Delivery, committed_at: float | None = None) -> None:
        """Hand `delivery` to every subscriber, one delivery at a time.

        It gives way to other tasks once in a while, not each time.
        """
        await self._take_turn()
        try:
            self.delivered += 1
            for name, subscriber in self._in_order:
                try:
                    await subscriber(delivery, committed_at)
                except Exception:
                    # A request ends here: one broken subscriber must not cost the others theirs.
                    self.failed += 1
                    log.exception("delivery_failed", subscriber=name, kind=type(delivery).__name__)
        finally:
            self._turn.release()

    async def _take_turn(self) -> None:
        self._in_a_row += 1
        if self._in_a_row < _MOST_IN_A_ROW and not self._turn.locked():
            self._turn.acquire_nowait()
        else:
            await self._turn.acquire()
            self._in_a_row = 0
