"""The helpers other packages' tests lean on."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.actors.actor import Actor
from fh.actors.child import ActorSpec
from fh.actors.errors import AskFailed, MailboxFull
from fh.actors.testing import Probe, open_supervisor, start


class Blocked(Actor[str]):
    async def receive(self, message):
        await trio.sleep_forever()


class Crashing(Actor[str]):
    async def receive(self, message):
        raise ZeroDivisionError(message)


async def test_a_probe_records_what_it_is_told(nursery):
    probe = Probe()
    ref = start(nursery, "probe", probe)
    ref.tell_nowait("one")
    await ref.tell("two")
    assert probe.messages == ["one", "two"]


async def test_a_started_actor_has_the_capacity_asked_for(nursery):
    ref = start(nursery, "blocked", Blocked(), capacity=1)
    ref.tell_nowait("handled")
    await wait_all_tasks_blocked()
    ref.tell_nowait("queued")
    with pytest.raises(MailboxFull):
        ref.tell_nowait("refused")


async def test_a_crash_comes_out_of_the_nursery():
    with pytest.RaisesGroup(pytest.RaisesExc(ZeroDivisionError, match="boom")):
        async with trio.open_nursery() as nursery:
            ref = start(nursery, "crashing", Crashing())
            with pytest.raises(AskFailed):
                await ref.ask(lambda reply: "boom")
    assert ref.is_stopped


async def test_a_supervisor_is_open_inside_the_block_only():
    async with open_supervisor(ActorSpec("probe", Probe)) as supervisor:
        ref = supervisor.ref("probe")
        assert not ref.is_stopped
    assert ref.is_stopped
