"""For tests: single actors without a supervisor, an actor that records, a supervisor at hand."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Generic, TypeVar

import trio

from fh.actors.actor import Actor
from fh.actors.cell import Cell
from fh.actors.child import ActorSpec, Child, ServiceSpec
from fh.actors.mailbox import Mailbox
from fh.actors.ref import Ref
from fh.actors.restart import Backoff, Intensity, Restart, Strategy
from fh.actors.supervisor import Supervisor
from fh.actors.timers import Clock

M = TypeVar("M")


class _Bystander:
    """The owner of one actor under test: it restarts nothing and hides nothing."""

    def __init__(self, name: str, nursery: trio.Nursery) -> None:
        self.name = name
        self.nursery = nursery
        self.clock = Clock(nursery)
        self.depth = 0

    def child_over(self, child: Child, error: Exception | None) -> None:
        child.give_up(error)

        async def crash() -> None:
            assert error is not None  # actors never return by themselves
            raise error

        self.nursery.start_soon(crash, name=f"crash of {self.name}")

    def child_ended(self, child: Child) -> None:
        pass


def start(nursery: trio.Nursery, name: str, actor: Actor[M], *, capacity: int = 64) -> Ref[M]:
    """Give `actor` a life in `nursery`, without a supervisor; its crash comes out of `nursery`.

    As with `Supervisor.spawn`, `started()` runs with the first message.
    """
    spec = ActorSpec(name, lambda: actor, mailbox=Mailbox(capacity), restart=Restart.TEMPORARY)
    return Ref(Cell(spec, _Bystander(name, nursery)))


class Probe(Actor[M], Generic[M]):
    """Records what it is told, at once and in order."""

    __slots__ = ("messages",)

    def __init__(self) -> None:
        self.messages: list[M] = []

    def react(self, message: M) -> None:
        """Keep the message."""
        self.messages.append(message)


@asynccontextmanager
async def open_supervisor(
    *children: ActorSpec[Any] | ServiceSpec,
    name: str = "test",
    strategy: Strategy = Strategy.ONE_FOR_ONE,
    intensity: Intensity | None = None,
    backoff: Backoff | None = None,
) -> AsyncGenerator[Supervisor]:
    """Yield a running supervisor; at the end drain it. Its backoff has no jitter.

    Raises:
        ExceptionGroup: with what `Supervisor.run` raised.
    """
    supervisor = Supervisor(
        name,
        children,
        strategy=strategy,
        intensity=intensity or Intensity(),
        backoff=backoff or Backoff(jitter=0.0),
        random=Random(0),  # noqa: S311 - repeatable, not secret
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        yield supervisor
        supervisor.stop()
