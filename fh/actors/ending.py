"""How a life of an actor ends, and how an actor ends for good.

Functions on a `Cell`, apart from it because they are a subject of their own: crashes (`fall`,
`decide`), orders (`command`, `obey`, `finish`) and the end that all of them may lead to.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
import trio

from fh.actors.actor import Actor
from fh.actors.errors import ActorStopped, AskFailed
from fh.actors.monitor import Ended, Monitor
from fh.actors.state import Order, State

if TYPE_CHECKING:
    from fh.actors.cell import Cell

log = structlog.get_logger()


def crash(cell: "Cell[Any]", error: Exception) -> None:
    """The life crashed: close it and decide what follows."""
    fall(cell, error)
    decide(cell, error)


def fall(cell: "Cell[Any]", error: Exception) -> None:
    """Close a life that crashed; its asks fail, chained to `error`."""
    log.warning("actor_crashed", actor=cell.spec.name, supervisor=cell.owner.name, exc_info=error)
    cell.history.crashes += 1
    failure = AskFailed(cell.spec.name, "it crashed")
    failure.__cause__ = error
    _close_life(cell, failure)


def decide(cell: "Cell[Any]", error: Exception) -> None:
    """Let the supervisor decide about the next life, unless an order already did."""
    if cell.is_closed:
        end(cell, error)
    elif cell.order is None:
        cell.owner.child_over(cell, error)
    # else PAUSE: whoever paused it starts it again


def _close_life(cell: "Cell[Any]", error: Exception) -> None:
    cell.actor = cell.scope = cell.task = None
    cell.state = State.WAITING
    if cell.some_extras is not None:
        cell.some_extras.close_life(error)


def end(cell: "Cell[Any]", error: Exception | None) -> None:
    """End for good: refuse what is queued, tell the supervisor and all who watch."""
    name = cell.spec.name
    _close_life(cell, ActorStopped(name))
    cell.state = State.ENDED
    cell.order = Order.CANCEL  # closes the mailbox
    _refuse(cell)
    cell.queue = None
    cell.owner.child_ended(cell)
    if cell.spec.ended is not None:
        cell.spec.ended(Ended(name, error))
    if cell.some_extras is not None:
        cell.some_extras.end(Ended(name, error))


def _refuse(cell: "Cell[Any]") -> None:
    """Refuse what the order does not want handled; nothing new is told."""
    if cell.some_extras is not None:
        cell.some_extras.cancel_timers()
    if cell.queue is not None:
        if cell.order is Order.DRAIN:
            cell.queue.refuse_senders()
        else:
            cell.queue.refuse_all()


def command(cell: "Cell[Any]", order: Order) -> None:
    """Take an order, unless there is one at least as strong."""
    if cell.order is not None and order <= cell.order:
        return
    cell.order = order
    if order is not Order.PAUSE:
        _refuse(cell)
    match cell.state:
        case State.RUNNING:
            # An inline turn (no scope), and all but CANCEL: looks when the message is handled.
            if order is Order.CANCEL and cell.scope is not None:
                cell.scope.cancel()
        case State.WAITING:
            _command_waiting(cell, order)
        case _ if wants_goodbye(cell):
            cell.wake(cell.work)
        case _:
            cell.rest()


def _command_waiting(cell: "Cell[Any]", order: Order) -> None:
    if order is Order.PAUSE:
        return  # there is no life to pause
    if cell.scope is None:
        end(cell, None)
    elif not cell.queue:  # still one there: the order is DRAIN, and the next life obeys it
        cell.scope.cancel()


def obey(cell: "Cell[Any]") -> None:
    """The turns are over and goodbye is said: pause or end as ordered."""
    if cell.order is Order.PAUSE:
        _close_life(cell, AskFailed(cell.spec.name, "it was restarted"))
    else:
        end(cell, None)


def wants_goodbye(cell: "Cell[Any]") -> bool:
    """Whether `stopped()` is to be called before the actor obeys its order."""
    return (
        cell.actor is not None
        and cell.order is not Order.CANCEL
        and type(cell.actor).stopped is not Actor.stopped
    )


async def say_goodbye(cell: "Cell[Any]", seconds: float) -> None:
    """Call `stopped()` if there is one, for at most `seconds`; its failure is only logged."""
    is_wanted, actor, cell.actor = wants_goodbye(cell), cell.actor, None
    if actor is None or not is_wanted:
        return
    try:
        with trio.move_on_after(seconds, shield=True) as scope:
            await actor.stopped()
    except Exception as error:
        log.warning("actor_stop_failed", actor=cell.spec.name, exc_info=error)
    else:
        if scope.cancelled_caught:
            log.warning("actor_stop_timed_out", actor=cell.spec.name, seconds=seconds)


async def finish(cell: "Cell[Any]", order: Order, patience_seconds: float) -> None:
    """Order PAUSE or DRAIN, cancel after `patience_seconds`, return when it is done."""
    is_pause = order is Order.PAUSE
    if cell.state is State.NEW and is_pause:
        return  # there is no life yet
    if cell.is_idle:
        # Here and now: ending 100,000 idle actors must not take as many tasks.
        cell.order, cell.state = order, State.RUNNING
        if not is_pause:
            _refuse(cell)
        await say_goodbye(cell, min(patience_seconds, cell.spec.drain_seconds))
        cell.rest()
        return
    command(cell, order)
    is_done = wait_ended
    if is_pause:
        is_done = _wait_paused
    with trio.move_on_after(patience_seconds) as patience:
        await is_done(cell)
    if patience.cancelled_caught:
        log.warning("actor_cancelled", actor=cell.spec.name, seconds=patience_seconds)
        if not is_pause:
            command(cell, Order.CANCEL)
        elif cell.scope is not None:
            cell.scope.cancel()
        await is_done(cell)


async def _wait_paused(cell: "Cell[Any]") -> None:
    if cell.state is State.RUNNING:
        cell.extras.paused = trio.Event()
        await cell.extras.paused.wait()


async def wait_ended(cell: "Cell[Any]") -> None:
    """Return when the actor has ended for good."""
    if cell.state is not State.ENDED:
        await cell.extras.ended.wait()


def watch(cell: "Cell[Any]", callback: Callable[[Ended], None]) -> Monitor:
    """Run `callback` when the actor ends for good; now if it has."""
    monitor = Monitor(callback, cell.extras.watchers)
    if cell.state is State.ENDED:
        monitor.cancel()
        monitor.notify(cell.extras.ended_as or Ended(cell.spec.name, None))
    return monitor
