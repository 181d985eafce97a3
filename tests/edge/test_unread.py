"""Answers that nobody reads: they may be many and large, and memory ends."""

import pytest
import trio
import trio.testing
from edge_under_test import (
    ENVIRONMENT,
    SERVER_KEY,
    MemoryLookup,
    boolean,
    edge_under_test,
    granted,
)

from fh.edge import writer
from fh.edge.connection import Connection
from fh.edge.unread import UnreadAnswers

LARGE = "x" * 8_000_000
KEY = f"{SERVER_KEY.environment_id}/{SERVER_KEY.secret}"
POLL = f"GET /features?apiKey={KEY} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def unread(most_bytes: int) -> tuple[UnreadAnswers[Connection], list[Connection]]:
    given_up: list[Connection] = []

    def give_up(connection: Connection) -> None:
        given_up.append(connection)
        answers.forget(connection)

    answers = UnreadAnswers[Connection](give_up, most_bytes)
    return answers, given_up


def test_who_took_nothing_for_the_longest_time_is_given_up_first() -> None:
    answers, given_up = unread(300)
    first, second, third, fourth = (Connection(number) for number in range(4))
    for connection in (first, second, third):
        answers.keep(connection, 100)
    answers.progressed(first)
    answers.progressed(fourth)
    assert given_up == []
    answers.keep(fourth, 150)
    assert given_up == [second, third]


def test_who_took_all_counts_no_more() -> None:
    answers, given_up = unread(100)
    for number in range(10):
        connection = Connection(number)
        answers.keep(connection, 100)
        answers.forget(connection)
        answers.forget(connection)
    assert given_up == []


def test_two_answers_of_one_client_count_both() -> None:
    answers, given_up = unread(300)
    first, second = Connection(1), Connection(2)
    answers.keep(first, 100)
    answers.keep(first, 100)
    answers.forget(first)
    answers.keep(second, 300)
    answers.keep(first, 1)
    assert given_up == [second]


def test_one_answer_may_be_larger_than_all_together() -> None:
    answers, given_up = unread(100)
    first, second = Connection(1), Connection(2)
    answers.keep(first, 1000)
    assert given_up == []
    answers.keep(second, 1000)
    assert given_up == [first]


async def test_polls_that_nobody_reads_are_given_up_for_one_that_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "MOST_BYTES", 20_000_000)
    known = MemoryLookup({SERVER_KEY: granted([boolean(LARGE, True)])})
    async with edge_under_test(known, slow_seconds=3600) as edge:
        dead = [await edge.connect() for _ in range(5)]
        for client in dead:
            await client.send(POLL)
        with trio.fail_after(30):
            while edge.edge.statistics().overfull < 3:
                await trio.testing.wait_all_tasks_blocked()
            answer = await edge.poll(SERVER_KEY)
        assert answer[0] == 200
        assert LARGE.encode() in answer[2]
        assert edge.edge.statistics().overfull in {3, 4}


async def test_streams_that_others_write_are_not_given_up_for_answers_that_nobody_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "MOST_BYTES", 20_000_000)
    known = MemoryLookup({SERVER_KEY: granted([boolean("dark", True)])})
    async with edge_under_test(known, slow_seconds=3600) as edge:
        stream = await edge.connect()
        path = f"/features/{ENVIRONMENT}/{SERVER_KEY.secret}"
        await stream.send(f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        await stream.until(b"event: features\n")
        await edge.wait_progress()
        known.answers[SERVER_KEY] = granted([boolean(LARGE, True)])
        for _ in range(5):
            await (await edge.connect()).send(POLL)
        with trio.fail_after(30):
            while edge.edge.statistics().overfull < 3:
                await trio.testing.wait_all_tasks_blocked()
        assert edge.edge.statistics().streams == 1
