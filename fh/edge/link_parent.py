"""The parent's end of the link to one worker.

Questions are answered as they come, many at once, each by a task. Whatever the worker is slow to
read waits in a bounded queue, so that neither the bus nor another worker waits for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple, assert_never

import structlog
import trio

from fh.contracts.truth import SecondLook, TruthSource
from fh.contracts.updates import FeatureUpdates
from fh.edge.census import Census, Wanted
from fh.edge.dismissal import Dismissal
from fh.edge.engine_statistics import NOTHING_COUNTED
from fh.edge.link import (
    AccountFound,
    Answered,
    CensusTaken,
    Dismiss,
    Dismissed,
    Drain,
    EnvironmentFound,
    Figures,
    FindAccount,
    FindEnvironment,
    FrameReader,
    FrameTooLarge,
    FromWorker,
    LinkFault,
    NotNow,
    Question,
    Ready,
    Resync,
    SubmitUpdate,
    TakeCensus,
    UpdateTaken,
    decode_from_worker,
    encode_frame,
)
from fh.edge.link_queue import LinkQueue
from fh.errors import FeatureHubError, Unavailable
from fh.model.sdk_key import SdkKey

log = structlog.get_logger()

_ORDERS: Final = 16
_READ_BYTES: Final = 64 * 1024
_WRITE_BYTES: Final = 256 * 1024
_QUESTIONS: Final = 1024
"""How many are under way, or wait to be read, before no more are read. A worker has fewer."""


class WorkerBusy(Unavailable):
    """A worker has been asked too much already."""


class WorkerSilent(FeatureHubError):
    """A worker gave no sign of life."""


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """How much a worker may lag behind; how long it may say nothing, and a question may take."""

    announcements: int = 10_000
    announced_bytes: int = 32 * 1024 * 1024
    question_seconds: float = 5.0
    silence_seconds: float = 10.0


class _Outgoing(NamedTuple):
    frame: bytes
    is_answer: bool = False


_RESYNC: Final = _Outgoing(encode_frame(Resync()))


class ParentLink:
    """What a parent knows of one worker; a service, run once.

    Attributes:
        ready: Set when the worker takes connections.
        figures: What it counted last.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        truth: TruthSource,
        updates: FeatureUpdates,
        limits: LinkLimits,
    ) -> None:
        self._stream = stream
        self._truth = truth
        self._updates = updates
        self._limits = limits
        self._queue = LinkQueue(
            _RESYNC, most=limits.announcements, most_bytes=limits.announced_bytes
        )
        self._turns = trio.Semaphore(_QUESTIONS)
        self._reader = FrameReader()
        self._asked: dict[int, trio.MemorySendChannel[CensusTaken | Dismissed]] = {}
        self._number = 0
        self.ready = trio.Event()
        self.figures = Figures(NOTHING_COUNTED, 0)

    @property
    def dropped(self) -> int:
        """How many announcements the worker was too slow for."""
        return self._queue.dropped

    def announce(self, frame: bytes | None) -> None:
        """Have the worker told what the bus brought, or that it misses something."""
        if frame is None:
            self._queue.lag()
        else:
            self._queue.announce(_Outgoing(frame), len(frame))

    def order(self, frame: bytes) -> None:
        """Have the worker told to begin, or what operators want of it."""
        self._queue.put(_Outgoing(frame))

    async def census(self, wanted: Wanted) -> Census:
        """Return who has streams at the worker; whoever asks bounds the wait.

        Raises:
            WorkerBusy: it has not answered what it was asked before.
        """
        answer = await self._ask(lambda number: TakeCensus(number, wanted))
        assert isinstance(answer, CensusTaken), "asked for a census"
        return answer.census

    async def dismiss(self, dismissal: Dismissal) -> int:
        """Have the worker say goodbye to streams, and return to how many; see `census`."""
        answer = await self._ask(lambda number: Dismiss(number, dismissal))
        assert isinstance(answer, Dismissed), "asked for a dismissal"
        return answer.streams

    async def _ask(self, order: Callable[[int], TakeCensus | Dismiss]) -> CensusTaken | Dismissed:
        if len(self._asked) >= _ORDERS:
            raise WorkerBusy(f"{len(self._asked)} orders are under way")
        self._number += 1
        number = self._number
        send, receive = trio.open_memory_channel[CensusTaken | Dismissed](1)
        self._asked[number] = send
        try:
            self._queue.put(_Outgoing(encode_frame(order(number))))
            return await receive.receive()
        finally:
            # Given up, its answer will find nobody.
            self._asked.pop(number, None)

    def drain(self) -> None:
        """Have the worker say goodbye to its streams and end."""
        self._queue.put(_Outgoing(encode_frame(Drain())))

    async def run(self) -> None:
        """Serve until the worker is gone.

        Raises:
            WorkerSilent: it has not been heard of for too long.
            LinkFault: it said what it never should.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._send)
            failure = await self._listen(nursery)
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _listen(self, nursery: trio.Nursery) -> FeatureHubError | None:
        while True:
            data = await self._receive()
            if data is None:
                return WorkerSilent(f"not a word for {self._limits.silence_seconds:g} s")
            if not data:
                return None
            try:
                for text in self._reader.receive(data):
                    await self._hear(decode_from_worker(text), nursery)
            except LinkFault as fault:
                return fault

    async def _receive(self) -> bytes | None:
        """Return what arrived; empty at the end, None after too long a silence."""
        # In two halves: after a pause of ours there may be much to read, but time is over as well.
        seconds = self._limits.silence_seconds / 2 if self.ready.is_set() else inf
        for _ in range(2):
            with trio.move_on_after(seconds):
                try:
                    return bytes(await self._stream.receive_some(_READ_BYTES))
                except trio.BrokenResourceError:
                    return b""
        return None

    async def _hear(self, message: FromWorker, nursery: trio.Nursery) -> None:
        match message:
            case FindEnvironment() | FindAccount() | SubmitUpdate():
                # Held back, a worker that does not read its answers can ask no more.
                await self._turns.acquire()
                nursery.start_soon(self._answer, message)
            case Ready():
                self.ready.set()
            case Figures():
                self.figures = message
            case CensusTaken(number) | Dismissed(number):
                if (asked := self._asked.pop(number, None)) is not None:
                    asked.send_nowait(message)
            case _:
                assert_never(message)

    # Answers ----------------------------------------------------------------------------------

    async def _answer(self, question: Question) -> None:
        number = question.number
        answered: Answered = NotNow(number, "no answer in time")
        with trio.move_on_after(self._limits.question_seconds):
            try:
                answered = await self._answered(question)
            except Unavailable as away:
                answered = NotNow(number, str(away))
            except Exception:
                # A request ends here: a bug behind one question must not cost the worker's streams.
                log.exception("worker_not_answered", question=type(question).__name__)
                answered = NotNow(number, "something went wrong")
        try:
            frame = encode_frame(answered)
        except FrameTooLarge as refusal:
            log.error("worker_not_answered", reason=str(refusal))  # noqa: TRY400  the reason says it all
            frame = encode_frame(NotNow(number, str(refusal)))
        self._queue.put(_Outgoing(frame, is_answer=True))

    async def _answered(self, question: Question) -> Answered:
        match question:
            case FindEnvironment(number, environment_id):
                return EnvironmentFound(number, await self._truth.load_environment(environment_id))
            case FindAccount(number, secret, environment_id):
                if environment_id is not None and isinstance(self._truth, SecondLook):
                    await self._truth.look_again(SdkKey(environment_id, secret))
                return AccountFound(number, await self._truth.load_account(secret))
            case SubmitUpdate(number, update):
                await self._updates.submit(update)
                return UpdateTaken(number)
            case _:
                assert_never(question)

    # Writing ----------------------------------------------------------------------------------

    async def _send(self) -> None:
        while True:
            first = await self._queue.take()
            frames, answers = self._batch(first)
            try:
                await self._stream.send_all(b"".join(frames))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return  # The worker is gone; whoever listens to it says so.
            for _ in range(answers):
                self._turns.release()

    def _batch(self, first: _Outgoing) -> tuple[list[bytes], int]:
        """Return what leaves together, and how many answers are in it."""
        frames, answers, size = [first.frame], int(first.is_answer), len(first.frame)
        while size < _WRITE_BYTES and self._queue:
            following = self._queue.take_nowait()
            frames.append(following.frame)
            answers += following.is_answer
            size += len(following.frame)
        return frames, answers
