"""Watching an actor end for good."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ended:
    """An actor is over for good."""

    name: str
    error: Exception | None  # the crash it did not outlive; None when it ended by order


class Monitor:
    """A callback for the end of one actor; belongs to who asked for it."""

    __slots__ = ("_callback", "_watchers")

    def __init__(self, callback: Callable[[Ended], None], watchers: "dict[Monitor, None]") -> None:
        self._callback = callback
        self._watchers = watchers
        watchers[self] = None

    def notify(self, ended: Ended) -> None:
        """Run the callback; the actor has ended."""
        self._callback(ended)

    def cancel(self) -> None:
        """Do not notify. Nothing happens when that is done already."""
        self._watchers.pop(self, None)
