"""The queue and its three answers to "full"."""

from collections import deque

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from fh.actors.errors import ActorStopped, AskFailed
from fh.actors.mailbox import Full, Mailbox, Queue
from fh.actors.reply import Envelope, Promise


def test_a_mailbox_has_room_for_a_message():
    with pytest.raises(ValueError, match="not 0"):
        Mailbox(capacity=0)


def test_a_coalescing_mailbox_has_room_for_just_one():
    assert Mailbox(capacity=10, full=Full.COALESCE).capacity == 1


def test_messages_leave_in_the_order_they_came_and_no_more_than_fit():
    queue = Queue("env", Mailbox(capacity=2))
    assert [queue.offer(number) for number in (1, 2, 3)] == [True, True, False]
    assert len(queue) == 2
    assert [queue.take(), queue.take()] == [1, 2]


def test_a_newer_message_takes_the_place_of_a_coalescing_one():
    queue = Queue("env", Mailbox(full=Full.COALESCE))
    assert queue.offer("old")
    assert queue.offer("new")
    assert len(queue) == 1
    assert queue.take() == "new"


async def test_an_ask_whose_message_is_replaced_fails():
    queue = Queue("env", Mailbox(full=Full.COALESCE))
    promise = Promise("env")
    queue.offer(Envelope("question", promise))
    queue.offer("new")
    with pytest.raises(AskFailed, match="a newer message took its place"):
        await promise.wait()


def test_a_notice_is_neither_replaced_nor_refused():
    queue = Queue("env", Mailbox(full=Full.COALESCE))
    queue.push(Envelope("notice"))
    for message in ("old", "newer"):
        assert queue.offer(message)
    assert queue.take().message == "notice"
    assert queue.take() == "newer"


async def test_a_free_place_goes_to_the_sender_who_waited_longest(nursery):
    queue = Queue("env", Mailbox(capacity=1))
    sent = []

    async def send(item):
        await queue.wait_for_room(item, item)
        sent.append(item)

    queue.offer("first")
    nursery.start_soon(send, "second")
    await wait_all_tasks_blocked()
    queue.park("third")  # a timer waits without a task
    nursery.start_soon(send, "fourth")
    await wait_all_tasks_blocked()

    taken = [queue.take()]
    assert not queue.offer("nobody overtakes")
    taken += [queue.take() for _ in range(3)]
    await wait_all_tasks_blocked()
    assert taken == ["first", "second", "third", "fourth"]
    assert sorted(sent) == ["fourth", "second"]  # trio wakes them in any order


async def test_a_sender_who_is_cancelled_while_waiting_has_not_sent(autojump_clock):
    queue = Queue("env", Mailbox(capacity=1))
    queue.offer("first")
    with trio.move_on_after(1) as scope:
        await queue.wait_for_room("second", "second")
    assert scope.cancelled_caught
    assert queue.take() == "first"
    assert len(queue) == 0


async def test_refusing_all_wakes_senders_and_fails_asks(nursery):
    queue = Queue("env", Mailbox(capacity=1))
    promise, late = Promise("env"), Promise("env")
    queue.offer(Envelope("question", promise))
    queue.push("plain")
    refused = []

    async def send():
        with pytest.raises(ActorStopped) as caught:
            await queue.wait_for_room("second", "second")
        refused.append(caught.value.message)

    nursery.start_soon(send)
    await wait_all_tasks_blocked()
    queue.park(Envelope("tick", late))
    queue.park("plain tick")
    queue.refuse_all()
    await wait_all_tasks_blocked()
    assert refused == ["second"]
    for one in (promise, late):
        with pytest.raises(ActorStopped):
            await one.wait()
    assert len(queue) == 0


@given(
    capacity=st.integers(min_value=1, max_value=4),
    steps=st.lists(st.one_of(st.none(), st.integers())),
)
def test_a_queue_is_a_bounded_deque(capacity, steps):
    queue, model = Queue("env", Mailbox(capacity)), deque()
    for step in steps:
        if step is not None:
            has_room = len(model) < capacity
            assert queue.offer(step) == has_room
            if has_room:
                model.append(step)
        elif model:
            assert queue.take() == model.popleft()
        assert len(queue) == len(model)
