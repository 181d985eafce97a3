"""Restarts that children share: ONE_FOR_ALL and REST_FOR_ONE, one such restart at a time."""

from collections import deque
from collections.abc import Callable, Mapping
from itertools import dropwhile

import trio

from fh.actors.child import Child
from fh.actors.restart import Restart, Strategy
from fh.actors.state import Order, State


class Regroup:
    """Pauses the children a crash affects, waits, and starts them again.

    Its task, in the children's nursery, exists only while there is something to restart.
    """

    __slots__ = ("_children", "_due", "_failed", "_nursery", "_scope", "_strategy")

    def __init__(
        self,
        nursery: trio.Nursery,
        strategy: Strategy,
        children: Mapping[str, Child],
        failed: Callable[[Child, Exception], None],
    ) -> None:
        self._nursery = nursery
        self._strategy = strategy
        self._children = children  # live, in start order
        self._failed = failed  # told when a child crashes while it starts again
        self._due: deque[tuple[Child, float]] = deque()
        self._scope: trio.CancelScope | None = None  # of the task, running or about to

    def add(self, child: Child, delay_seconds: float) -> None:
        """Restart `child`, which is down, and those it drags along."""
        self._due.append((child, delay_seconds))
        if self._scope is None:
            self._scope = trio.CancelScope()
            self._nursery.start_soon(self._run, self._scope, name="regroup")

    def stop(self) -> None:
        """Restart nothing more; children that are down stay so."""
        self._due.clear()
        if self._scope is not None:
            self._scope.cancel()

    async def _run(self, scope: trio.CancelScope) -> None:
        with scope:
            while self._due:
                child, delay_seconds = self._due.popleft()
                if child.state is State.WAITING:  # not ended, nor up again with another group
                    await self._restart(child, delay_seconds)
        self._scope = None

    async def _restart(self, child: Child, delay_seconds: float) -> None:
        affected = self._affected_by(child)
        for other in reversed(affected):
            is_temporary = other.spec.restart is Restart.TEMPORARY
            order = Order.DRAIN if is_temporary else Order.PAUSE
            await other.finish(order, other.spec.drain_seconds)
        await trio.sleep(delay_seconds)
        for other in affected:
            if other.state is State.WAITING:  # neither ended nor asleep before its first life
                try:
                    await other.start()
                except Exception as error:  # noqa: BLE001 - here a child ends
                    self._failed(other, error)
                    return  # the rest starts with the next attempt

    def _affected_by(self, child: Child) -> list[Child]:
        children = list(self._children.values())
        if self._strategy is Strategy.ONE_FOR_ALL:
            return children
        return list(dropwhile(lambda other: other is not child, children))
