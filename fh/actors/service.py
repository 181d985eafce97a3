"""A long-running async function as a child: listeners, pools, nested supervisors."""

import structlog
import trio

from fh.actors.child import Owner, ServiceSpec, ServiceStatistics
from fh.actors.restart import History
from fh.actors.state import Order, State
from fh.errors import FeatureHubError

log = structlog.get_logger()


class _Start:
    """One start that somebody waits for; the `task_status` of the life."""

    __slots__ = ("_settled", "error", "is_settled")

    def __init__(self) -> None:
        self._settled = trio.Event()
        self.is_settled = False
        self.error: Exception | None = None

    def started(self, _value: object = None) -> None:
        """Note that the service is ready."""
        self.settle(None)

    def settle(self, error: Exception | None) -> None:
        if not self.is_settled:
            self.is_settled = True
            self.error = error
            self._settled.set()

    async def wait(self) -> None:
        await self._settled.wait()


class Service:
    """The inside of one service."""

    __slots__ = (
        "_ended", "_order", "_owner", "_paused", "_scope", "_start", "history", "spec", "state",
    )  # fmt: skip

    def __init__(self, spec: ServiceSpec, owner: Owner) -> None:
        self.spec = spec
        self.state = State.NEW
        self.history = History()
        self._owner = owner
        self._order: Order | None = None
        self._scope: trio.CancelScope | None = None  # of the life's task, running or about to
        self._start = _Start()
        self._paused: trio.Event | None = None
        self._ended = trio.Event()

    def statistics(self) -> ServiceStatistics:
        """Return the figures at this moment."""
        return ServiceStatistics(
            self.spec.name, self.state, self.history.crashes, self.history.restarts
        )

    async def start(self) -> None:
        """Begin a life; return when it is ready, has returned, or was ordered to end.

        Raises:
            Exception: it crashed before it was ready; what follows is up to the caller.
        """
        self._order = None  # it was PAUSE
        if self._start.is_settled:
            self._start = _Start()
        start = self._start
        self._launch(0.0)
        await start.wait()
        if start.error is not None:
            raise start.error

    def restart(self, delay_seconds: float) -> None:
        """Begin the next life after `delay_seconds`."""
        self._launch(delay_seconds)

    def _launch(self, delay_seconds: float) -> None:
        self.state = State.WAITING
        self._scope = trio.CancelScope()
        self._owner.nursery.start_soon(self._live, delay_seconds, name=self.spec.name)

    async def _live(self, delay_seconds: float) -> None:
        assert self._scope is not None  # made before the task began, so that it can be cancelled
        error: Exception | None = None
        try:
            with self._scope:
                await trio.sleep(delay_seconds)
                self.state = State.RUNNING
                await self.spec.run(task_status=self._start)
        except Exception as crash:
            error = crash
            self.history.crashes += 1
            # A refusal says what happened in its own words, a bug is told by its traceback.
            told = {"reason": str(crash)} if isinstance(crash, FeatureHubError) else {}
            log.warning(
                "service_crashed",
                service=self.spec.name,
                supervisor=self._owner.name,
                exc_info=None if told else crash,
                **told,
            )
        except BaseException:  # the whole tree is cancelled or interrupted
            self._end()
            raise
        self._scope = None
        self.state = State.WAITING
        if self._paused is not None:
            self._paused.set()
        if self._order is Order.PAUSE:
            pass  # whoever ordered it starts it again
        elif self._order is not None:
            self._end()
        elif error is not None and not self._start.is_settled:
            self._start.settle(error)  # for the starter to decide
        else:
            self._start.settle(None)
            self._owner.child_over(self, error)

    async def wait_ended(self) -> None:
        """Return when the service has ended for good."""
        await self._ended.wait()

    def give_up(self, error: Exception | None) -> None:  # noqa: ARG002 - as for actors
        """End for good; no life follows."""
        self._end()

    def _end(self) -> None:
        if self.state is not State.ENDED:
            self.state = State.ENDED
            self._start.settle(None)
            self._ended.set()
            self._owner.child_ended(self)

    def command(self, order: Order) -> None:
        """Take an order, unless there is one at least as strong."""
        if self.state is State.ENDED or (self._order is not None and order <= self._order):
            return
        self._order = order
        if self._scope is None:  # between two lives, where nobody orders a pause
            self._end()
        elif order is Order.CANCEL or self.state is State.WAITING or self.spec.drain is None:
            self._scope.cancel()
        else:
            try:
                self.spec.drain()
            except Exception as error:
                log.warning("service_drain_failed", service=self.spec.name, exc_info=error)
                self._scope.cancel()

    async def finish(self, order: Order, patience_seconds: float) -> None:
        """Order PAUSE or DRAIN, cancel after `patience_seconds`, return when it is done."""
        is_done = self._ended
        if order is Order.PAUSE:
            if self._scope is None:
                return  # there is no life to pause
            is_done = self._paused = trio.Event()
        self.command(order)
        with trio.move_on_after(patience_seconds):
            await is_done.wait()
        if not is_done.is_set():
            if self.spec.drain is not None:  # the others know no other end
                log.warning("service_cancelled", service=self.spec.name, seconds=patience_seconds)
            assert self._scope is not None  # there is a life that is not over
            self._scope.cancel()
            await is_done.wait()
