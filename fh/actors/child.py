"""How a child is declared, and what a supervisor and its children expect of each other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import trio

from fh.actors.actor import Actor
from fh.actors.mailbox import Mailbox
from fh.actors.monitor import Ended
from fh.actors.restart import History, Restart
from fh.actors.state import Order, State
from fh.actors.timers import Clock

M = TypeVar("M")

_DEFAULT_MAILBOX = Mailbox()


@dataclass(frozen=True, slots=True)
class ActorSpec(Generic[M]):
    """A child that is an actor.

    `make` is the factory of its lives: cheap and synchronous. `drain_seconds` bounds how long
    its supervisor waits for the mailbox to be worked off, and how long `stopped()` may take.
    `ended` is what `Ref.when_ended` would run, for actors that are many: it costs them nothing.
    """

    name: str
    make: Callable[[], Actor[M]]
    mailbox: Mailbox = _DEFAULT_MAILBOX
    restart: Restart = Restart.PERMANENT
    drain_seconds: float = 5.0
    ended: Callable[[Ended], None] | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A child that is a long-running async function: a listener, a pool, a nested supervisor.

    `run(task_status=…)` calls `task_status.started()` when it is ready and then runs until
    cancelled. Returning is a normal end, raising a crash. `drain` asks it to return by itself
    within `drain_seconds`; without it the function is cancelled at once.

    Raises:
        ValueError: `drain` without time to do so.
    """

    name: str
    run: Callable[..., Awaitable[None]]
    restart: Restart = Restart.PERMANENT
    drain: Callable[[], None] | None = field(default=None, kw_only=True)
    drain_seconds: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        if self.drain is not None and self.drain_seconds <= 0:
            raise ValueError(f"{self.name} can be drained, but its drain_seconds leave no time")


@dataclass(frozen=True, slots=True)
class ActorStatistics:
    """One actor at one moment."""

    name: str
    state: State
    queued: int
    capacity: int
    handled: int
    crashes: int
    restarts: int


@dataclass(frozen=True, slots=True)
class ServiceStatistics:
    """One service at one moment."""

    name: str
    state: State
    crashes: int
    restarts: int


class Child(Protocol):
    """What a supervisor sees of its children."""

    state: State

    @property
    def spec(self) -> ActorSpec[Any] | ServiceSpec:
        """The declaration."""

    @property
    def history(self) -> History:
        """Crashes and restarts so far."""

    async def start(self) -> None:
        """Begin a life and return when it is ready; any exception is its crash."""

    def restart(self, delay_seconds: float) -> None:
        """Begin the next life after `delay_seconds`."""

    def command(self, order: Order) -> None:
        """Take an order that is stronger than the one before."""

    async def finish(self, order: Order, patience_seconds: float) -> None:
        """Order PAUSE or DRAIN, cancel after `patience_seconds`, return when it is done."""

    async def wait_ended(self) -> None:
        """Return when it has ended for good."""

    def give_up(self, error: Exception | None) -> None:
        """End for good after a crash or return that no life follows."""

    def statistics(self) -> ActorStatistics | ServiceStatistics:
        """Return its figures at this moment."""


class Owner(Protocol):
    """What a child sees of its supervisor."""

    name: str
    nursery: trio.Nursery
    clock: Clock
    depth: int  # inline turns under way, one inside the other

    def child_over(self, child: Child, error: Exception | None) -> None:
        """A life crashed (`error`), or a service returned (None): decide what follows."""

    def child_ended(self, child: Child) -> None:
        """`child` ended for good."""
