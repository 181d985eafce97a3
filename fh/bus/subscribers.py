"""Those who hear what the bus delivers: each in turn, in the order in which they subscribed.

The order matters. In a party-server Dacha subscribes before Edge, so what Edge hears of is
already in the mailbox that answers Edge's next question: no update falls between a snapshot and
a subscription.
"""

import structlog
import trio

from fh.bus.port import Delivery, Subscriber, TimedSubscriber

log = structlog.get_logger()


class Subscribers:
    """The subscribers of one process. A delivery waits for them, so nothing queues up here.

    Attributes:
        delivered: Deliveries since the start.
        failed: How often a subscriber raised.
    """

    def __init__(self) -> None:
        self._subscribers: dict[str, TimedSubscriber] = {}
        self._turn = trio.Lock()
        self.delivered = 0
        self.failed = 0

    def __len__(self) -> int:
        return len(self._subscribers)

    def subscribe(self, name: str, subscriber: Subscriber) -> None:
        """Deliver everything from now on to `subscriber`; a known `name` keeps its place."""

        async def untimed(delivery: Delivery, _: float | None) -> None:
            await subscriber(delivery)

        self._subscribers[name] = untimed

    def subscribe_timed(self, name: str, subscriber: TimedSubscriber) -> None:
        """Do as `subscribe`, and tell `subscriber` when what is delivered was committed."""
        self._subscribers[name] = subscriber

    async def deliver(self, delivery: Delivery, committed_at: float | None = None) -> None:
        """Hand `delivery` to every subscriber, one delivery at a time."""
        async with self._turn:
            self.delivered += 1
            for name, subscriber in tuple(self._subscribers.items()):
                try:
                    await subscriber(delivery, committed_at)
                except Exception:
                    # A request ends here: one broken subscriber must not cost the others theirs.
                    self.failed += 1
                    log.exception("delivery_failed", subscriber=name, kind=type(delivery).__name__)
