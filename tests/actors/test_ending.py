"""Stop, drain, cancel; stopped(); crashes on the way out."""

from dataclasses import dataclass, field

import pytest
import trio
import trio.lowlevel
from trio.testing import wait_all_tasks_blocked

from fh.actors.actor import Actor
from fh.actors.child import ActorSpec
from fh.actors.errors import ActorStopped
from fh.actors.restart import Backoff, Restart
from fh.actors.state import Order, State
from fh.actors.testing import Probe, open_supervisor, start


class Step(Actor[object]):
    """Sleeps a second for each message; calls what can be called."""

    def __init__(self, journal):
        self.journal = journal

    async def receive(self, message):
        await trio.sleep(1)
        if callable(message):
            message()
        self.journal.append(message)

    async def stopped(self):
        self.journal.append("stopped")


class Inline(Step):
    receive = Actor.receive

    def react(self, message):
        self.journal.append(message)
        if callable(message):
            message()


@dataclass(frozen=True)
class Question:
    reply: object = field(default=None, compare=False)


def boom():
    raise ZeroDivisionError


async def outcome(ref, order, nursery, journal):
    """Give `order` in the middle of the first of three messages, the last of them an ask."""
    ref.tell_nowait(1)
    ref.tell_nowait(2)
    refused = []

    async def ask():
        with pytest.raises(ActorStopped) as caught:
            await ref.ask(Question)
        refused.append(caught.value.actor)

    nursery.start_soon(ask)
    await trio.sleep(0.5)
    order()
    with pytest.raises(ActorStopped):
        ref.tell_nowait("late")
    with trio.fail_after(10):
        await ref.wait_stopped()
    await wait_all_tasks_blocked()
    return journal, refused


async def test_drain_finishes_what_is_queued(nursery, autojump_clock):
    journal = []
    ref = start(nursery, "step", Step(journal))
    result = await outcome(ref, ref.drain, nursery, journal)
    assert result == ([1, 2, Question(), "stopped"], ["step"])  # taken, but not answered


async def test_stop_finishes_the_current_message_and_refuses_the_queued(nursery, autojump_clock):
    journal = []
    ref = start(nursery, "step", Step(journal))
    result = await outcome(ref, ref.stop, nursery, journal)
    assert result == ([1, "stopped"], ["step"])


async def test_cancel_ends_at_once(nursery, autojump_clock):
    journal = []
    ref = start(nursery, "step", Step(journal))
    begun = trio.current_time()
    result = await outcome(ref, ref.cancel, nursery, journal)
    assert result == ([], ["step"])
    assert trio.current_time() - begun == 0.5


async def test_a_stronger_order_overrides_a_weaker_one(nursery, autojump_clock):
    journal = []
    ref = start(nursery, "step", Step(journal))
    for number in (1, 2, 3):
        ref.tell_nowait(number)
    await trio.sleep(0.5)
    ref.drain()
    await trio.sleep(1)
    ref.stop()
    ref.drain()  # too weak now
    await ref.wait_stopped()
    assert journal == [1, 2, "stopped"]


async def test_senders_waiting_for_room_are_refused_by_a_drain(nursery, autojump_clock):
    journal = []
    ref = start(nursery, "step", Step(journal), capacity=1)
    ref.tell_nowait(1)
    await trio.sleep(0.5)
    ref.tell_nowait(2)
    refused = []

    async def tell():
        with pytest.raises(ActorStopped) as caught:
            await ref.tell(3)
        refused.append(caught.value.message)

    nursery.start_soon(tell)
    await trio.sleep(0.1)
    ref.drain()
    await ref.wait_stopped()
    assert (journal, refused) == ([1, 2, "stopped"], [3])


async def test_an_idle_actor_ends_at_once_unless_it_says_goodbye(nursery):
    journal = []
    for order in ("stop", "drain", "cancel"):
        quiet = start(nursery, "quiet", Probe())
        quiet.tell_nowait(1)
        getattr(quiet, order)()
        assert quiet.is_stopped
        polite = start(nursery, "polite", Inline(journal))
        polite.tell_nowait(1)
        getattr(polite, order)()
        await polite.wait_stopped()
    assert journal == [1, "stopped", 1, "stopped", 1]


async def test_an_actor_without_a_life_has_nothing_to_say(nursery):
    journal = []
    ref = start(nursery, "polite", Inline(journal))
    ref.stop()
    assert ref.is_stopped
    assert journal == []


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("stop", ["order", "stopped"]),
        ("drain", ["order", "queued", "stopped"]),
        ("cancel", ["order"]),
    ],
)
async def test_an_actor_may_end_itself_in_an_inline_turn(nursery, order, expected):
    journal = []
    ref = start(nursery, "inline", Inline(journal))

    def end_itself():
        journal[-1] = "order"
        ref.tell_nowait("queued")
        getattr(ref, order)()

    ref.tell_nowait(end_itself)
    await ref.wait_stopped()
    assert journal == expected


async def test_an_order_given_before_the_life_began_prevents_it(nursery):
    journal = []

    class Late(Step):
        async def started(self, me):
            journal.append("started")

    for order in ("stop", "cancel"):
        ref = start(nursery, "late", Late(journal))
        ref.tell_nowait(1)
        getattr(ref, order)()
        await ref.wait_stopped()
    assert journal == []


async def test_a_goodbye_is_shielded_but_bounded(autojump_clock):
    class Lingering(Step):
        async def stopped(self):
            self.journal.append("lingering")
            try:
                await trio.sleep_forever()
            finally:
                self.journal.append(trio.current_time() - begun)

    journal = []
    spec = ActorSpec("lingering", lambda: Lingering(journal), drain_seconds=2.0)
    async with open_supervisor() as supervisor:
        ref = supervisor.spawn(spec)
        ref.tell_nowait(1)
        await trio.sleep(1.5)
        begun = trio.current_time()
        ref.stop()
        await trio.sleep(1)
        ref.cancel()  # too late: it is on its way out already
        await ref.wait_stopped()
    assert journal == [1, "lingering", pytest.approx(2.0)]


async def test_a_failing_goodbye_ends_the_actor_all_the_same(nursery):
    class Rude(Probe):
        async def stopped(self):
            raise ZeroDivisionError

    ref = start(nursery, "rude", Rude())
    ref.tell_nowait(1)
    ref.stop()
    await ref.wait_stopped()


async def test_a_crash_while_draining_ends_the_actor(autojump_clock):
    journal = []
    async with open_supervisor() as supervisor:
        ref = supervisor.spawn(ActorSpec("step", lambda: Step(journal)))
        ended = []
        ref.when_ended(ended.append)
        for message in (1, boom, 2):
            ref.tell_nowait(message)
        await trio.sleep(0.5)
        ref.drain()
        await ref.wait_stopped()
        assert journal == [1]
        assert isinstance(ended[0].error, ZeroDivisionError)
        assert supervisor.statistics().restarts == 0


@pytest.mark.parametrize(
    ("order", "expected"), [("drain", [2, "stopped"]), ("stop", []), ("cancel", [])]
)
async def test_orders_during_a_backoff(autojump_clock, order, expected):
    journal = []
    async with open_supervisor(backoff=Backoff(first_seconds=10, jitter=0.0)) as supervisor:
        ref = supervisor.spawn(ActorSpec("step", lambda: Step(journal)))
        ref.tell_nowait(boom)
        ref.tell_nowait(2)
        await trio.sleep(2)
        assert ref.statistics().state is State.WAITING
        getattr(ref, order)()
        with trio.fail_after(12):
            await ref.wait_stopped()
    assert journal == expected


async def test_a_drain_during_a_backoff_with_nothing_queued_ends_at_once(autojump_clock):
    async with open_supervisor(backoff=Backoff(first_seconds=10, jitter=0.0)) as supervisor:
        ref = supervisor.spawn(ActorSpec("step", lambda: Step([])))
        ref.tell_nowait(boom)
        await trio.sleep(2)
        ref.drain()
        with trio.fail_after(1):
            await ref.wait_stopped()


async def test_a_temporary_actor_ends_with_its_first_crash(autojump_clock):
    async with open_supervisor() as supervisor:
        ref = supervisor.spawn(ActorSpec("step", lambda: Step([]), restart=Restart.TEMPORARY))
        ref.tell_nowait(boom)
        ref.tell_nowait("refused with it")
        await ref.wait_stopped()
        assert supervisor.statistics().children == ()


async def test_a_slow_actor_is_cancelled_when_its_supervisors_patience_is_over(autojump_clock):
    journal = []
    spec = ActorSpec("step", lambda: Step(journal), drain_seconds=2.5)
    async with open_supervisor() as supervisor:
        ref = supervisor.spawn(spec)
        for number in range(10):
            ref.tell_nowait(number)
        begun = trio.current_time()
        await trio.lowlevel.checkpoint()
        await supervisor.stop_child("step")
        assert trio.current_time() - begun == pytest.approx(2.5)
    assert journal == [0, 1]


async def test_a_pause_waits_for_a_goodbye_that_is_under_way(autojump_clock):
    class Lingering(Step):
        async def stopped(self):
            await trio.sleep(3)

    async with open_supervisor(ActorSpec("step", lambda: Lingering([]))) as supervisor:
        cell = supervisor._children["step"]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(supervisor.stop_child, "step")
            await wait_all_tasks_blocked()
            await cell.finish(Order.PAUSE, 1.0)
            assert cell.state is State.ENDED
