"""Hibernation, inline turns, and turns in a task."""

from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.actors.actor import Actor
from fh.actors.child import ActorSpec
from fh.actors.errors import AskFailed
from fh.actors.state import State
from fh.actors.supervisor import Supervisor
from fh.actors.testing import Probe, open_supervisor, start


class Calling(Actor[object]):
    """Calls its messages, inline."""

    def __init__(self):
        self.seen = []

    def react(self, message):
        self.seen.append(message)
        if callable(message):
            message()


class CallingInTask(Actor[object]):
    async def receive(self, message):
        await message()


class Beginning(Probe):
    async def started(self, me):
        await trio.lowlevel.checkpoint()
        self.messages.append(f"{me.name} started")


def boom(_reply=None):
    raise ZeroDivisionError


async def test_an_idle_reacting_actor_runs_at_once_in_its_senders_turn(nursery):
    probe = Probe()
    ref = start(nursery, "probe", probe)
    ref.tell_nowait(1)
    assert probe.messages == [1]
    assert not nursery.child_tasks


async def test_a_message_told_to_itself_is_handled_right_after(nursery):
    calling = Calling()
    ref = start(nursery, "calling", calling)

    def tell_itself():
        ref.tell_nowait("inner")
        calling.seen.append("turns do not nest")
        assert not ref.is_idle

    ref.tell_nowait(tell_itself)
    assert calling.seen == [tell_itself, "turns do not nest", "inner"]
    assert ref.is_idle


async def test_an_actor_that_tells_itself_forever_lets_others_run(nursery):
    calling = Calling()
    ref = start(nursery, "calling", calling)

    def again():
        ref.tell_nowait(again)

    ref.tell_nowait(again)
    for _ in range(10):
        await trio.lowlevel.checkpoint()
    assert len(calling.seen) > 100
    ref.stop()
    await ref.wait_stopped()


async def test_a_long_chain_of_inline_turns_does_not_exhaust_the_stack():
    arrived = []
    async with open_supervisor() as supervisor:
        following = supervisor.spawn(ActorSpec("last", lambda: Telling(arrived.append)))
        for number in range(2000):
            tell = following.tell_nowait
            following = supervisor.spawn(ActorSpec(f"{number}", lambda tell=tell: Telling(tell)))
        following.tell_nowait("message")
        await wait_all_tasks_blocked()
        # Once all of them are awake, the chain runs inline as far as it may.
        following.tell_nowait("another")
        await wait_all_tasks_blocked()
    assert arrived == ["message", "another"]


class Telling(Actor[object]):
    def __init__(self, tell):
        self.tell = tell

    def react(self, message):
        self.tell(message)


async def test_a_crash_in_an_inline_turn_never_reaches_the_sender():
    async with open_supervisor(ActorSpec("calling", Calling)) as supervisor:
        ref = supervisor.ref("calling")
        ref.tell_nowait(boom)
        assert ref.statistics().crashes == 1
        assert ref.statistics().state is State.WAITING


async def test_an_interrupt_in_an_inline_turn_passes_through(nursery):
    ref = start(nursery, "calling", Calling())

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ref.tell_nowait(interrupt)
    assert ref.is_stopped


async def test_an_actor_that_wants_to_begin_does_so_in_a_task_before_its_first_message(nursery):
    probe = Beginning()
    ref = start(nursery, "probe", probe)
    ref.tell_nowait(1)
    assert probe.messages == []
    await wait_all_tasks_blocked()
    assert probe.messages == ["probe started", 1]
    ref.tell_nowait(2)
    assert probe.messages[-1] == 2


async def test_a_child_given_to_the_constructor_begins_with_its_supervisor(nursery):
    probe = Beginning()
    async with open_supervisor(ActorSpec("probe", lambda: probe)):
        assert probe.messages == ["probe started"]


async def test_an_actor_holds_a_task_only_while_it_is_busy(nursery):
    ref = start(nursery, "busy", CallingInTask())
    release = trio.Event()
    ref.tell_nowait(release.wait)
    ref.tell_nowait(release.wait)
    await wait_all_tasks_blocked()
    assert [task.name for task in nursery.child_tasks] == ["busy"]
    assert not ref.is_idle
    release.set()
    await wait_all_tasks_blocked()
    assert not nursery.child_tasks
    assert ref.statistics().state is State.IDLE


async def test_a_busy_actor_passes_a_checkpoint_every_64_turns(nursery):
    async def quick():
        pass

    ref = start(nursery, "busy", CallingInTask(), capacity=1000)
    for _ in range(100):
        ref.tell_nowait(quick)
    await trio.lowlevel.checkpoint()
    assert ref.statistics().handled in {0, 64}
    await wait_all_tasks_blocked()
    assert ref.statistics().handled == 100


async def test_the_message_that_met_a_failing_factory_waits_for_the_next_life(nursery):
    probe = Probe()
    factories = iter([boom, lambda: probe])

    def make():
        return next(factories)()

    async with open_supervisor() as supervisor:
        ref = supervisor.spawn(ActorSpec("probe", make))
        ref.tell_nowait(1)
        ref.tell_nowait(2)
        assert ref.statistics().queued == 2
        ref.drain()
        await ref.wait_stopped()
    assert probe.messages == [1, 2]


async def test_the_mailbox_survives_a_crash(autojump_clock):
    probes = []

    class Fragile(Probe):
        async def receive(self, message):
            await trio.lowlevel.checkpoint()
            if message == "boom":
                raise ZeroDivisionError
            self.messages.append(message)

    def make():
        probes.append(Fragile())
        return probes[-1]

    async with open_supervisor() as supervisor:
        ref = supervisor.spawn(ActorSpec("fragile", make))
        for message in (1, "boom", 2, 3):
            ref.tell_nowait(message)
        await trio.sleep(1)
        assert ref.is_idle
    assert [probe.messages for probe in probes] == [[1], [2, 3]]


async def test_the_ask_for_the_message_that_crashed_fails_and_names_the_reason():
    async with open_supervisor(ActorSpec("calling", Calling)) as supervisor:
        with pytest.raises(AskFailed, match="it crashed") as caught:
            await supervisor.ref("calling").ask(lambda reply: partial(boom, reply))
        assert isinstance(caught.value.__cause__, ZeroDivisionError)


async def test_an_ask_the_life_put_off_fails_with_its_crash(nursery):
    kept = []

    class Keeping(Actor[object]):
        def react(self, message):
            if message == "boom":
                raise ZeroDivisionError
            kept.append(message)

    failures = []

    async def ask(ref):
        with pytest.raises(AskFailed) as caught:
            await ref.ask(lambda reply: reply)
        failures.append(caught.value.reason)

    async with open_supervisor(ActorSpec("keeping", Keeping)) as supervisor:
        ref = supervisor.ref("keeping")
        nursery.start_soon(ask, ref)
        await wait_all_tasks_blocked()
        ref.tell_nowait("boom")
        await wait_all_tasks_blocked()
    assert failures == ["it crashed"]
    kept[0].send("too late")


async def test_a_cancelled_tree_takes_its_running_actors_along():
    ended = []
    async with trio.open_nursery() as nursery:
        ref = start(nursery, "busy", CallingInTask())
        ref.when_ended(ended.append)
        ref.tell_nowait(trio.sleep_forever)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert ref.is_stopped
    assert ended[0].error is None


async def test_an_interrupt_in_a_task_ends_the_whole_tree():
    async def interrupt():
        raise KeyboardInterrupt

    supervisor = Supervisor("test", [ActorSpec("busy", CallingInTask)])

    async def run():
        async with trio.open_nursery() as nursery:
            await nursery.start(supervisor.run)
            supervisor.ref("busy").tell_nowait(interrupt)

    with pytest.raises(BaseExceptionGroup) as caught:
        await run()
    assert caught.group_contains(KeyboardInterrupt)


async def test_a_hundred_thousand_idle_actors_take_no_task_to_live_nor_to_end():
    async with open_supervisor() as supervisor:
        refs = [supervisor.spawn(ActorSpec(f"{number}", Probe)) for number in range(100_000)]
        for ref in refs[::10]:
            ref.tell_nowait("wake")
        assert not supervisor.nursery.child_tasks
        tasks_before = trio.lowlevel.current_statistics().tasks_living
        supervisor.stop()
        await trio.lowlevel.checkpoint()
        assert trio.lowlevel.current_statistics().tasks_living <= tasks_before
    assert all(ref.is_stopped for ref in refs)


class Mixed(Actor[str]):
    """Waits for some messages, and only reacts to those that begin with "now"."""

    def __init__(self, gate: trio.Event, seen: list[str]) -> None:
        self.gate = gate
        self.seen = seen

    async def receive(self, message: str) -> None:
        if not self.reacts_to(message):
            await self.gate.wait()
        self.seen.append(message)

    def reacts_to(self, message: str) -> bool:
        return message.startswith("now")

    def react(self, message: str) -> None:
        if message == "now crash":
            raise RuntimeError(message)
        self.seen.append(f"{message}, at once")


async def test_an_idle_actor_reacts_at_once_to_what_needs_no_waiting(nursery) -> None:
    gate, seen = trio.Event(), []
    supervisor = Supervisor("mixed")
    await nursery.start(supervisor.run)
    ref = supervisor.spawn(ActorSpec("mixed", lambda: Mixed(gate, seen)))
    await ref.tell("now first")  # not made yet: it begins in a task
    await wait_all_tasks_blocked()
    await ref.tell("now second")
    assert seen == ["now first", "now second, at once"]
    await ref.tell("wait")
    await ref.tell("now third")  # behind what waits, in order
    await wait_all_tasks_blocked()
    assert seen[2:] == []
    gate.set()
    await wait_all_tasks_blocked()
    assert seen[2:] == ["wait", "now third"]
    assert ref.is_idle
    await ref.tell("now crash")  # its own crash, not the sender's
    assert ref.statistics().crashes == 1
