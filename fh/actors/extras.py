"""What only some actors have: watchers, unanswered asks, timers, a past. Made when first needed."""

from typing import TYPE_CHECKING, Any

import trio

from fh.actors.monitor import Ended, Monitor
from fh.actors.restart import History

if TYPE_CHECKING:
    from fh.actors.reply import Promise
    from fh.actors.timers import Timer


class Extras:
    """The part of a cell that most idle actors do without."""

    __slots__ = ("ended", "ended_as", "history", "paused", "promises", "timers", "watchers")

    def __init__(self) -> None:
        self.history = History()
        self.promises: dict[Promise[Any], None] = {}  # asks this life has yet to answer
        self.timers: dict[Timer, bool] = {}  # value: whether it ends with this life
        self.watchers: dict[Monitor, None] = {}
        self.paused: trio.Event | None = None  # set when the life that is to pause is over
        self.ended = trio.Event()
        self.ended_as: Ended | None = None

    def close_life(self, error: Exception) -> None:
        """Fail the asks and cancel the timers that belong to the life that is over."""
        for promise in list(self.promises):
            promise.fail(error)
        for timer, is_of_life in list(self.timers.items()):
            if is_of_life:
                timer.cancel()
        if self.paused is not None:
            self.paused.set()

    def cancel_timers(self) -> None:
        """Cancel all timers: the actor takes nothing new."""
        for timer in list(self.timers):
            timer.cancel()

    def end(self, ended: Ended) -> None:
        """Tell everybody who waits for the actor's end."""
        self.ended_as = ended
        self.ended.set()
        watchers, self.watchers = list(self.watchers), {}
        for monitor in watchers:
            monitor.notify(ended)
