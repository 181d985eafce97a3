"""Starting, escalating, names, figures; what strategies do is told in test_regroup."""

from random import Random

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.actors.actor import Actor
from fh.actors.child import ActorSpec, ServiceSpec
from fh.actors.errors import (
    ChildBeyondRestart,
    ChildStartFailed,
    NameTaken,
    NoSuchChild,
    RestartIntensityExceeded,
    SupervisorNotRunning,
)
from fh.actors.restart import Backoff, Intensity, Strategy
from fh.actors.state import State
from fh.actors.supervisor import Supervisor
from fh.actors.testing import Probe, open_supervisor


class Crashing(Actor[object]):
    def react(self, message):
        raise ZeroDivisionError(message)


def journaling_service(name, journal, *, starts=True):
    async def run(*, task_status=trio.TASK_STATUS_IGNORED):
        journal.append(f"+{name}")
        if not starts:
            raise ZeroDivisionError
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            journal.append(f"-{name}")

    return ServiceSpec(name, run)


async def test_children_start_in_order_and_end_in_reverse():
    journal = []
    async with open_supervisor(*[journaling_service(name, journal) for name in "abc"]):
        assert journal == ["+a", "+b", "+c"]
    assert journal == ["+a", "+b", "+c", "-c", "-b", "-a"]


async def test_a_child_that_can_not_start_takes_back_those_before_it():
    journal = []
    supervisor = Supervisor(
        "test",
        [
            journaling_service("a", journal),
            journaling_service("b", journal, starts=False),
            journaling_service("c", journal),
        ],
    )
    with pytest.raises(ChildStartFailed) as caught:
        await supervisor.run()
    assert journal == ["+a", "+b", "-a"]
    assert (caught.value.supervisor, caught.value.child) == ("test", "b")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


async def test_an_actor_that_can_not_begin_fails_the_start():
    class Stillborn(Probe):
        async def started(self, me):
            raise ZeroDivisionError

    with pytest.raises(ChildStartFailed, match="test could not start stillborn"):
        await Supervisor("test", [ActorSpec("stillborn", Stillborn)]).run()


async def test_stopping_a_supervisor_that_is_still_starting(autojump_clock):
    async def never_ready(*, task_status=trio.TASK_STATUS_IGNORED):
        await trio.sleep_forever()

    supervisor = Supervisor("test", [ServiceSpec("slow", never_ready)])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.run)
        await trio.sleep(1)
        supervisor.stop()
        supervisor.stop()
    assert supervisor.statistics().children == ()


async def test_a_supervisor_cancelled_before_its_first_step_ends():
    supervisor = Supervisor("test", [ActorSpec("probe", Probe)])
    with trio.CancelScope() as scope:
        scope.cancel()
        await supervisor.run()
    assert scope.cancelled_caught
    assert supervisor.statistics().children == ()


async def test_crashes_beyond_the_intensity_end_the_supervisor(autojump_clock):
    journal = []
    supervisor = Supervisor(
        "test",
        [journaling_service("a", journal), ActorSpec("crashing", Crashing)],
        intensity=Intensity(restarts=2, within_seconds=5.0),
        backoff=Backoff(first_seconds=0.1),
        random=Random(0),
    )
    endings = []

    async def crash():
        await wait_all_tasks_blocked()
        ref = supervisor.ref("crashing")
        ref.when_ended(endings.append)
        for number in range(3):
            ref.tell_nowait(number)
        assert ref.statistics().queued == 2

    async with trio.open_nursery() as nursery:
        nursery.start_soon(crash)
        with pytest.raises(RestartIntensityExceeded) as caught:
            await supervisor.run()
    assert (caught.value.child, caught.value.restarts) == ("crashing", 2)
    assert caught.value.__cause__.args == (2,)
    assert endings[0].error is caught.value.__cause__
    assert journal == ["+a", "-a"]


async def test_a_crash_that_no_restart_mends_ends_every_supervisor_above(autojump_clock):
    crash = ValueError("gone")
    lives = []

    async def listen(*, task_status):
        lives.append(1)
        task_status.started()
        await wait_all_tasks_blocked()
        raise crash

    inner = Supervisor("inner", [ServiceSpec("listener", listen)], gives_up_on=(ValueError,))
    outer = Supervisor("outer", [ServiceSpec("inner", inner.run)])
    with pytest.raises(ChildBeyondRestart, match="outer gives up on inner") as caught:
        await outer.run()
    assert caught.value.__cause__.child == "listener"
    assert caught.value.__cause__.__cause__ is crash
    assert len(lives) == 1


async def test_crashes_spread_over_time_are_put_up_with(autojump_clock):
    async with open_supervisor(
        ActorSpec("crashing", Crashing), intensity=Intensity(1, 5.0)
    ) as supervisor:
        for _ in range(5):
            supervisor.ref("crashing").tell_nowait("boom")
            await trio.sleep(6)
        assert supervisor.statistics().restarts == 5


async def test_an_escalating_supervisor_restarts_nobody_else(autojump_clock):
    async def run():
        async with open_supervisor(
            ActorSpec("a", Crashing), ActorSpec("b", Crashing), intensity=Intensity(0)
        ) as supervisor:
            a, b = supervisor.ref("a"), supervisor.ref("b")
            a.tell_nowait("boom")
            b.tell_nowait("boom")
            assert a.is_stopped
            assert b.is_stopped
            await trio.sleep_forever()

    with pytest.RaisesGroup(RestartIntensityExceeded):
        await run()


async def test_the_failure_of_a_nested_supervisor_is_a_crash_in_its_parent(autojump_clock):
    inner = Supervisor("inner", [ActorSpec("crashing", Crashing)], intensity=Intensity(0))
    spec = ServiceSpec("inner", inner.run, drain=inner.stop, drain_seconds=5.0)
    async with open_supervisor(spec) as outer:
        first = inner.ref("crashing")
        first.tell_nowait("boom")
        await trio.sleep(1)
        second = inner.ref("crashing")
        assert first.is_stopped
        assert second.is_idle
        (statistics,) = outer.statistics().children
        assert (statistics.name, statistics.crashes, statistics.restarts) == ("inner", 1, 1)


async def test_names_are_unique_among_the_living():
    with pytest.raises(NameTaken):
        Supervisor("test", [ActorSpec("a", Probe), ActorSpec("a", Probe)])
    async with open_supervisor(ActorSpec("a", Probe)) as supervisor:
        with pytest.raises(NameTaken):
            supervisor.spawn(ActorSpec("a", Probe))
        await supervisor.stop_child("a")
        supervisor.spawn(ActorSpec("a", Probe))


async def test_nobody_can_be_added_to_a_supervisor_that_does_not_run():
    supervisor = Supervisor("test")
    with pytest.raises(SupervisorNotRunning):
        supervisor.spawn(ActorSpec("a", Probe))
    with pytest.raises(SupervisorNotRunning):
        await supervisor.start(journaling_service("a", []))
    async with open_supervisor() as ended:
        pass
    with pytest.raises(SupervisorNotRunning):
        ended.spawn(ActorSpec("a", Probe))


async def test_unknown_children_can_neither_be_reached_nor_stopped():
    async with open_supervisor() as supervisor:
        with pytest.raises(NoSuchChild):
            supervisor.ref("nobody")
        with pytest.raises(NoSuchChild):
            await supervisor.stop_child("nobody")


async def test_a_supervisor_runs_once_at_a_time_but_as_often_as_needed():
    async with open_supervisor(ActorSpec("a", Probe)) as supervisor:
        with pytest.raises(RuntimeError, match="test is running already"):
            await supervisor.run()
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        assert supervisor.ref("a").is_idle
        supervisor.stop()
    supervisor.stop()


async def test_figures_are_values_in_start_order():
    async with open_supervisor(
        ActorSpec("a", Probe), journaling_service("b", []), strategy=Strategy.REST_FOR_ONE
    ) as supervisor:
        supervisor.ref("a").tell_nowait("message")
        statistics = supervisor.statistics()
        assert (statistics.name, statistics.strategy) == ("test", Strategy.REST_FOR_ONE)
        assert [child.name for child in statistics.children] == ["a", "b"]
        assert statistics.children[0].handled == 1
        assert statistics.children[1].state is State.RUNNING
        with pytest.raises(AttributeError):
            statistics.restarts = 1
