"""Promises are settled once, by whoever comes first."""

import gc

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.actors.errors import AskFailed
from fh.actors.reply import Envelope, Promise, Reply


async def test_the_first_answer_counts():
    promise = Promise("env")
    reply = Reply(promise)
    reply.send(1)
    reply.send(2)
    reply.fail(ValueError("late"))
    assert await promise.wait() == 1


async def test_an_answer_wakes_the_asker(nursery):
    promise, answers = Promise("env"), []

    async def ask():
        answers.append(await promise.wait())

    nursery.start_soon(ask)
    await wait_all_tasks_blocked()
    promise.answer("yes")
    await wait_all_tasks_blocked()
    assert answers == ["yes"]


async def test_a_failure_is_raised_at_the_asker():
    promise = Promise("env")
    Reply(promise).fail(LookupError("no such feature"))
    with pytest.raises(LookupError, match="no such feature"):
        await promise.wait()


async def test_a_reply_dropped_without_an_answer_fails_the_ask():
    promise = Promise("env")
    reply = Reply(promise)
    del reply
    with pytest.raises(AskFailed, match="the reply was dropped"):
        await promise.wait()


async def test_a_reply_collected_in_a_foreign_thread_fails_the_ask(nursery):
    promise = Promise("env")
    cycle = [Reply(promise)]
    cycle.append(cycle)
    failures = []

    async def ask():
        try:
            await promise.wait()
        except AskFailed as error:
            failures.append(error.reason)

    nursery.start_soon(ask)
    await wait_all_tasks_blocked()
    gc.disable()
    try:
        del cycle
        await trio.to_thread.run_sync(gc.collect)
    finally:
        gc.enable()
    await wait_all_tasks_blocked()
    assert failures == ["the reply was dropped"]


async def test_an_answer_to_a_cancelled_ask_is_ignored(autojump_clock):
    promise, pending = Promise("env"), {}
    promise.enter(pending)
    with trio.move_on_after(1):
        await promise.wait()
    assert pending == {}
    promise.answer(1)
    promise.enter(pending)  # the question is handled all the same
    assert pending == {}


async def test_an_ask_nobody_has_taken_up_can_be_cancelled(autojump_clock):
    promise = Promise("env")
    with trio.move_on_after(1) as scope:
        await promise.wait()
    assert scope.cancelled_caught


async def test_a_settled_promise_is_no_longer_pending():
    promise, pending = Promise("env"), {}
    promise.enter(pending)
    assert list(pending) == [promise]
    promise.answer(1)
    assert pending == {}


def test_only_a_monitors_notice_is_a_notice():
    assert Envelope("notice").is_notice
    assert not Envelope("question", Promise("env")).is_notice


def test_a_notice_can_be_discarded():
    Envelope("notice").discard(ValueError("nobody hears of it"))
