"""The bus inside one process: every subscriber in turn, in the order in which they subscribed.

The order matters. In a party-server Dacha subscribes before Edge, so what Edge hears of is
already in the mailbox that answers Edge's next question: no update falls between a snapshot and
a subscription.
"""

from dataclasses import dataclass

import structlog
import trio

from fh.bus.port import Subscriber, UpdateWorker
from fh.contracts.published import Published
from fh.contracts.updates import StreamedFeatureUpdate
from fh.errors import Unavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class MemoryBusStatistics:
    """Counts since the start."""

    published: int
    failed_deliveries: int
    subscribers: int


class MemoryBus:
    """A bus without a broker; publishing waits for the subscribers, so nothing queues up here."""

    def __init__(self) -> None:
        self._subscribers: dict[str, Subscriber] = {}
        self._worker: UpdateWorker | None = None
        self._turn = trio.Lock()
        self._published = 0
        self._failed = 0

    async def publish(self, event: Published) -> None:
        """Deliver `event` to every subscriber, one publisher at a time."""
        async with self._turn:
            self._published += 1
            for name, subscriber in tuple(self._subscribers.items()):
                try:
                    await subscriber(event)
                except Exception:
                    # A request ends here: one broken subscriber must not cost the others theirs.
                    self._failed += 1
                    log.exception("delivery_failed", subscriber=name, kind=type(event).__name__)

    def subscribe(self, name: str, subscriber: Subscriber) -> None:
        """Deliver everything from now on to `subscriber`."""
        self._subscribers[name] = subscriber

    async def submit(self, update: StreamedFeatureUpdate) -> None:
        """Have `update` applied.

        Raises:
            Unavailable: nobody applies updates, or not for now.
        """
        if self._worker is None:
            raise Unavailable("nobody applies updates")
        await self._worker(update)

    def work(self, worker: UpdateWorker) -> None:
        """Apply updates with `worker` from now on."""
        self._worker = worker

    def statistics(self) -> MemoryBusStatistics:
        """Return the counts of this moment."""
        return MemoryBusStatistics(
            published=self._published,
            failed_deliveries=self._failed,
            subscribers=len(self._subscribers),
        )
