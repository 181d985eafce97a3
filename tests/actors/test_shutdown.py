"""Ending many children."""

import pytest
import trio

from fh.actors.actor import Actor
from fh.actors.child import ActorSpec, ServiceSpec
from fh.actors.restart import Strategy
from fh.actors.supervisor import Supervisor
from fh.actors.testing import open_supervisor


class Sleeper(Actor[float]):
    """Sleeps for as long as told; `stopped` is journaled."""

    def __init__(self, name, journal):
        self.name = name
        self.journal = journal

    async def receive(self, message):
        await trio.sleep(message)

    async def stopped(self):
        self.journal.append(self.name)


def sleeper(name, journal, drain_seconds=5.0):
    return ActorSpec(name, lambda: Sleeper(name, journal), drain_seconds=drain_seconds)


async def test_children_end_one_after_the_other_in_reverse_start_order(autojump_clock):
    journal = []
    async with open_supervisor(*[sleeper(name, journal) for name in "abc"]) as supervisor:
        begun = trio.current_time()
        for name in "abc":
            supervisor.ref(name).tell_nowait(2.0)
    assert journal == ["c", "b", "a"]
    assert trio.current_time() - begun == pytest.approx(2.0)  # they had begun together


@pytest.mark.parametrize(
    ("strategy", "seconds"), [(Strategy.ONE_FOR_ONE, 3.0), (Strategy.REST_FOR_ONE, 6.0)]
)
async def test_spawned_peers_share_one_deadline(autojump_clock, strategy, seconds):
    async with open_supervisor(strategy=strategy) as supervisor:
        for name in "ab":
            ref = supervisor.spawn(sleeper(name, [], drain_seconds=3.0))
            ref.tell_nowait(100.0)
        begun = trio.current_time()
    assert trio.current_time() - begun == pytest.approx(seconds)


async def test_idle_peers_say_goodbye_without_a_task(autojump_clock):
    journal = []
    async with open_supervisor() as supervisor:
        for number in range(3000):
            supervisor.spawn(sleeper(str(number), journal)).tell_nowait(0.0)
        await trio.sleep(1)
        tasks_before = trio.lowlevel.current_statistics().tasks_living
        supervisor.stop()
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        assert trio.lowlevel.current_statistics().tasks_living <= tasks_before
    assert journal == [str(number) for number in reversed(range(3000))]


async def test_peers_on_either_side_of_a_service_end_in_their_turn(autojump_clock):
    journal = []

    async def run(*, task_status=trio.TASK_STATUS_IGNORED):
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            journal.append("service")

    async with open_supervisor() as supervisor:
        supervisor.spawn(sleeper("a", journal)).tell_nowait(0.0)
        await supervisor.start(ServiceSpec("service", run))
        for name in "bc":
            supervisor.spawn(sleeper(name, journal)).tell_nowait(0.0)
        await trio.sleep(1)
    assert journal == ["c", "b", "service", "a"]


async def test_a_peer_that_ends_while_another_drains_is_not_missed(autojump_clock):
    journal = []
    async with open_supervisor() as supervisor:
        supervisor.spawn(sleeper("first", journal)).tell_nowait(1.0)
        supervisor.spawn(sleeper("second", journal)).tell_nowait(2.0)
        await trio.lowlevel.checkpoint()
    assert journal == ["first", "second"]


async def test_a_cancelled_supervisor_drains_its_children_all_the_same(autojump_clock):
    journal = []
    supervisor = Supervisor("test", [sleeper("a", journal)])
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        supervisor.ref("a").tell_nowait(3.0)
        await trio.sleep(1)
        begun = trio.current_time()
        nursery.cancel_scope.cancel()
    assert trio.current_time() - begun == pytest.approx(2.0)
    assert journal == ["a"]


async def test_a_supervisor_cancelled_while_it_drains_cancels_what_is_left(autojump_clock):
    journal = []
    inner = Supervisor("inner", [sleeper("a", journal), sleeper("b", journal)])
    spec = ServiceSpec("inner", inner.run, drain=inner.stop, drain_seconds=1.0)
    async with open_supervisor(spec):
        for name in "ab":
            inner.ref(name).tell_nowait(3.0)
        begun = trio.current_time()
    assert trio.current_time() - begun == pytest.approx(1.0)
    assert journal == []
