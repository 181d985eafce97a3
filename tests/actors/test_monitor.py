"""Whoever watches is told once."""

from trio.testing import wait_all_tasks_blocked

from fh.actors.actor import Actor
from fh.actors.child import ActorSpec
from fh.actors.mailbox import Mailbox
from fh.actors.monitor import Ended
from fh.actors.restart import Restart
from fh.actors.testing import Probe, open_supervisor, start


class Crashing(Actor[object]):
    def react(self, message):
        raise ZeroDivisionError


async def test_a_watcher_is_told_of_an_ordered_end(nursery):
    probe = Probe()
    watcher, watched = start(nursery, "watcher", probe), start(nursery, "watched", Probe())
    watched.monitor(watcher, lambda ended: ended)
    watched.stop()
    assert probe.messages == []  # never in the middle of somebody else's step
    await wait_all_tasks_blocked()
    assert probe.messages == [Ended("watched", None)]


async def test_a_watcher_is_told_of_the_crash_that_was_the_end_and_not_of_restarts():
    probe = Probe()
    async with open_supervisor(
        ActorSpec("watcher", lambda: probe),
        ActorSpec("temporary", Crashing, restart=Restart.TEMPORARY),
        ActorSpec("permanent", Crashing),
    ) as supervisor:
        watcher = supervisor.ref("watcher")
        for name in ("temporary", "permanent"):
            ref = supervisor.ref(name)
            ref.monitor(watcher, lambda ended: ended)
            ref.tell_nowait("boom")
        await wait_all_tasks_blocked()
        assert [(ended.name, type(ended.error)) for ended in probe.messages] == [
            ("temporary", ZeroDivisionError)
        ]


async def test_watching_an_ended_actor_tells_at_once(nursery):
    probe = Probe()
    watcher, watched = start(nursery, "watcher", probe), start(nursery, "watched", Probe())
    watched.stop()
    watched.monitor(watcher, lambda ended: ended.name)
    await wait_all_tasks_blocked()
    assert probe.messages == ["watched"]


async def test_watching_an_actor_that_crashed_for_good_tells_the_crash():
    endings = []
    async with open_supervisor(
        ActorSpec("temporary", Crashing, restart=Restart.TEMPORARY)
    ) as supervisor:
        ref = supervisor.ref("temporary")
        ref.tell_nowait("boom")
        ref.when_ended(endings.append)
    assert isinstance(endings[0].error, ZeroDivisionError)


async def test_a_full_mailbox_has_room_for_notices():
    probe = Probe()
    async with open_supervisor(
        ActorSpec("watcher", lambda: probe, mailbox=Mailbox(1))
    ) as supervisor:
        watcher = supervisor.ref("watcher")
        for number in range(5):
            watched = supervisor.spawn(ActorSpec(f"{number}", Probe))
            watched.monitor(watcher, lambda ended: ended.name)
            watched.stop()
        assert watcher.statistics().queued == 5
    assert probe.messages == ["0", "1", "2", "3", "4"]


async def test_a_cancelled_monitor_tells_nobody(nursery):
    probe = Probe()
    watcher, watched = start(nursery, "watcher", probe), start(nursery, "watched", Probe())
    monitor = watched.monitor(watcher, lambda ended: ended)
    monitor.cancel()
    monitor.cancel()
    watched.stop()
    await wait_all_tasks_blocked()
    assert probe.messages == []


async def test_an_ended_watcher_misses_nothing_it_could_have_used(nursery):
    watcher, watched = start(nursery, "watcher", Probe()), start(nursery, "watched", Probe())
    watched.monitor(watcher, lambda ended: ended)
    watcher.stop()
    watched.stop()
    assert watched.is_stopped


async def test_a_notice_that_can_not_be_made_harms_nobody(nursery):
    probe = Probe()
    watcher, watched = start(nursery, "watcher", probe), start(nursery, "watched", Probe())
    watched.monitor(watcher, lambda ended: 1 / 0)
    watched.monitor(watcher, lambda ended: ended.name)
    watched.stop()
    await wait_all_tasks_blocked()
    assert probe.messages == ["watched"]
