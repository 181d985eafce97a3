"""A worker's end of the link to its parent: the ports that an Edge and its Dacha need.

What arrives is read at once, whoever is busy: answers go to those who asked, announcements into a
bounded queue. An environment that is being loaded takes no announcements, and the answer that it
waits for must not wait behind them.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar, assert_never

import structlog
import trio

from fh.bus.port import Delivery, Reconnected, TimedSubscriber
from fh.contracts.published import CacheServiceAccount, PublishEnvironment
from fh.contracts.updates import StreamedFeatureUpdate
from fh.edge.link import (
    AccountFound,
    Announced,
    Answered,
    Begin,
    Dismiss,
    Drain,
    EnvironmentFound,
    FindAccount,
    FindEnvironment,
    FrameReader,
    FrameTooLarge,
    FromParent,
    LinkFault,
    NotNow,
    Order,
    Question,
    Report,
    Resync,
    SubmitUpdate,
    TakeCensus,
    UpdateTaken,
    decode_delivery,
    decode_from_parent,
    encode_frame,
)
from fh.edge.link_queue import LinkQueue
from fh.edge.orders import Standing
from fh.errors import Unavailable
from fh.model.ids import EnvironmentId
from fh.model.sdk_key import SdkKey

log = structlog.get_logger()

_READ_BYTES: Final = 64 * 1024
_DELIVERIES: Final = 10_000
_DELIVERED_BYTES: Final = 32 * 1024 * 1024
_ORDERS: Final = 64
_QUESTIONS: Final = 512
_WAITING_FRAMES: Final = 2 * _QUESTIONS

A = TypeVar("A", bound=Answered)


class ParentGone(Unavailable):
    """The parent ended, or never began."""


class ParentBusy(Unavailable):
    """The parent can't say for now, or has been asked too much already."""


@dataclass(slots=True)
class _Asked:
    settled: trio.Event
    answer: Answered | None = None


class WorkerLink:
    """The ports `TruthSource` and `FeatureUpdates` over the link; a service, run once.

    Attributes:
        draining: Set when the parent wants the worker to end, and when it is gone.
        standing: What operators want, as the parent said last.
        orders: What the parent wants done; after each `standing` is to be looked at.
        fault: What it said that it never should; then the link is at its end.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._reader = FrameReader()
        self._to_send, self._sent = trio.open_memory_channel[bytes](_WAITING_FRAMES)
        self._deliveries: LinkQueue[tuple[Delivery, float | None]] = LinkQueue(
            (Reconnected(), None), most=_DELIVERIES, most_bytes=_DELIVERED_BYTES
        )
        self._asked: dict[int, _Asked] = {}
        self._number = 0
        self._settings: bytes | None = None
        self.standing = Standing()
        self._to_do, self.orders = trio.open_memory_channel[Order](_ORDERS)
        self._began = trio.Event()
        self._is_over = False
        self.draining = trio.Event()
        self.fault: LinkFault | None = None

    async def run(self) -> None:
        """Listen and speak until the parent is gone."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._send)
                await self._listen()
                nursery.cancel_scope.cancel()
        finally:
            self._end()

    async def settings(self) -> bytes:
        """Wait for the parent's first word and return the settings in it, a JSON text.

        Raises:
            ParentGone: it never came.
        """
        await self._began.wait()
        if self._settings is None:
            raise ParentGone("the parent never began")
        return self._settings

    async def pass_on(
        self,
        subscriber: TimedSubscriber,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Hand what the bus brought to `subscriber`, until cancelled."""
        task_status.started()
        while True:
            await subscriber(*await self._deliveries.take())

    def report(self, message: Report) -> None:
        """Tell the parent; without room for it, not this time."""
        with suppress(trio.WouldBlock):
            self._to_send.send_nowait(encode_frame(message))

    # Ports ------------------------------------------------------------------------------------

    async def load_environment(self, environment_id: EnvironmentId) -> PublishEnvironment | None:
        """Return what the parent knows.

        Raises:
            Unavailable: it can't say for now, or is gone.
        """
        found = await self._ask(lambda number: FindEnvironment(number, environment_id))
        return _of(found, EnvironmentFound).environment

    async def load_account(self, secret: str) -> CacheServiceAccount | None:
        """Return what the parent knows.

        Raises:
            Unavailable: it can't say for now, or is gone.
        """
        found = await self._ask(lambda number: FindAccount(number, secret))
        return _of(found, AccountFound).account

    async def look_again(self, key: SdkKey) -> None:
        """Have the parent look again.

        Raises:
            Unavailable: it can't for now, or is gone.
        """
        environment_id, secret = key.environment_id, key.secret
        await self._ask(lambda number: FindAccount(number, secret, environment_id))

    async def submit(self, update: StreamedFeatureUpdate) -> None:
        """Have the parent hand `update` on.

        Raises:
            Unavailable: it could not, or is gone.
        """
        _of(await self._ask(lambda number: SubmitUpdate(number, update)), UpdateTaken)

    async def _ask(self, question: Callable[[int], Question]) -> Answered:
        if self._is_over:
            raise ParentGone("the parent is gone")
        if len(self._asked) >= _QUESTIONS:
            raise ParentBusy(f"{len(self._asked)} questions are under way")
        self._number += 1
        number = self._number
        asked = self._asked[number] = _Asked(trio.Event())
        try:
            self._to_send.send_nowait(encode_frame(question(number)))
            await asked.settled.wait()
        except trio.WouldBlock:
            raise ParentBusy("the parent does not read") from None
        except FrameTooLarge as refusal:
            raise ParentBusy(str(refusal)) from refusal
        finally:
            # Given up, its answer will find nobody.
            self._asked.pop(number, None)
        match asked.answer:
            case None:
                raise ParentGone("the parent is gone")
            case NotNow(_, reason):
                raise ParentBusy(reason)
            case answer:
                return answer

    # Listening --------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            try:
                data = bytes(await self._stream.receive_some(_READ_BYTES))
            except trio.BrokenResourceError:
                return
            if not data:
                return
            try:
                for text in self._reader.receive(data):
                    self._hear(decode_from_parent(text), len(text))
            except LinkFault as fault:
                # Streams that are open are still told goodbye.
                log.exception("parent_not_understood")
                self.fault = fault
                return

    def _hear(self, message: FromParent, size_bytes: int) -> None:
        match message:
            case Begin(settings):
                self._settings = bytes(settings)
                self._began.set()
            case Announced() | Resync():
                committed_at = message.committed_at if isinstance(message, Announced) else None
                self._deliveries.announce((decode_delivery(message), committed_at), size_bytes)
            case EnvironmentFound() | AccountFound() | UpdateTaken() | NotNow():
                if asked := self._asked.get(message.number):
                    asked.answer = message
                    asked.settled.set()
            case Standing() | TakeCensus() | Dismiss():
                if isinstance(message, Standing):
                    self.standing = message
                # The parent waits for answers; without room for one more, it does so in vain.
                with suppress(trio.WouldBlock):
                    self._to_do.send_nowait(message)
            case Drain():
                self.draining.set()
            case _:
                assert_never(message)

    async def _send(self) -> None:
        async for frame in self._sent:
            try:
                await self._stream.send_all(frame)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return  # The parent is gone; whoever listens to it says so.

    def _end(self) -> None:
        self._is_over = True
        self._began.set()
        self.draining.set()
        for asked in self._asked.values():
            asked.settled.set()


def _of(answer: Answered, kind: type[A]) -> A:
    """Return `answer`, which is the parent's answer to a question of that kind."""
    assert isinstance(answer, kind), f"asked for {kind.__name__}"
    return answer
