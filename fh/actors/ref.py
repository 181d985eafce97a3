"""How one reaches an actor."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import structlog

from fh.actors import ending
from fh.actors.child import ActorStatistics
from fh.actors.errors import MailboxFull
from fh.actors.mailbox import Full
from fh.actors.monitor import Ended, Monitor
from fh.actors.reply import Envelope, Promise, Reply
from fh.actors.state import Order, State
from fh.actors.timers import Timer, set_timer

if TYPE_CHECKING:
    from fh.actors.cell import Cell

log = structlog.get_logger()

M = TypeVar("M")
T = TypeVar("T")
W = TypeVar("W")


class Ref(Generic[M]):
    """The way to one actor, valid across its restarts. Refs to the same actor are equal."""

    __slots__ = ("_cell",)

    def __init__(self, cell: "Cell[M]") -> None:
        self._cell = cell

    def __repr__(self) -> str:
        return f"<Ref {self.name} {self._cell.state.value}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and self._cell is other._cell

    def __hash__(self) -> int:
        return hash(self._cell)

    @property
    def name(self) -> str:
        """The actor's name, unique among its living siblings."""
        return self._cell.spec.name

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued and nothing running."""
        return self._cell.is_idle

    @property
    def is_stopped(self) -> bool:
        """Whether the actor has ended for good."""
        return self._cell.state is State.ENDED

    async def tell(self, message: M) -> None:
        """Send `message`, waiting for room where the mailbox says so.

        Cancelled while it waits, the message was not sent. No checkpoint when there is room.

        Raises:
            ActorStopped: the actor has ended, is about to, or does so while we wait.
            MailboxFull: there is no room and the mailbox refuses (`Full.REFUSE`).
        """
        if not self._cell.accept(message):
            await self._wait_for_room(message, message)

    def tell_nowait(self, message: M) -> None:
        """Send `message` if there is room for it.

        Raises:
            ActorStopped: the actor has ended or is about to.
            MailboxFull: there is no room.
        """
        if not self._cell.accept(message):
            raise MailboxFull(self.name, message)

    async def ask(self, make: Callable[[Reply[T]], M]) -> T:
        """Send the message that `make` builds around a `Reply`, and return the answer.

        The caller sets the deadline: `with trio.fail_after(seconds)`.

        Raises:
            ActorStopped: the actor has ended, is about to, or does so before it answers.
            AskFailed: it crashed, dropped the `Reply`, or a newer message took this one's place.
            MailboxFull: there is no room and the mailbox refuses (`Full.REFUSE`).
            Exception: whatever the actor gave to `Reply.fail`.
        """
        promise: Promise[T] = Promise(self._cell.spec.name)
        message = make(Reply(promise))
        envelope = Envelope(message, promise)
        if not self._cell.accept(envelope):
            await self._wait_for_room(envelope, message)
        # From here on only the actor may keep the Reply alive.
        del message, envelope
        return await promise.wait()

    async def _wait_for_room(self, item: M | Envelope[M], message: M) -> None:
        if self._cell.spec.mailbox.full is Full.REFUSE:
            raise MailboxFull(self.name, message)
        assert self._cell.queue is not None  # it is full
        await self._cell.queue.wait_for_room(item, message)

    def stop(self) -> None:
        """Order to finish the current message, refuse the queued ones and end."""
        ending.command(self._cell, Order.STOP)

    def drain(self) -> None:
        """Order to handle what is queued, take nothing new and end."""
        ending.command(self._cell, Order.DRAIN)

    def cancel(self) -> None:
        """Order to end now; the current message is cancelled at its next checkpoint."""
        ending.command(self._cell, Order.CANCEL)

    async def wait_stopped(self) -> None:
        """Return when the actor has ended for good."""
        await ending.wait_ended(self._cell)

    def when_ended(self, callback: Callable[[Ended], None]) -> Monitor:
        """Run `callback` in the step in which the actor ends for good; now if it has ended.

        For bookkeeping that must not lag behind: it must neither wait nor raise, nor tell
        anybody anything. Everything else takes `monitor`.
        """
        return ending.watch(self._cell, callback)

    def monitor(self, watcher: "Ref[W]", make: Callable[[Ended], W]) -> Monitor:
        """Tell `watcher` once, when this actor ends for good; now if it has ended.

        The notice has its place in the watcher's mailbox reserved. It is dropped only when the
        watcher itself is over.
        """

        def tell(ended: Ended) -> None:
            try:
                notice = make(ended)
            except Exception:  # `make` is foreign code, and the actor must end all the same
                log.exception("monitor_notice_failed", actor=ended.name, watcher=watcher.name)
            else:
                watcher._cell.accept_notice(notice)  # noqa: SLF001 - of the same class

        return ending.watch(self._cell, tell)

    def tell_after(self, seconds: float, message: M) -> Timer:
        """Tell `message` in `seconds`.

        Set in the actor's own turn the timer ends with that life, otherwise with the actor.

        Raises:
            ActorStopped: the actor has ended or is about to.
        """
        return set_timer(self._cell, message, seconds=seconds, period_seconds=None)

    def tell_every(self, seconds: float, message: M) -> Timer:
        """Tell `message` every `seconds`, first in `seconds`; never two ticks queued at once.

        Raises:
            ActorStopped: the actor has ended or is about to.
            ValueError: `seconds` is not above 0.
        """
        if seconds <= 0:
            raise ValueError(f"a period must be above 0 seconds, not {seconds:g}")
        return set_timer(self._cell, message, seconds=seconds, period_seconds=seconds)

    def statistics(self) -> ActorStatistics:
        """Return the actor's figures at this moment."""
        return self._cell.statistics()
