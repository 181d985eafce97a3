"""Messages told later."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.actors.actor import Actor
from fh.actors.child import ActorSpec
from fh.actors.mailbox import Full, Mailbox
from fh.actors.testing import Probe, open_supervisor, start


class Timed(Actor[object]):
    """Notes when it was told what; sleeps for messages that are numbers."""

    def __init__(self, journal):
        self.journal = journal

    async def receive(self, message):
        self.journal.append((message, trio.current_time()))
        if isinstance(message, int | float):
            await trio.sleep(message)
        if message == "boom":
            raise ZeroDivisionError


async def test_a_message_is_told_after_a_while(nursery, autojump_clock):
    begun, journal = trio.current_time(), []
    ref = start(nursery, "timed", Timed(journal))
    ref.tell_after(2, "second")
    ref.tell_after(1, "first")
    ref.tell_after(2, "third")
    assert len(nursery.child_tasks) == 1
    await trio.sleep(3)
    assert journal == [
        ("first", begun + 1),
        ("second", begun + 2),
        ("third", begun + 2),
    ]
    assert not nursery.child_tasks


async def test_a_sooner_timer_wakes_the_clock_earlier(nursery, autojump_clock):
    begun, journal = trio.current_time(), []
    ref = start(nursery, "timed", Timed(journal))
    ref.tell_after(10, "late")
    await wait_all_tasks_blocked()
    ref.tell_after(1, "soon")
    ref.tell_after(5, "between")
    await trio.sleep(11)
    assert [at - begun for _, at in journal] == pytest.approx([1, 5, 10])


async def test_a_cancelled_timer_tells_nothing(nursery, autojump_clock):
    probe = Probe()
    ref = start(nursery, "probe", probe)
    timer = ref.tell_after(1, "never")
    timer.cancel()
    timer.cancel()
    await trio.sleep(2)
    assert probe.messages == []
    assert not nursery.child_tasks


async def test_timers_set_and_cancelled_over_and_over_leave_nothing_behind(autojump_clock):
    async with open_supervisor(ActorSpec("probe", Probe)) as supervisor:
        ref = supervisor.ref("probe")
        ref.tell_after(1, "kept")
        for _ in range(10_000):
            ref.tell_after(3600, "never").cancel()
        assert len(supervisor.clock) < 130


async def test_a_periodic_timer_keeps_its_rhythm(nursery, autojump_clock):
    begun, journal = trio.current_time(), []
    timer = start(nursery, "timed", Timed(journal)).tell_every(2, "tick")
    await trio.sleep(7)
    timer.cancel()
    await trio.sleep(10)
    assert [at - begun for _, at in journal] == pytest.approx([2, 4, 6])


async def test_a_busy_actor_has_at_most_one_tick_queued(nursery, autojump_clock):
    begun, journal = trio.current_time(), []
    ref = start(nursery, "timed", Timed(journal))
    ref.tell_every(1, "tick")
    ref.tell_nowait(4.5)
    await trio.sleep(4.2)
    assert ref.statistics().queued == 1
    await trio.sleep(2)
    assert [(m, at - begun) for m, at in journal] == [
        (4.5, 0),
        ("tick", pytest.approx(4.5)),
        ("tick", pytest.approx(5)),
        ("tick", pytest.approx(6)),
    ]
    ref.stop()


async def test_a_message_that_finds_no_room_waits_for_some(autojump_clock):
    journal = []
    spec = ActorSpec("timed", lambda: Timed(journal), mailbox=Mailbox(1, Full.REFUSE))
    async with open_supervisor(spec) as supervisor:
        ref = supervisor.ref("timed")
        ref.tell_nowait(5)
        await wait_all_tasks_blocked()
        ref.tell_nowait("queued")
        ref.tell_after(1, "late")
        await trio.sleep(10)
    assert [message for message, _ in journal] == [5, "queued", "late"]


async def test_a_replaced_tick_makes_way_for_the_next(autojump_clock):
    journal = []
    spec = ActorSpec("timed", lambda: Timed(journal), mailbox=Mailbox(full=Full.COALESCE))
    async with open_supervisor(spec) as supervisor:
        ref = supervisor.ref("timed")
        ref.tell_nowait(5)
        ref.tell_every(2, "tick")
        await trio.sleep(3)
        ref.tell_nowait("newer")
        await trio.sleep(2.5)
        ref.stop()
    assert [message for message, _ in journal] == [5, "tick"]


async def test_timers_end_with_their_actor(nursery, autojump_clock):
    probe = Probe()
    ref = start(nursery, "probe", probe)
    ref.tell_after(1, "never")
    ref.tell_every(1, "never")
    ref.stop()
    await trio.sleep(5)
    assert probe.messages == []


async def test_an_actor_may_cancel_its_timer_when_told(nursery, autojump_clock):
    told = []

    class Once(Actor[str]):
        def react(self, message):
            told.append(message)
            timer.cancel()

    timer = start(nursery, "once", Once()).tell_every(1, "tick")
    await trio.sleep(5)
    assert told == ["tick"]
    assert not nursery.child_tasks


async def test_an_actors_own_timers_end_with_its_life_and_those_of_others_do_not(autojump_clock):
    journal = []

    class Ticking(Timed):
        async def started(self, me):
            self.me = me
            me.tell_every(10, "own")

        async def receive(self, message):
            if message == "later":
                self.me.tell_after(1, "own once")
            await super().receive(message)

    async with open_supervisor(ActorSpec("ticking", lambda: Ticking(journal))) as supervisor:
        begun = trio.current_time()
        ref = supervisor.ref("ticking")
        ref.tell_nowait("later")
        await wait_all_tasks_blocked()
        ref.tell_nowait("boom")
        ref.tell_after(12, "foreign, set while busy")
        await wait_all_tasks_blocked()
        ref.tell_after(13, "foreign")
        await trio.sleep(15)
    told = [(message, round(at - begun)) for message, at in journal]
    assert told == [
        ("later", 0),
        ("boom", 0),
        ("own", 10),
        ("foreign, set while busy", 12),
        ("foreign", 13),
    ]


async def test_a_timer_set_in_an_inline_turn_is_the_actors_own(autojump_clock):
    told = []

    class Inline(Actor[str]):
        def react(self, message):
            told.append(message)
            if message == "set":
                ref.tell_after(1, "own")
            if message == "boom":
                raise ZeroDivisionError

    async with open_supervisor(ActorSpec("inline", Inline)) as supervisor:
        ref = supervisor.ref("inline")
        ref.tell_nowait("set")
        ref.tell_nowait("boom")
        await trio.sleep(2)
    assert told == ["set", "boom"]


def test_after_a_stall_a_periodic_timer_does_not_catch_up():
    clock = trio.testing.MockClock()

    async def main():
        begun, journal = trio.current_time(), []
        async with trio.open_nursery() as nursery:
            ref = start(nursery, "timed", Timed(journal))
            ref.tell_every(1, "tick")
            await wait_all_tasks_blocked()
            clock.jump(10.5)
            await wait_all_tasks_blocked()
            clock.jump(1)
            await wait_all_tasks_blocked()
            ref.stop()
        return [at - begun for _, at in journal]

    assert trio.run(main, clock=clock) == pytest.approx([10.5, 11.5])
