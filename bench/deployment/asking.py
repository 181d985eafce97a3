"""Many HTTP questions, so many at a time, over connections that are kept; how long each took."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Self

import trio

from bench.load.percentiles import percentile

_PIECE_BYTES = 65_536
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_QUESTION_SECONDS = 300.0
_NOT_NOW = 503


class UnexpectedAnswer(Exception):
    """What came back is not what was wanted, has no length, or ended too early."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request without a body; `headers` are whole lines."""

    port: int
    path: str
    headers: str = ""

    def encoded(self) -> bytes:
        """Return what is sent."""
        return f"GET {self.path} HTTP/1.1\r\nHost: bench\r\n{self.headers}\r\n".encode()


@dataclass(slots=True)
class Answers:
    """How long each answer took, what they said, and how long all of them took together.

    Who is told to come `later` (503) asks again at once; that is part of the time.
    """

    latencies_seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    later: int = 0

    @property
    def per_second(self) -> float:
        """How many came in a second."""
        return len(self.latencies_seconds) / self.seconds

    @property
    def middle_ms(self) -> float:
        """The median, in milliseconds."""
        return median(self.latencies_seconds) * 1e3

    @property
    def slow_ms(self) -> float:
        """What 99 % of them did not exceed, in milliseconds."""
        return percentile(sorted(self.latencies_seconds), 99) * 1e3

    def only(self, *statuses: int) -> Self:
        """Return itself if nothing but `statuses` was answered.

        Raises:
            UnexpectedAnswer: something else was.
        """
        if set(self.statuses).difference(statuses):
            raise UnexpectedAnswer(f"wanted nothing but {statuses}, got {dict(self.statuses)}")
        return self


async def ask_all(questions: Sequence[Question], *, at_once: int) -> Answers:
    """Ask all of them, `at_once` at a time; all go to the port of the first.

    Raises:
        UnexpectedAnswer: an answer is cut off.
        OSError: nobody listens.
    """
    answers = Answers()
    waiting = iter(questions)
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(min(at_once, len(questions))):
            nursery.start_soon(_ask_some, questions[0].port, waiting, answers)
    answers.seconds = trio.current_time() - began
    return answers


async def _ask_some(port: int, waiting: Iterator[Question], answers: Answers) -> None:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        for question in waiting:
            began = trio.current_time()
            with trio.fail_after(_QUESTION_SECONDS):
                while (status := await _ask(stream, question)) == _NOT_NOW:
                    answers.later += 1
            answers.latencies_seconds.append(trio.current_time() - began)
            answers.statuses[status] += 1


async def _ask(stream: trio.SocketStream, question: Question) -> int:
    await stream.send_all(question.encoded())
    received = bytearray()
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += await _piece(stream)
    length = _LENGTH.search(received, 0, end)
    if length is None:
        raise UnexpectedAnswer(f"an answer without a length: {bytes(received[:end])!r}")
    missing = end + 4 + int(length[1]) - len(received)
    while missing > 0:
        missing -= len(await _piece(stream))
    return int(received[9:12])


async def _piece(stream: trio.SocketStream) -> bytes:
    if not (data := await stream.receive_some(_PIECE_BYTES)):
        raise UnexpectedAnswer("a connection ended within an answer")
    return bytes(data)
