"""The bus as its users see it.

A message on the bus is never proof of delivery: versions are the law, order is a courtesy, and
after Reconnected a subscriber reloads what it may have missed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from fh.contracts.event_log import UNNUMBERED
from fh.contracts.published import Published
from fh.contracts.updates import StreamedFeatureUpdate


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The bus was away and is back: events may have been missed meanwhile."""


Delivery: TypeAlias = Published | Reconnected
Subscriber: TypeAlias = Callable[[Delivery], Awaitable[None]]
"""Called once for each delivery, in the order of publishing, one at a time.

It returns once the delivery is in the hands of whoever keeps it (an actor's mailbox, say); until
then the publisher waits. What it raises is a bug: it is logged, counted, and keeps no other
subscriber from the event.
"""

TimedSubscriber: TypeAlias = Callable[[Delivery, float | None], Awaitable[None]]
"""A `Subscriber` that is also told when the change was committed, in seconds since 1970.

It is by the clock of whoever announced it; None where nobody said.
"""

UpdateWorker: TypeAlias = Callable[[StreamedFeatureUpdate], Awaitable[None]]
"""Applies one update; returns when it is committed, or when it is clear that it can't be applied.

It raises `Unavailable` when it should be tried again later.
"""


class Bus(Protocol):
    """Publish and subscribe for what MR announces; work handed to one MR for what SDKs write."""

    async def publish(
        self, event: Published, sequence: int = UNNUMBERED, committed_at: float | None = None
    ) -> None:
        """Hand `event` to the bus, with MR's number for it; return when the bus has taken it.

        `committed_at` is when it was committed, in seconds since 1970.

        Raises:
            Unavailable: the bus is away; nothing was taken, publish again later.
        """

    def subscribe(self, name: str, subscriber: Subscriber) -> None:
        """Deliver everything from now on to `subscriber`, after those that subscribed before.

        A subscription lasts as long as the bus; subscribing again under `name` replaces it in
        its place.
        """

    def subscribe_timed(self, name: str, subscriber: TimedSubscriber) -> None:
        """Do as `subscribe`, and tell `subscriber` how old each delivery is."""

    async def submit(self, update: StreamedFeatureUpdate) -> None:
        """Hand `update` to one of the workers; return when it has been applied or dropped.

        Raises:
            Unavailable: nobody could take it, or whoever took it could not apply it for now.
        """

    def work(self, worker: UpdateWorker) -> None:
        """Take part in applying updates, from now on; each goes to one worker of all processes."""
