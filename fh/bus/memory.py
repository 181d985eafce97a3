"""The bus inside one process: publishing delivers to the subscribers, updates go to the worker."""

from dataclasses import dataclass

import trio

from fh.bus.errors import BusUnavailable
from fh.bus.port import Subscriber, TimedSubscriber, UpdateWorker
from fh.bus.subscribers import Subscribers
from fh.contracts.event_log import UNNUMBERED
from fh.contracts.published import Published
from fh.contracts.updates import StreamedFeatureUpdate

_UPDATES_AT_ONCE = 4
"""Fewer than there are database connections: the admin API needs some."""


@dataclass(frozen=True, slots=True)
class MemoryBusStatistics:
    """Counts since the start."""

    published: int
    failed_deliveries: int
    subscribers: int


class MemoryBus:
    """A bus without a broker; publishing waits for the subscribers, so nothing queues up here."""

    def __init__(self) -> None:
        self._subscribers = Subscribers()
        self._worker: UpdateWorker | None = None
        self._workers = trio.Semaphore(_UPDATES_AT_ONCE)

    async def publish(
        self,
        event: Published,
        sequence: int = UNNUMBERED,  # noqa: ARG002  nothing is ever lost here
        committed_at: float | None = None,
    ) -> None:
        """Deliver `event` to every subscriber, one publisher at a time; nothing is ever lost."""
        await self._subscribers.deliver(event, committed_at)

    def subscribe(self, name: str, subscriber: Subscriber) -> None:
        """Deliver everything from now on to `subscriber`."""
        self._subscribers.subscribe(name, subscriber)

    def subscribe_timed(self, name: str, subscriber: TimedSubscriber) -> None:
        """Deliver everything from now on to `subscriber`, and when it was committed."""
        self._subscribers.subscribe_timed(name, subscriber)

    async def submit(self, update: StreamedFeatureUpdate) -> None:
        """Have `update` applied.

        Raises:
            Unavailable: nobody applies updates, or not for now.
        """
        if self._worker is None:
            raise BusUnavailable("nobody applies updates")
        async with self._workers:
            await self._worker(update)

    def work(self, worker: UpdateWorker) -> None:
        """Apply updates with `worker` from now on."""
        self._worker = worker

    def statistics(self) -> MemoryBusStatistics:
        """Return the counts of this moment."""
        return MemoryBusStatistics(
            published=self._subscribers.delivered,
            failed_deliveries=self._subscribers.failed,
            subscribers=len(self._subscribers),
        )
