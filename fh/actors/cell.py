"""One actor from inside: how messages come in, and how turns are run.

An idle cell is all there is of an idle actor. Turns are run by a task that ends when the mailbox
is empty, or inline, in the turn of the sender. Whatever a cell does between two awaits is atomic,
so `state` tells the truth to whoever looks. How lives and actors end stands in `ending`.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import trio

from fh.actors import ending
from fh.actors.actor import Actor
from fh.actors.child import ActorSpec, ActorStatistics, Owner
from fh.actors.errors import ActorStopped
from fh.actors.extras import Extras
from fh.actors.mailbox import Queue
from fh.actors.ref import Ref
from fh.actors.reply import Envelope
from fh.actors.restart import History
from fh.actors.state import Order, State

M = TypeVar("M")

# Looking a member up in its enumeration takes as long as the rest of an inline turn.
_NEW: Final = State.NEW
_READY: Final = State.READY
_IDLE: Final = State.IDLE
_RUNNING: Final = State.RUNNING

_DEEPEST = 32  # inline turns inside inline turns; far below Python's recursion limit
_TURNS_IN_A_ROW = 64  # before a busy actor lets others run


class Cell(Generic[M]):
    """The inside of one actor; the outside is `Ref`. Its fields are this package's business."""

    __slots__ = (
        "actor", "handled", "order", "owner", "queue", "scope", "some_extras", "spec", "state",
        "task",
    )  # fmt: skip

    def __init__(self, spec: ActorSpec[M], owner: Owner) -> None:
        self.spec = spec
        self.owner = owner
        self.state = _NEW
        self.actor: Actor[M] | None = None
        self.handled = 0
        self.order: Order | None = None
        self.queue: Queue[M] | None = None  # only while something is queued, or just was
        self.scope: trio.CancelScope | None = None  # of the task that runs turns or will
        self.task: trio.lowlevel.Task | None = None  # that runs turns; None when inline
        self.some_extras: Extras | None = None

    @property
    def extras(self) -> Extras:
        """What only some actors have, made when first needed."""
        if self.some_extras is None:
            self.some_extras = Extras()
        return self.some_extras

    @property
    def history(self) -> History:
        """Crashes and restarts so far."""
        return self.extras.history

    @property
    def is_closed(self) -> bool:
        """Whether it takes no new messages, because it has ended or was ordered to."""
        return self.order is not None and self.order is not Order.PAUSE

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued and nothing running."""
        return self.state is _READY or self.state is _IDLE or self.state is _NEW

    def statistics(self) -> ActorStatistics:
        """Return the figures at this moment."""
        extras = self.some_extras
        return ActorStatistics(
            name=self.spec.name,
            state=self.state,
            queued=0 if self.queue is None else len(self.queue),
            capacity=self.spec.mailbox.capacity,
            handled=self.handled,
            crashes=0 if extras is None else extras.history.crashes,
            restarts=0 if extras is None else extras.history.restarts,
        )

    # Messages come in

    def accept(self, item: M | Envelope[M]) -> bool:
        """Handle `item` at once or queue it; False when there is no room.

        Raises:
            ActorStopped: the actor has ended or is about to.
        """
        if self.owner.depth < _DEEPEST and (
            self.state is _READY or (self.state is _IDLE and self._reacts_to(item))
        ):
            self._turn_inline(item)
            return True
        if self.is_closed:
            raise ActorStopped(self.spec.name, item.message if isinstance(item, Envelope) else item)
        if self.state is _NEW and self._make_in_senders_turn(item):
            return True
        has_room = self._open_queue().offer(item)
        self._wake_if_idle()
        return has_room

    def accept_notice(self, message: M) -> None:
        """Queue a monitor's notice beyond the capacity; nothing happens if the actor is over."""
        if not self.is_closed:
            # Never inline: the watched actor's supervisor may be in the middle of something.
            self._open_queue().push(Envelope(message))
            self._wake_if_idle()

    def accept_late(self, item: M | Envelope[M]) -> None:
        """Handle or queue a timer's message; without room it waits for some, without a task."""
        if not self.accept(item):
            self._open_queue().park(item)

    def _open_queue(self) -> Queue[M]:
        if self.queue is None:
            self.queue = Queue(self.spec.name, self.spec.mailbox)
        return self.queue

    def _open_message(self, item: M | Envelope[M]) -> M:
        """Return the message, which is handled now, and bind its asker to this life."""
        if not isinstance(item, Envelope):
            return item
        if item.promise is not None:
            item.promise.enter(self.extras.promises)
        if item.timer is not None:
            item.timer.tick_left_mailbox()
        return item.message

    # Turns in the sender's turn

    def _make_in_senders_turn(self, item: M | Envelope[M]) -> bool:
        """Make the first instance, and return whether `item` could be handled along with it."""
        try:
            actor = self.actor = self.spec.make()
        except Exception as error:  # noqa: BLE001 - here an actor ends
            self._open_queue().push(item)
            ending.crash(self, error)
            return True
        if not _has_own(actor, "receive") and not _has_own(actor, "started"):
            self.state = _READY
            return self.accept(item)
        return False

    def _reacts_to(self, item: M | Envelope[M]) -> bool:
        assert self.actor is not None  # IDLE
        return self.actor.reacts_to(item.message if isinstance(item, Envelope) else item)

    def _turn_inline(self, item: M | Envelope[M]) -> None:
        actor, owner, idle = self.actor, self.owner, self.state
        assert actor is not None  # READY or IDLE
        owner.depth += 1
        self.state = _RUNNING
        try:
            actor.react(self._open_message(item) if isinstance(item, Envelope) else item)
            self.handled += 1
            if self.queue is None and self.order is None:
                self.state = idle
                return
            if idle is _READY:
                self._react_to_queue(actor)
        except Exception as error:  # noqa: BLE001 - here an actor ends
            ending.crash(self, error)
            return
        except BaseException:
            ending.end(self, None)
            raise
        finally:
            owner.depth -= 1
        if self.queue or (self.order is not None and ending.wants_goodbye(self)):
            self.wake(self.work)
        else:
            self.rest()

    def _react_to_queue(self, actor: Actor[M]) -> None:
        for _ in range(_TURNS_IN_A_ROW):
            if not self.queue or self.order is not None:
                return
            actor.react(self._open_message(self.queue.take()))
            self.handled += 1

    # Turns in a task

    def _wake_if_idle(self) -> None:
        if self.state is _NEW:
            self.wake(self._live)
        elif self.state is _IDLE or self.state is _READY:
            self.wake(self.work)

    def wake(self, work: Callable[[], Awaitable[None]]) -> None:
        """Give the actor a task that does `work`."""
        self.state = _RUNNING
        self._launch(work)

    def _launch(self, work: Callable[[], Awaitable[None]]) -> None:
        self.scope = trio.CancelScope()
        self.owner.nursery.start_soon(self._guard, work, name=self.spec.name)

    async def _guard(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await self._attempt(work)
        except Exception as error:  # noqa: BLE001 - here an actor ends
            ending.decide(self, error)

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> None:
        assert self.scope is not None  # made before the task began, so that it can be cancelled
        self.task = trio.lowlevel.current_task()
        try:
            with self.scope:
                await work()
                if self.order is not None:
                    await ending.say_goodbye(self, self.spec.drain_seconds)
        except Exception as error:
            ending.fall(self, error)
            raise
        except BaseException:  # the whole tree is cancelled or interrupted
            ending.end(self, None)
            raise
        self.rest()

    async def _live(self) -> None:
        await self._begin()
        await self.work()

    async def _begin(self) -> None:
        self.state = _RUNNING
        if self.order is not None and not (self.order is Order.DRAIN and self.queue):
            self.actor = None
            return  # ordered to end before it began
        if self.actor is None:
            self.actor = self.spec.make()
        if _has_own(self.actor, "started"):
            await self.actor.started(Ref(self))

    async def work(self) -> None:
        """Handle what is queued."""
        turns = 0
        while self.queue and (self.order is None or self.order is Order.DRAIN):
            assert self.actor is not None  # begun, and not yet ordered to end
            await self.actor.receive(self._open_message(self.queue.take()))
            self.handled += 1
            turns += 1
            if not turns % _TURNS_IN_A_ROW:
                await trio.lowlevel.checkpoint()

    def rest(self) -> None:
        """Hibernate, or do what was ordered."""
        self.scope = self.task = None
        if self.order is not None:
            ending.obey(self)
        elif self.queue:
            self.wake(self.work)
        else:
            self.queue = None
            assert self.actor is not None  # begun
            self.state = _IDLE if _has_own(self.actor, "receive") else _READY

    # What the supervisor does

    async def start(self) -> None:
        """Begin a life in the caller's task; return when `started()` has.

        Raises:
            Exception: the life crashed while it began; what follows is up to the caller.
        """
        if self.order is Order.PAUSE:
            self.order = None
        self.scope = trio.CancelScope()
        await self._attempt(self._begin)

    def restart(self, delay_seconds: float) -> None:
        """Begin the next life after `delay_seconds`."""

        async def live_later() -> None:
            await trio.sleep(delay_seconds)
            await self._live()

        self._launch(live_later)

    def command(self, order: Order) -> None:
        """Take an order, unless there is one at least as strong."""
        ending.command(self, order)

    async def finish(self, order: Order, patience_seconds: float) -> None:
        """Order PAUSE or DRAIN, cancel after `patience_seconds`, return when it is done."""
        await ending.finish(self, order, patience_seconds)

    async def wait_ended(self) -> None:
        """Return when the actor has ended for good."""
        await ending.wait_ended(self)

    def give_up(self, error: Exception | None) -> None:
        """End for good after a crash that no life follows."""
        ending.end(self, error)


def _has_own(actor: Actor[M], method: str) -> bool:
    return getattr(type(actor), method) is not getattr(Actor, method)
