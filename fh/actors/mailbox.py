"""The mailbox: its size, its answer to "full", and the queue itself.

The queue exists only while an actor is busy; an idle one pays nothing for it.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

import trio

from fh.actors.errors import ActorStopped, AskFailed
from fh.actors.reply import Envelope

M = TypeVar("M")


class Full(Enum):
    """What a full mailbox answers."""

    WAIT = "wait"  # tell waits for room, tell_nowait is refused
    REFUSE = "refuse"  # both are refused
    COALESCE = "coalesce"  # capacity 1: the newer message replaces the queued one


@dataclass(frozen=True, slots=True)
class Mailbox:
    """How many messages may be queued, and what happens to one more.

    Raises:
        ValueError: the capacity is below 1.
    """

    capacity: int = 64
    full: Full = Full.WAIT

    def __post_init__(self) -> None:
        if self.capacity < 1:
            raise ValueError(f"a mailbox needs room for a message, not {self.capacity}")
        if self.full is Full.COALESCE:
            object.__setattr__(self, "capacity", 1)  # the only size at which it makes sense


class _Sender(Generic[M]):
    """Somebody waiting for room: a task, or an expired timer (no task)."""

    __slots__ = ("is_refused", "item", "task")

    def __init__(self, item: "M | Envelope[M]", task: trio.lowlevel.Task | None) -> None:
        self.item = item
        self.task = task
        self.is_refused = False

    def wake(self) -> None:
        if self.task is not None:
            trio.lowlevel.reschedule(self.task)


class Queue(Generic[M]):
    """The queued messages of one actor, and the senders waiting behind them."""

    __slots__ = ("_actor", "_items", "_mailbox", "_senders")

    def __init__(self, actor: str, mailbox: Mailbox) -> None:
        self._actor = actor
        self._mailbox = mailbox
        self._items: deque[M | Envelope[M]] = deque()
        self._senders: deque[_Sender[M]] | None = None  # rarely needed

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: "M | Envelope[M]") -> bool:
        """Queue `item`, or return False when there is no room."""
        if len(self._items) < self._mailbox.capacity:
            self._items.append(item)
        elif self._mailbox.full is Full.COALESCE:
            self._replace(item)
        else:
            return False
        return True

    def _replace(self, item: "M | Envelope[M]") -> None:
        for place, old in enumerate(self._items):
            if not isinstance(old, Envelope):
                self._items[place] = item
                return
            if not old.is_notice:
                self._items[place] = item
                old.discard(AskFailed(self._actor, "a newer message took its place"))
                return
        self._items.append(item)  # only notices so far, and those stay

    def push(self, item: "M | Envelope[M]") -> None:
        """Queue `item` whatever the capacity: a notice has its place reserved."""
        self._items.append(item)

    def park(self, item: "M | Envelope[M]") -> None:
        """Queue `item` as soon as there is room, behind the senders already waiting."""
        self._wait_in_line(_Sender(item, None))

    async def wait_for_room(self, item: "M | Envelope[M]", message: M) -> None:
        """Queue `item` when there is room. Cancelled before that, it was not sent.

        Raises:
            ActorStopped: the actor ended, or was ordered to end, first.
        """
        sender = _Sender(item, trio.lowlevel.current_task())
        line = self._wait_in_line(sender)

        def abort(_raise_cancel: object) -> trio.lowlevel.Abort:
            line.remove(sender)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        if sender.is_refused:
            raise ActorStopped(self._actor, message)

    def _wait_in_line(self, sender: _Sender[M]) -> "deque[_Sender[M]]":
        if self._senders is None:
            self._senders = deque()
        self._senders.append(sender)
        return self._senders

    def take(self) -> "M | Envelope[M]":
        """Remove and return the oldest item; its place goes to the longest waiting sender."""
        item = self._items.popleft()
        # The place is handed over at once, so that no newcomer overtakes a waiting sender.
        while self._senders and len(self._items) < self._mailbox.capacity:
            sender = self._senders.popleft()
            self._items.append(sender.item)
            sender.wake()
        return item

    def refuse_senders(self) -> None:
        """Send away all who wait for room."""
        while self._senders:
            sender = self._senders.popleft()
            sender.is_refused = True
            sender.wake()
            if sender.task is None and isinstance(sender.item, Envelope):
                sender.item.discard(ActorStopped(self._actor))

    def refuse_all(self) -> None:
        """Give up on everything queued or waiting; asks raise `ActorStopped`."""
        self.refuse_senders()
        while self._items:
            item = self._items.popleft()
            if isinstance(item, Envelope):
                item.discard(ActorStopped(self._actor, item.message))
