"""The bus as its users see it.

A message on the bus is never proof of delivery: versions are the law, order is a courtesy, and
after Reconnected a subscriber reloads what it may have missed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from fh.contracts.published import Published


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


class Bus(Protocol):
    """Publish and subscribe."""

    async def publish(self, event: Published) -> None:
        """Hand `event` to the bus; return when the bus has taken it.

        Raises:
            Unavailable: the bus is away; nothing was taken, publish again later.
        """

    def subscribe(self, name: str, subscriber: Subscriber) -> None:
        """Deliver everything from now on to `subscriber`, after those that subscribed before.

        A subscription lasts as long as the bus; subscribing again under `name` replaces it in
        its place.
        """
