"""Keeps children alive: starts them in order, restarts them by strategy, ends them in reverse.

A supervisor is a service of its parent. `run` owns two tasks: itself, which waits for what makes
the supervisor end, and one that holds the nursery of all children, shielded, because children are
ended by orders, in order, and never by the cancellation of the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any, TypeVar

import structlog
import trio

from fh.actors.cell import Cell
from fh.actors.child import ActorSpec, ActorStatistics, Child, ServiceSpec, ServiceStatistics
from fh.actors.errors import (
    ActorError,
    ChildBeyondRestart,
    ChildStartFailed,
    NameTaken,
    NoSuchChild,
    RestartIntensityExceeded,
    SupervisorNotRunning,
)
from fh.actors.ref import Ref
from fh.actors.regroup import Regroup
from fh.actors.restart import Backoff, Intensity, Restart, RestartWindow, Strategy
from fh.actors.service import Service
from fh.actors.shutdown import cancel_children, drain_children
from fh.actors.state import Order
from fh.actors.timers import Clock

log = structlog.get_logger()

M = TypeVar("M")

_DEFAULT_INTENSITY = Intensity()
_DEFAULT_BACKOFF = Backoff()


@dataclass(frozen=True, slots=True)
class SupervisorStatistics:
    """One supervisor at one moment; a nested one appears among the children as a service."""

    name: str
    strategy: Strategy
    children: tuple[ActorStatistics | ServiceStatistics, ...]  # in start order
    restarts: int


class _Phase(Enum):
    DOWN = "down"
    UP = "up"  # or on its way up
    ENDING = "ending"


class Supervisor:
    """The owner of its children's tasks, names and restarts."""

    nursery: trio.Nursery  # of all children of this run
    clock: Clock
    _regroup: Regroup

    def __init__(
        self,
        name: str,
        children: Sequence[ActorSpec[Any] | ServiceSpec] = (),
        *,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: Intensity = _DEFAULT_INTENSITY,
        backoff: Backoff = _DEFAULT_BACKOFF,
        gives_up_on: tuple[type[Exception], ...] = (),
        random: Random | None = None,
    ) -> None:
        """Declare a supervisor; `run` brings it to life.

        `gives_up_on` are the crashes that no restart mends.

        Raises:
            NameTaken: two children have the same name.
        """
        self.name = name
        self.depth = 0  # inline turns under way, one inside the other
        self._specs = {spec.name: spec for spec in children}
        if len(self._specs) < len(children):
            names = [spec.name for spec in children]
            raise NameTaken(next(name for name in names if names.count(name) > 1))
        self._strategy = strategy
        self._intensity = intensity
        self._backoff = backoff
        self._gives_up_on: tuple[type[Exception], ...] = (ChildBeyondRestart, *gives_up_on)
        self._random = random or Random()  # noqa: S311 - jitter is no secret
        self._restarts = 0
        self._phase = _Phase.DOWN
        self._children: dict[str, Cell[Any] | Service] = {}  # in start order
        self._window = RestartWindow(intensity)
        self._failure: ActorError | None = None
        self._up = trio.CancelScope()

    def statistics(self) -> SupervisorStatistics:
        """Return the figures at this moment."""
        children = tuple(child.statistics() for child in self._children.values())
        return SupervisorStatistics(self.name, self._strategy, children, self._restarts)

    # Running

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Start the children in order, then supervise until stopped or cancelled.

        Either way the children are drained in reverse order first. Cancelled while it drains,
        it cancels those that are left. It may be run again when it is over.

        Raises:
            ChildStartFailed: a child could not be started; the others have been ended.
            RestartIntensityExceeded: a child ended too often; all have been ended.
            ChildBeyondRestart: no restart would mend a child; all have been ended.
            RuntimeError: it is running already.
        """
        if self._phase is not _Phase.DOWN:
            raise RuntimeError(f"{self.name} is running already")
        self._phase = _Phase.UP
        self._failure = None
        self._window = RestartWindow(self._intensity)
        self._up = trio.CancelScope()
        try:
            async with trio.open_nursery() as holder:
                holding = trio.Event()
                holder.start_soon(self._hold_children, holding)
                # Not holder.start(): cancelled at this moment it would wait forever, as the
                # shielded task neither hears of it nor changes nurseries.
                with trio.CancelScope(shield=True):
                    await holding.wait()
                self.clock = Clock(self.nursery)
                self._regroup = Regroup(
                    self.nursery, self._strategy, self._children, self.child_over
                )
                await self._supervise(task_status)
        finally:
            self._phase = _Phase.DOWN
        if self._failure is not None:
            raise self._failure

    async def _hold_children(self, holding: trio.Event) -> None:
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as self.nursery:
                holding.set()
                await trio.sleep_forever()

    async def _supervise(self, task_status: trio.TaskStatus[None]) -> None:
        is_asked = False
        try:
            with self._up:
                await self._start_children()
                if self._failure is None:
                    task_status.started()
                await trio.sleep_forever()
            is_asked = True
            self._enter_ending()
            await self._drain()  # a parent who waited long enough cancels this
        finally:
            with trio.CancelScope(shield=True):
                if is_asked:
                    await cancel_children(self._children)
                else:
                    self._enter_ending()
                    await self._drain()
            self.nursery.cancel_scope.cancel()

    async def _start_children(self) -> None:
        for spec in self._specs.values():
            try:
                await self._start_child(spec)
            except ChildStartFailed as error:
                self._failure = error
                self.stop()
                return

    async def _start_child(self, spec: ActorSpec[Any] | ServiceSpec) -> None:
        self._check_name(spec.name)
        child = Cell(spec, self) if isinstance(spec, ActorSpec) else Service(spec, self)
        self._children[spec.name] = child
        try:
            await child.start()
        except Exception as error:
            child.give_up(error)
            raise ChildStartFailed(self.name, spec.name) from error
        except BaseException:  # whoever waited for the start does so no more
            child.command(Order.CANCEL)
            raise

    def _enter_ending(self) -> None:
        self._phase = _Phase.ENDING
        self._regroup.stop()

    async def _drain(self) -> None:
        peers: frozenset[str] = frozenset()
        if self._strategy is Strategy.ONE_FOR_ONE:
            spawned = self._children.keys() - self._specs.keys()
            peers = frozenset(n for n in spawned if isinstance(self._children[n], Cell))
        await drain_children(self._children, peers)

    def stop(self) -> None:
        """Ask `run` to drain the children in reverse start order and return."""
        if self._phase is _Phase.UP:
            self._phase = _Phase.ENDING
            self._up.cancel()

    # Children

    def spawn(self, spec: ActorSpec[M]) -> Ref[M]:
        """Add an actor. It costs no task until its first message.

        Raises:
            NameTaken: a living child has that name.
            SupervisorNotRunning: not yet, or no more.
        """
        self._check_name(spec.name)
        cell = self._children[spec.name] = Cell(spec, self)
        return Ref(cell)

    async def start(self, spec: ServiceSpec) -> None:
        """Add a service, and return when it is ready.

        Raises:
            ChildStartFailed: it crashed before it was ready, and is gone.
            NameTaken: a living child has that name.
            SupervisorNotRunning: not yet, or no more.
        """
        await self._start_child(spec)

    def _check_name(self, name: str) -> None:
        if self._phase is not _Phase.UP:
            raise SupervisorNotRunning(self.name)
        if name in self._children:
            raise NameTaken(name)

    def ref(self, name: str) -> Ref[Any]:
        """Return the ref of a living actor among the children.

        Raises:
            NoSuchChild: there is none of that name, or it is a service.
        """
        child = self._children.get(name)
        if not isinstance(child, Cell):
            raise NoSuchChild(self.name, name)
        return Ref(child)

    async def stop_child(self, name: str) -> None:
        """Drain one child, for at most its `drain_seconds`, and forget it.

        Raises:
            NoSuchChild: there is none of that name.
        """
        child = self._children.get(name)
        if child is None:
            raise NoSuchChild(self.name, name)
        await child.finish(Order.DRAIN, child.spec.drain_seconds)

    # What children report

    def child_over(self, child: Child, error: Exception | None) -> None:
        """A life crashed (`error`), or a service returned (None): decide what follows."""
        restart = child.spec.restart
        is_final = restart is Restart.TEMPORARY or (restart is Restart.TRANSIENT and error is None)
        if is_final or self._phase is not _Phase.UP:
            child.give_up(error)
            return
        now = trio.current_time()
        if isinstance(error, self._gives_up_on):
            self._give_up(child, error, ChildBeyondRestart(self.name, child.spec.name))
            return
        if not self._window.admit(now):
            self._escalate(child, error)
            return
        self._restarts += 1
        child.history.restarts += 1
        in_a_row = child.history.note_end(now, calm_seconds=self._intensity.within_seconds)
        delay_seconds = self._backoff.delay_seconds(in_a_row, self._random)
        if self._strategy is Strategy.ONE_FOR_ONE:
            child.restart(delay_seconds)
        else:
            self._regroup.add(child, delay_seconds)

    def _escalate(self, child: Child, error: Exception | None) -> None:
        intensity = self._intensity
        log.error(
            "restart_intensity_exceeded",
            supervisor=self.name,
            child=child.spec.name,
            restarts=intensity.restarts,
            within_seconds=intensity.within_seconds,
        )
        exceeded = RestartIntensityExceeded(
            self.name, child.spec.name, intensity.restarts, intensity.within_seconds
        )
        self._give_up(child, error, exceeded)

    def _give_up(self, child: Child, error: Exception | None, failure: ActorError) -> None:
        failure.__cause__ = error
        self._failure = failure
        self.stop()
        child.give_up(error)

    def child_ended(self, child: Child) -> None:
        """`child` ended for good: its name is free."""
        del self._children[child.spec.name]
