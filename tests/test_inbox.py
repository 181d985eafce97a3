import threading

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.inbox import Inbox, InboxStatistics


async def test_values_arrive_in_order_from_another_thread(nursery):
    inbox = Inbox(capacity=1000)
    received = []

    async def receive():
        received.extend([value async for value in inbox])

    async with trio.open_nursery() as receiving:
        receiving.start_soon(receive)
        await wait_all_tasks_blocked()

        def put():
            assert all(inbox.put_nowait(number) for number in range(500))
            inbox.close()

        thread = threading.Thread(target=put)
        thread.start()
    thread.join()

    assert received == list(range(500))


async def test_a_full_inbox_refuses_and_counts():
    inbox = Inbox(capacity=2)

    assert [inbox.put_nowait(number) for number in range(4)] == [True, True, False, False]

    assert inbox.statistics() == InboxStatistics(waiting=2, capacity=2, refused=2)
    assert await inbox.receive() == 0
    assert inbox.put_nowait(4)


async def test_what_was_queued_is_received_before_the_end():
    inbox = Inbox(capacity=2)
    inbox.put_nowait("last")
    inbox.close()

    assert not inbox.put_nowait("too late")
    assert await inbox.receive() == "last"
    with pytest.raises(trio.EndOfChannel):
        await inbox.receive()


async def test_a_failed_inbox_raises_its_error_and_the_first_end_counts():
    inbox = Inbox(capacity=2)
    inbox.fail(OSError("gone"))
    inbox.close()

    with pytest.raises(OSError, match="gone"):
        await inbox.receive()


async def test_receive_nowait_blocks_when_empty():
    inbox = Inbox(capacity=2)
    with pytest.raises(trio.WouldBlock):
        inbox.receive_nowait()
    inbox.put_nowait(1)
    assert inbox.receive_nowait() == 1


async def test_every_waiting_task_is_woken_by_the_end(nursery):
    inbox = Inbox(capacity=1)
    ended = []

    async def receive():
        with pytest.raises(trio.EndOfChannel):
            await inbox.receive()
        ended.append(1)

    async with trio.open_nursery() as receiving:
        receiving.start_soon(receive)
        receiving.start_soon(receive)
        await wait_all_tasks_blocked()
        inbox.close()

    assert len(ended) == 2


async def test_who_waits_for_something_else_too_is_woken_by_either(nursery):
    inbox, happened, woken = Inbox(3), [], []

    async def wait():
        await inbox.wait(lambda: bool(happened))
        woken.append(True)

    nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    inbox.wake()
    await wait_all_tasks_blocked()
    assert woken == [True]  # too early: it looks again by itself
    nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    happened.append("another thread's doing")
    inbox.wake()
    await wait_all_tasks_blocked()
    nursery.start_soon(wait)
    happened.clear()
    await wait_all_tasks_blocked()
    inbox.put_nowait("value")
    await wait_all_tasks_blocked()
    assert woken == [True] * 3


async def test_a_cancelled_receiver_takes_nothing():
    inbox = Inbox(capacity=1)
    with trio.move_on_after(0):
        await inbox.receive()
    inbox.put_nowait("kept")

    assert await inbox.receive() == "kept"


async def test_an_inbox_without_room_is_a_mistake():
    with pytest.raises(ValueError, match="room"):
        Inbox(capacity=0)


def test_a_value_after_trio_has_ended_goes_nowhere():
    async def make():
        inbox = Inbox(capacity=1)
        with trio.move_on_after(0.001):
            await inbox.receive()
        return inbox

    assert trio.run(make).put_nowait("nobody there")
