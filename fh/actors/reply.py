"""Asking: the answer someone waits for, and the right to give it."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import trio

from fh.actors.errors import AskFailed

if TYPE_CHECKING:
    from fh.actors.timers import Timer

T = TypeVar("T")
M = TypeVar("M")


class Promise(Generic[T]):
    """One question's answer, at the asker's side. Whoever settles it first decides."""

    __slots__ = ("_answer", "_error", "_pending", "_task", "_token", "actor", "is_settled")

    _answer: T  # only there once settled without an error

    def __init__(self, actor: str) -> None:
        self.actor = actor
        self.is_settled = False
        self._error: Exception | None = None
        self._task: trio.lowlevel.Task | None = None
        self._token: trio.lowlevel.TrioToken | None = None
        self._pending: dict[Promise[T], None] | None = None

    def enter(self, pending: "dict[Promise[T], None]") -> None:
        """Stay in `pending`, the questions a life has yet to answer, until settled."""
        if not self.is_settled:
            self._pending = pending
            pending[self] = None

    def answer(self, value: T) -> None:
        """Wake the asker with `value`."""
        if not self.is_settled:
            self._answer = value
            self._settle()

    def fail(self, error: Exception) -> None:
        """Wake the asker with `error`."""
        if not self.is_settled:
            self._error = error
            self._settle()

    def fail_from_any_thread(self, error: Exception) -> None:
        """As `fail`, where the caller may be a garbage collection in a foreign thread."""
        if self._token is None or trio.lowlevel.in_trio_run():
            self.fail(error)
        else:
            self._token.run_sync_soon(self.fail, error)

    def _settle(self) -> None:
        self.is_settled = True
        if self._pending is not None:
            self._pending.pop(self, None)
        if self._task is not None:
            trio.lowlevel.reschedule(self._task)
            self._task = None

    async def wait(self) -> T:
        """Return the answer, or raise the error. No checkpoint when it is already there."""
        if not self.is_settled:
            self._task = trio.lowlevel.current_task()
            self._token = trio.lowlevel.current_trio_token()
            await trio.lowlevel.wait_task_rescheduled(self._abort)
        if self._error is not None:
            error, self._error = self._error, None  # no cycle through the traceback
            raise error
        return self._answer

    def _abort(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self._task = None
        self.is_settled = True  # nobody waits any more: a late answer is ignored
        if self._pending is not None:
            self._pending.pop(self, None)
        return trio.lowlevel.Abort.SUCCEEDED


class Reply(Generic[T]):
    """The right to answer one question, once. It travels in a message.

    Dropped without an answer, it raises `AskFailed` at the asker.
    """

    __slots__ = ("_promise",)

    def __init__(self, promise: Promise[T]) -> None:
        self._promise = promise

    def send(self, value: T) -> None:
        """Answer. Ignored when it is the second answer, or nobody waits any more."""
        self._promise.answer(value)

    def fail(self, error: Exception) -> None:
        """Raise `error` at the asker. Ignored as in `send`."""
        self._promise.fail(error)

    def __del__(self) -> None:
        promise = self._promise
        if not promise.is_settled:
            promise.fail_from_any_thread(AskFailed(promise.actor, "the reply was dropped"))


class Envelope(Generic[M]):
    """A message that somebody cares about beyond its being told: an ask, a tick, a notice."""

    __slots__ = ("message", "promise", "timer")

    def __init__(
        self, message: M, promise: "Promise[Any] | None" = None, timer: "Timer | None" = None
    ) -> None:
        self.message = message
        self.promise = promise
        self.timer = timer

    @property
    def is_notice(self) -> bool:
        """Whether this is a monitor's notice, which nothing may replace."""
        return self.promise is None and self.timer is None

    def discard(self, error: Exception) -> None:
        """Give up on the message before it was handled."""
        if self.promise is not None:
            self.promise.fail(error)
        if self.timer is not None:
            self.timer.tick_left_mailbox()
