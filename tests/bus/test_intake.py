import threading

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.bus.intake import Intake
from fh.bus.message import Message
from fh.bus.port import Reconnected


def message(number, size_bytes=1):
    return Message("subject", "", {}, bytes([number]) * size_bytes)


async def taken(intake, count):
    with trio.fail_after(10):
        return [await intake.take() for _ in range(count)]


async def test_messages_are_taken_in_order():
    intake = Intake(10, 1000)
    assert [intake.put(message(number)) for number in range(3)] == [True] * 3
    assert (intake.waiting, intake.waiting_bytes) == (3, 3)
    assert await taken(intake, 3) == [message(number) for number in range(3)]
    assert (intake.waiting, intake.waiting_bytes, intake.refused) == (0, 0, 0)


@pytest.mark.parametrize(("most", "most_bytes", "size_bytes"), [(3, 1000, 1), (100, 30, 10)])
async def test_full_means_refusing_until_all_is_taken_then_a_word_of_it(
    most, most_bytes, size_bytes
):
    intake = Intake(most, most_bytes)
    accepted = [intake.put(message(number, size_bytes)) for number in range(5)]
    assert accepted == [True] * 3 + [False] * 2
    assert await taken(intake, 1) == [message(0, size_bytes)]
    assert not intake.put(message(9, size_bytes))  # there is room, but something is missing before
    assert await taken(intake, 3) == [message(1, size_bytes), message(2, size_bytes), Reconnected()]
    assert intake.refused == 3
    assert intake.put(message(7))
    assert await taken(intake, 1) == [message(7)]


async def test_a_message_larger_than_the_limit_comes_through_alone():
    intake = Intake(10, 5)
    assert intake.put(message(1, 100))
    assert not intake.put(message(2))
    assert await taken(intake, 2) == [message(1, 100), Reconnected()]


async def test_headers_count_too():
    intake = Intake(10, 10)
    assert intake.put(Message("subject", "", {"name": "text"}, b"12"))
    assert intake.waiting_bytes == 10
    assert not intake.put(message(1))


async def test_word_of_a_reconnection_takes_its_turn():
    intake = Intake(10, 1000)
    intake.put(message(1))
    intake.put_reconnected()
    intake.put(message(2))
    assert await taken(intake, 3) == [message(1), Reconnected(), message(2)]


async def test_word_of_a_reconnection_gets_through_when_it_is_full():
    intake = Intake(1, 1000)
    intake.put(message(1))
    intake.put_reconnected()
    assert not intake.put(message(2))
    intake.put_reconnected()
    assert await taken(intake, 2) == [message(1), Reconnected()]
    intake.put(message(3))
    assert await taken(intake, 1) == [message(3)]


async def test_what_was_lost_before_counts_and_is_told():
    intake = Intake(10, 1000)
    intake.overflow()
    assert await taken(intake, 1) == [Reconnected()]
    assert intake.refused == 1


@pytest.mark.parametrize("is_asleep", [False, True])
@pytest.mark.parametrize("refused", ["a message", "word of a reconnection"])
async def test_a_reader_that_took_all_just_when_it_was_full_hears_of_what_was_refused(
    nursery, monkeypatch, is_asleep, refused
):
    intake, arrivals = Intake(1, 1000), []
    intake.put(message(1))

    async def read():
        while True:
            arrivals.append(await intake.take())

    inside, go_on = threading.Event(), threading.Event()
    put_nowait = intake._inbox.put_nowait

    def interrupted(arrival):
        """Refuse, and be kept from saying so for a while."""
        monkeypatch.undo()
        assert not put_nowait(arrival)
        inside.set()
        assert go_on.wait(10)
        return False

    monkeypatch.setattr(intake._inbox, "put_nowait", interrupted)
    put = {
        "a message": lambda: intake.put(message(2)),
        "word of a reconnection": intake.put_reconnected,
    }[refused]
    writer = threading.Thread(target=put, daemon=True)
    writer.start()
    await trio.to_thread.run_sync(inside.wait, 10)
    nursery.start_soon(read)
    if is_asleep:
        await wait_all_tasks_blocked()
        assert arrivals == [message(1)]
    go_on.set()
    await trio.to_thread.run_sync(writer.join)
    with trio.fail_after(10):
        while arrivals != [message(1), Reconnected()]:
            await wait_all_tasks_blocked()
    assert intake.put(message(3))
    await wait_all_tasks_blocked()
    assert arrivals[2:] == [message(3)]


async def test_a_thread_fills_it_and_nothing_is_lost_without_a_word():
    intake, count = Intake(8, 1000), 20_000

    def fill():
        for number in range(count):
            intake.put(Message("subject", "", {}, str(number).encode()))
        while not intake.put(Message("subject", "", {}, b"last")):
            pass

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    expected, gaps, got = 0, 0, 0
    with trio.fail_after(60):
        while True:
            arrival = await intake.take()
            if isinstance(arrival, Reconnected):
                gaps += 1
                expected = -1  # whatever comes next
                continue
            if arrival.data == b"last":
                break
            number = int(arrival.data)
            assert expected in (number, -1)
            expected, got = number + 1, got + 1
    await trio.to_thread.run_sync(thread.join)
    assert (gaps > 0) == (got < count)
    assert intake.waiting_bytes == 0
