"""Long-running functions as children."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.actors.child import ServiceSpec
from fh.actors.errors import ChildStartFailed, NoSuchChild
from fh.actors.restart import Backoff, Intensity, Restart
from fh.actors.service import Service
from fh.actors.state import Order, State
from fh.actors.supervisor import Supervisor
from fh.actors.testing import open_supervisor


class Script:
    """A service whose every life does the next thing of a list, and notes when it began."""

    def __init__(self, *lives):
        self.lives = list(lives)
        self.began_at = []

    async def run(self, *, task_status=trio.TASK_STATUS_IGNORED):
        self.began_at.append(trio.current_time())
        await self.lives.pop(0)(task_status)


async def serve(task_status):
    task_status.started()
    task_status.started()  # once more does no harm
    await trio.sleep_forever()


async def crash_early(task_status):
    await trio.lowlevel.checkpoint()
    raise ZeroDivisionError


async def crash_later(task_status):
    task_status.started()
    await trio.sleep(1)
    raise ZeroDivisionError


async def return_later(task_status):
    task_status.started()
    await trio.sleep(1)


async def return_early(task_status):
    await trio.lowlevel.checkpoint()


async def test_a_service_is_awaited_until_it_is_ready(autojump_clock):
    async def ready_later(task_status):
        await trio.sleep(3)
        task_status.started()
        await trio.sleep_forever()

    begun = trio.current_time()
    async with open_supervisor(ServiceSpec("listener", Script(ready_later).run)) as supervisor:
        assert trio.current_time() - begun == pytest.approx(3)
        (statistics,) = supervisor.statistics().children
        assert statistics.state is State.RUNNING
        assert (statistics.name, statistics.crashes, statistics.restarts) == ("listener", 0, 0)


async def test_a_crashed_service_is_restarted_with_growing_delays(autojump_clock):
    script = Script(crash_later, crash_later, serve)
    backoff = Backoff(first_seconds=0.1, factor=2.0, jitter=0.0)
    async with open_supervisor(ServiceSpec("listener", script.run), backoff=backoff) as supervisor:
        await trio.sleep(10)
        first, second, third = script.began_at
        assert second - first == pytest.approx(1.1)
        assert third - second == pytest.approx(1.2)
        assert supervisor.statistics().restarts == 2


@pytest.mark.parametrize(
    ("restart", "lives"), [(Restart.PERMANENT, 2), (Restart.TRANSIENT, 1), (Restart.TEMPORARY, 1)]
)
async def test_a_service_that_returns_is_restarted_if_permanent(autojump_clock, restart, lives):
    script = Script(return_later, serve)
    async with open_supervisor(ServiceSpec("listener", script.run, restart)) as supervisor:
        await trio.sleep(10)
        assert len(script.began_at) == lives
        assert len(supervisor.statistics().children) == lives - 1


@pytest.mark.parametrize(
    ("restart", "lives"), [(Restart.PERMANENT, 2), (Restart.TRANSIENT, 2), (Restart.TEMPORARY, 1)]
)
async def test_a_service_that_crashes_is_restarted_unless_temporary(autojump_clock, restart, lives):
    script = Script(crash_later, serve)
    async with open_supervisor(ServiceSpec("listener", script.run, restart)):
        await trio.sleep(10)
    assert len(script.began_at) == lives


async def test_a_service_that_does_its_job_and_returns_counts_as_started(autojump_clock):
    spec = ServiceSpec("migration", Script(return_early).run, Restart.TRANSIENT)
    async with open_supervisor(spec, ServiceSpec("listener", Script(serve).run)) as supervisor:
        assert [child.name for child in supervisor.statistics().children] == ["listener"]


async def test_a_service_can_be_added_later(autojump_clock):
    async with open_supervisor() as supervisor:
        await supervisor.start(ServiceSpec("listener", Script(serve).run))
        with pytest.raises(NoSuchChild):
            supervisor.ref("listener")
        await supervisor.stop_child("listener")
        assert supervisor.statistics().children == ()


async def test_a_service_that_can_not_start_is_gone(autojump_clock):
    async with open_supervisor() as supervisor:
        with pytest.raises(ChildStartFailed) as caught:
            await supervisor.start(ServiceSpec("listener", Script(crash_early).run))
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert supervisor.statistics().children == ()


async def test_a_start_nobody_waits_for_any_more_is_undone(autojump_clock):
    async def never_ready(task_status):
        await trio.sleep_forever()

    async with open_supervisor() as supervisor:
        with trio.move_on_after(1):
            await supervisor.start(ServiceSpec("listener", Script(never_ready).run))
        await wait_all_tasks_blocked()
        assert supervisor.statistics().children == ()


async def test_a_service_is_asked_to_drain_before_it_is_cancelled(autojump_clock):
    asked, journal = trio.Event(), []

    async def drainable(task_status):
        task_status.started()
        await asked.wait()
        await trio.sleep(1)
        journal.append("drained")

    spec = ServiceSpec("listener", Script(drainable).run, drain=asked.set, drain_seconds=2)
    async with open_supervisor(spec):
        pass
    assert journal == ["drained"]


async def test_a_service_that_takes_too_long_to_drain_is_cancelled(autojump_clock):
    asked = []
    spec = ServiceSpec(
        "listener", Script(serve).run, drain=lambda: asked.append("drain"), drain_seconds=2
    )
    begun = trio.current_time()
    async with open_supervisor(spec):
        pass
    assert asked == ["drain"]
    assert trio.current_time() - begun == pytest.approx(2)


async def test_a_service_whose_drain_fails_is_cancelled(autojump_clock):
    def drain():
        raise ZeroDivisionError

    begun = trio.current_time()
    async with open_supervisor(
        ServiceSpec("listener", Script(serve).run, drain=drain, drain_seconds=2)
    ):
        pass
    assert trio.current_time() == begun


async def test_a_service_that_crashes_while_draining_is_not_restarted(autojump_clock):
    asked = trio.Event()

    async def crash_when_asked(task_status):
        task_status.started()
        await asked.wait()
        raise ZeroDivisionError

    script = Script(crash_when_asked)
    async with open_supervisor(
        ServiceSpec("listener", script.run, drain=asked.set, drain_seconds=2)
    ) as supervisor:
        pass
    assert len(script.began_at) == 1
    assert supervisor.statistics().restarts == 0


async def test_a_service_waiting_for_its_restart_ends_at_once(autojump_clock):
    script = Script(crash_later, serve)
    backoff = Backoff(first_seconds=100, maximum_seconds=100, jitter=0.0)
    asked = []
    spec = ServiceSpec(
        "listener", script.run, drain=lambda: asked.append("drain"), drain_seconds=50
    )
    begun = trio.current_time()
    async with open_supervisor(spec, backoff=backoff):
        await trio.sleep(2)
    assert trio.current_time() - begun == pytest.approx(2)
    assert asked == []


async def test_a_start_that_fails_on_a_restart_counts_as_a_crash(autojump_clock):
    script = Script(crash_later, crash_early, serve)
    async with open_supervisor(
        ServiceSpec("listener", script.run), intensity=Intensity(2, 5.0)
    ) as supervisor:
        await trio.sleep(5)
        (statistics,) = supervisor.statistics().children
        assert (statistics.crashes, statistics.restarts) == (2, 2)


async def test_an_interrupt_in_a_service_ends_the_tree(autojump_clock):
    async def interrupt(task_status):
        task_status.started()
        await trio.sleep(1)
        raise KeyboardInterrupt

    with pytest.raises(BaseExceptionGroup) as caught:
        async with open_supervisor(
            ServiceSpec("listener", Script(interrupt).run),
            ServiceSpec("other", Script(serve).run),
        ):
            await trio.sleep_forever()
    assert caught.group_contains(KeyboardInterrupt)


async def test_a_service_stopped_while_its_start_fails_ends_once(autojump_clock):
    async with open_supervisor() as supervisor:
        service = Service(ServiceSpec("alone", Script(crash_early).run), supervisor)
        supervisor._children["alone"] = service
        with pytest.raises(ZeroDivisionError):
            await service.start()
        service.command(Order.CANCEL)
        service.give_up(ZeroDivisionError())
        service.command(Order.DRAIN)
        await service.wait_ended()
        await service.finish(Order.PAUSE, 1)
        assert supervisor.statistics().children == ()


async def test_pausing_a_service_that_is_being_stopped_waits_for_its_end(autojump_clock):
    async def slow_to_end(task_status):
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(1)

    async with open_supervisor() as supervisor, trio.open_nursery() as nursery:
        await supervisor.start(ServiceSpec("slow", Script(slow_to_end).run))
        nursery.start_soon(supervisor.stop_child, "slow")
        await wait_all_tasks_blocked()
        service = supervisor._children["slow"]
        await service.finish(Order.PAUSE, 5)
        assert service.state is State.ENDED


async def test_cancelling_a_supervisor_waits_for_its_services(autojump_clock):
    async def slow_to_end(task_status):
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(3)

    inner = Supervisor(
        "inner",
        [ServiceSpec("slow", Script(slow_to_end).run, drain=lambda: None, drain_seconds=100.0)],
    )
    begun = trio.current_time()
    async with open_supervisor(
        ServiceSpec("inner", inner.run, drain=inner.stop, drain_seconds=1.0)
    ):
        pass
    assert trio.current_time() - begun == pytest.approx(4.0)
