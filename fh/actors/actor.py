"""What one writes: a class that owns a piece of mutable state and is told of changes."""

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from fh.actors.ref import Ref

M = TypeVar("M")


class Actor(Generic[M]):
    """One life of an actor; a restart makes a new instance from the factory.

    Override `receive` when handling a message may wait. Override `react` *instead* when it never
    does: an idle actor of that kind runs at once in its sender's turn, without a task. An actor
    whose messages are of both kinds overrides all three; `receive` gets what it finds queued.
    """

    __slots__ = ()

    async def started(self, me: "Ref[M]") -> None:
        """Prepare for the first message of this life; `me` is how others reach this actor."""

    async def receive(self, message: M) -> None:
        """Handle one message, waiting where needed. An exception is a crash."""
        self.react(message)

    def react(self, message: M) -> None:
        """Handle one message without waiting. An exception is a crash, never the sender's."""
        raise NotImplementedError

    def reacts_to(self, message: M) -> bool:  # noqa: ARG002  for overriding
        """Return whether `react` is enough for `message`, although `receive` may wait; cheaply."""
        return False

    async def stopped(self) -> None:
        """Tidy up after the last message, shielded, for at most the spec's `drain_seconds`.

        Not called after a crash or `cancel`.
        """
