"""Telling, asking, and looking from outside."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.actors.actor import Actor
from fh.actors.child import ActorSpec
from fh.actors.errors import ActorStopped, AskFailed, MailboxFull
from fh.actors.mailbox import Full, Mailbox
from fh.actors.state import State
from fh.actors.testing import Probe, open_supervisor, start


class Gate(Actor[object]):
    """Handles a message only when let; a message that can be called is called."""

    def __init__(self):
        self.handled = []
        self.open = trio.Event()

    async def receive(self, message):
        await self.open.wait()
        self.handled.append(message)
        if callable(message):
            message()


class Answering(Actor[object]):
    def react(self, reply):
        reply.send("answer")


def gate_with(full, capacity=1):
    return ActorSpec("gate", Gate, mailbox=Mailbox(capacity, full))


async def test_messages_arrive_in_the_order_sent(nursery):
    gate = Gate()
    ref = start(nursery, "gate", gate, capacity=10)
    for number in range(10):
        await ref.tell(number)
    gate.open.set()
    await wait_all_tasks_blocked()
    assert gate.handled == list(range(10))


async def test_tell_waits_for_room(nursery):
    gate = Gate()
    ref = start(nursery, "gate", gate, capacity=1)
    ref.tell_nowait(1)
    await wait_all_tasks_blocked()
    ref.tell_nowait(2)
    nursery.start_soon(ref.tell, 3)
    await wait_all_tasks_blocked()
    assert ref.statistics().queued == 1
    gate.open.set()
    await wait_all_tasks_blocked()
    assert gate.handled == [1, 2, 3]


async def test_a_refused_message_travels_in_the_exception(nursery):
    ref = start(nursery, "gate", Gate(), capacity=1)
    ref.tell_nowait(1)
    await wait_all_tasks_blocked()
    ref.tell_nowait(2)
    with pytest.raises(MailboxFull) as caught:
        ref.tell_nowait(3)
    assert (caught.value.actor, caught.value.message) == ("gate", 3)


async def test_a_refusing_mailbox_lets_nobody_wait():
    async with open_supervisor(gate_with(Full.REFUSE)) as supervisor:
        ref = supervisor.ref("gate")
        ref.tell_nowait(1)
        await wait_all_tasks_blocked()
        ref.tell_nowait(2)
        with pytest.raises(MailboxFull):
            await ref.tell(3)
        with pytest.raises(MailboxFull):
            await ref.ask(lambda reply: reply)
        ref.cancel()


async def test_an_ask_replaced_by_a_newer_message_fails(nursery):
    async with open_supervisor(gate_with(Full.COALESCE)) as supervisor:
        ref = supervisor.ref("gate")
        ref.tell_nowait(1)
        await wait_all_tasks_blocked()
        reasons = []

        async def ask():
            with pytest.raises(AskFailed) as caught:
                await ref.ask(lambda reply: reply)
            reasons.append(caught.value.reason)

        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        ref.tell_nowait(3)
        await wait_all_tasks_blocked()
        assert reasons == ["a newer message took its place"]
        ref.cancel()


async def test_an_ask_returns_the_answer(nursery):
    assert await start(nursery, "answering", Answering()).ask(lambda reply: reply) == "answer"


async def test_an_ask_waits_for_room_and_then_for_the_answer(nursery):
    gate = Gate()
    ref = start(nursery, "gate", gate, capacity=1)
    ref.tell_nowait(1)
    await wait_all_tasks_blocked()
    ref.tell_nowait(2)
    answers = []

    async def ask():
        answers.append(await ref.ask(lambda reply: lambda: reply.send("answer")))

    nursery.start_soon(ask)
    await wait_all_tasks_blocked()
    gate.open.set()
    await wait_all_tasks_blocked()
    assert answers == ["answer"]


async def test_an_ask_ends_with_its_callers_deadline(nursery, autojump_clock):
    ref = start(nursery, "gate", Gate())
    with pytest.raises(trio.TooSlowError), trio.fail_after(1):
        await ref.ask(lambda reply: reply)


async def test_an_ask_whose_actor_is_cancelled_fails(nursery):
    ref = start(nursery, "gate", Gate())
    nursery.start_soon(stop_soon, ref)
    with pytest.raises(ActorStopped):
        await ref.ask(lambda reply: reply)


async def stop_soon(ref):
    await wait_all_tasks_blocked()
    ref.cancel()


async def test_an_answered_ask_leaves_the_actor_idle_and_countable(nursery):
    ref = start(nursery, "answering", Answering())
    assert ref.statistics().state is State.NEW
    await ref.ask(lambda reply: reply)
    assert ref.is_idle
    statistics = ref.statistics()
    assert statistics.state is State.READY
    assert (statistics.handled, statistics.queued, statistics.capacity) == (1, 0, 64)
    assert (statistics.crashes, statistics.restarts) == (0, 0)


async def test_an_ended_actor_refuses_everything(nursery):
    ref = start(nursery, "probe", Probe())
    ref.stop()
    assert ref.is_stopped
    await ref.wait_stopped()
    with pytest.raises(ActorStopped) as caught:
        ref.tell_nowait("late")
    assert caught.value.message == "late"
    with pytest.raises(ActorStopped):
        await ref.tell("late")
    with pytest.raises(ActorStopped):
        await ref.ask(lambda reply: reply)
    with pytest.raises(ActorStopped):
        ref.tell_after(1, "late")
    ref.cancel()


async def test_refs_to_the_same_actor_are_equal():
    async with open_supervisor(ActorSpec("a", Probe), ActorSpec("b", Probe)) as supervisor:
        one, same, other = supervisor.ref("a"), supervisor.ref("a"), supervisor.ref("b")
        assert one == same
        assert len({one, same, other}) == 2
        assert one != "a"
        assert repr(one) == "<Ref a ready>"


async def test_a_period_must_take_time(nursery):
    with pytest.raises(ValueError, match="not 0"):
        start(nursery, "probe", Probe()).tell_every(0, "tick")
