"""The asyncio island: the one place where asyncio runs.

asyncpg, nats-py and the like are asyncio libraries; everything else here is trio. They run on one
asyncio loop in one side thread, which trio reaches by two verbs:

- `Island.call` awaits a coroutine over there, and takes cancellation with it;
- `Island.inbox` gives an asyncio callback a bounded place to put values for trio.

Crossing costs a wake-up of the other thread each way, so cross once per unit of work (a whole
transaction), not once per statement.
"""

import asyncio
import contextlib
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import outcome
import structlog
import trio

from fh.errors import Unavailable
from fh.inbox import Inbox

__all__ = ["Inbox", "Island", "IslandDown"]

log = structlog.get_logger()

T = TypeVar("T")

_STOP_SECONDS = 10.0  # what a cancelled coroutine may take to end before it is abandoned
_FAREWELL_TURNS = 5  # of the loop, in which transports that were just closed really close


class IslandDown(Unavailable):
    """The asyncio side is not running, or ended before the call did."""

    def __init__(self) -> None:
        super().__init__("the asyncio island is not running")


class Island:
    """One asyncio loop (uvloop where it is installed) in one side thread.

    A service: `run` starts the loop and ends it. It may be run again after it ended.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._crossings: set[_Crossing] = set()
        self._farewells: dict[object, Callable[[], None]] = {}
        self._inboxes: weakref.WeakSet[Inbox[Any]] = weakref.WeakSet()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the loop alive until cancelled; then cancel what runs on it and wait for the end.

        Raises:
            RuntimeError: it is running already.
            Exception: whatever broke the loop itself; callers have got `IslandDown`.
        """
        if self._loop is not None:
            raise RuntimeError("this island is running already")
        visit = _Visit(trio.lowlevel.current_trio_token(), self._farewells)
        # A daemon: if trio is gone without having run our clean-up, Python must still be able to
        # exit.
        thread = threading.Thread(target=visit.serve, name="asyncio-island", daemon=True)
        thread.start()
        try:
            with trio.CancelScope(shield=True):  # milliseconds; without the loop nothing can stop
                await visit.up.wait()
            self._loop = visit.loop
            log.debug("island_started", loop=type(visit.loop).__module__)
            task_status.started()
            await visit.ended.wait()
        finally:
            self._loop = None
            visit.request_stop()
            # Bounded by the thread itself, in real time: a mock clock must not abandon it.
            with trio.CancelScope(shield=True):
                await visit.ended.wait()
            thread.join()  # It said so in its last statement: this takes microseconds.
            for crossing in list(self._crossings):
                crossing.fail(IslandDown())
            for inbox in list(self._inboxes):
                inbox.fail(IslandDown())
            log.debug("island_stopped")
        if visit.crash is not None:
            raise visit.crash

    async def call(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await on the island the coroutine that `make` returns; return or raise what it does.

        `make` itself is called on the island too, in a copy of this task's context. Cancelling
        this call cancels the coroutine and waits until it has ended: a transaction that was
        cancelled is over when this returns. A coroutine that completes in spite of the
        cancellation (it was past its point of no return) still gives its value.

        Raises:
            IslandDown: the island is not running, or stopped meanwhile.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        loop = self._loop
        if loop is None:
            raise IslandDown
        crossing = _Crossing(make, loop)
        self._crossings.add(crossing)
        try:
            loop.call_soon_threadsafe(crossing.depart)
            arrived: T = await trio.lowlevel.wait_task_rescheduled(crossing.abort)
            return arrived
        finally:
            self._crossings.discard(crossing)

    def inbox(self, capacity: int) -> Inbox[T]:
        """Return a queue from asyncio to this trio run that holds at most `capacity` values."""
        inbox: Inbox[T] = Inbox(capacity)
        self._inboxes.add(inbox)
        return inbox

    def at_stop(self, farewell: Callable[[], None]) -> Callable[[], None]:
        """Have `farewell` called when the island stops; return what takes that back.

        For what outlives the call that opened it, like a connection: cut it there, in case the
        island stops before its owner could close it. Use both only on the island itself.
        """
        key = object()
        self._farewells[key] = farewell

        def take_back() -> None:
            self._farewells.pop(key, None)

        return take_back


class _Visit:
    """One life of the loop and its thread."""

    def __init__(
        self, token: trio.lowlevel.TrioToken, farewells: dict[object, Callable[[], None]]
    ) -> None:
        self._farewells = farewells
        self.up = trio.Event()
        self.ended = trio.Event()
        self.crash: BaseException | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._token = token
        self._stop: asyncio.Event | None = None

    def serve(self) -> None:
        """Be the thread."""
        try:
            loop = _new_loop()
            try:
                loop.set_exception_handler(_log_unhandled)
                loop.run_until_complete(self._live(loop))
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.run_until_complete(loop.shutdown_default_executor())
            finally:
                loop.close()
        except BaseException as error:  # noqa: BLE001 - handed to trio, where run() raises it
            self.crash = error
        with contextlib.suppress(trio.RunFinishedError):  # nobody is left to be told
            self._token.run_sync_soon(self._set_ended)

    async def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._stop = asyncio.Event()
        self._token.run_sync_soon(self.up.set)
        await self._stop.wait()
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        if running:
            _, stuck = await asyncio.wait(running, timeout=_STOP_SECONDS)
            for task in stuck:
                log.error("island_task_abandoned", task=repr(task))
        while self._farewells:
            self._farewells.popitem()[1]()
        for _ in range(_FAREWELL_TURNS):
            await asyncio.sleep(0)

    def request_stop(self) -> None:
        """Let the thread end; does nothing when it has."""
        if self.loop is None or self._stop is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed: ended by itself
            self.loop.call_soon_threadsafe(self._stop.set)

    def _set_ended(self) -> None:
        self.up.set()  # a loop that could not be made never came up
        self.ended.set()


class _Crossing:
    """One coroutine on the island and the trio task that waits for it."""

    def __init__(
        self, make: Callable[[], Coroutine[Any, Any, Any]], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._make = make
        self._loop = loop
        self._waiting: trio.lowlevel.Task | None = trio.lowlevel.current_task()
        self._token = trio.lowlevel.current_trio_token()
        self._raise_cancel: trio.lowlevel.RaiseCancelT | None = None
        self._task: asyncio.Task[Any] | None = None

    # On the island's thread.

    def depart(self) -> None:
        try:
            self._task = self._loop.create_task(self._make())
        except Exception as error:  # noqa: BLE001 - make() itself failed; the caller gets it
            self._send(outcome.Error(error))
        else:
            self._task.add_done_callback(self._arrive)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _arrive(self, task: "asyncio.Task[Any]") -> None:
        if task.cancelled():
            self._send(None)
        elif (error := task.exception()) is not None:
            self._send(outcome.Error(error))
        else:
            self._send(outcome.Value(task.result()))

    def _send(self, ended: outcome.Maybe[Any] | None) -> None:
        with contextlib.suppress(trio.RunFinishedError):  # nobody is left to be told
            self._token.run_sync_soon(self._resume, ended)

    # On trio's thread.

    def abort(self, raise_cancel: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
        self._raise_cancel = raise_cancel
        # The loop runs callbacks in order, so this finds the task that depart() made.
        with contextlib.suppress(RuntimeError):  # closed: the outcome is on its way already
            self._loop.call_soon_threadsafe(self._cancel)
        return trio.lowlevel.Abort.FAILED

    def _resume(self, ended: outcome.Maybe[Any] | None) -> None:
        if ended is not None:
            self._reschedule(ended)
        elif self._raise_cancel is not None:
            self._reschedule(outcome.capture(self._raise_cancel))
        else:  # cancelled, but not by us: the island stops
            self.fail(IslandDown())

    def fail(self, error: Exception) -> None:
        self._reschedule(outcome.Error(error))

    def _reschedule(self, ended: outcome.Maybe[Any]) -> None:
        if (task := self._waiting) is not None:
            self._waiting = None
            trio.lowlevel.reschedule(task, ended)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - optional: there is none on some platforms
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _log_unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what asyncio would print: a callback or a forgotten task failed."""
    log.error(
        "island_callback_failed",
        reason=context.get("message"),
        exc_info=context.get("exception"),
    )
