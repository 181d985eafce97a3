"""Questions over HTTP: all are asked, so many at a time, and each is timed."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio

from bench.deployment.asking import Answers, Question, UnexpectedAnswer, ask_all


@asynccontextmanager
async def serving(answer: Callable[[str], bytes]) -> AsyncIterator[int]:
    """Answer each request by what `answer` says of its path."""

    async def serve(stream: trio.SocketStream) -> None:
        received = b""
        async for piece in stream:
            received += piece
            while b"\r\n\r\n" in received:
                head, _, received = received.partition(b"\r\n\r\n")
                await stream.send_all(answer(head.split(b" ")[1].decode()))

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def http(status: int, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


async def test_every_question_is_answered_and_timed() -> None:
    async with serving(lambda path: http(200, path.encode() * 10_000)) as port:
        questions = [Question(port, f"/{number}") for number in range(10)]
        answers = await ask_all(questions, at_once=3)
    assert answers.only(200).statuses == {200: 10}
    assert len(answers.latencies_seconds) == 10
    assert 0 < answers.middle_ms <= answers.slow_ms
    assert answers.per_second > 0
    assert answers.later == 0


async def test_who_is_told_to_come_later_asks_again() -> None:
    said = iter([503, 503, 200])
    async with serving(lambda _: http(next(said))) as port:
        answers = await ask_all([Question(port, "/")], at_once=1)
    assert (answers.only(200).statuses, answers.later) == ({200: 1}, 2)


async def test_an_answer_without_a_length_is_no_answer() -> None:
    async with serving(lambda _: b"HTTP/1.1 200 OK\r\n\r\n") as port:
        with pytest.RaisesGroup(UnexpectedAnswer):
            await ask_all([Question(port, "/")], at_once=1)


def test_other_statuses_than_wanted_are_refused() -> None:
    answers = Answers()
    answers.statuses[404] += 1
    assert answers.only(200, 404) is answers
    with pytest.raises(UnexpectedAnswer, match="404"):
        answers.only(200)
