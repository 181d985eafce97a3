"""Restarts that children share."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.actors.actor import Actor
from fh.actors.child import ActorSpec, ServiceSpec
from fh.actors.errors import AskFailed, RestartIntensityExceeded
from fh.actors.restart import Backoff, Intensity, Restart, Strategy
from fh.actors.supervisor import Supervisor
from fh.actors.testing import Probe, open_supervisor


class Journaling(Actor[object]):
    """Notes its lives; calls messages that can be called, and awaits those that can be awaited."""

    def __init__(self, name, journal):
        self.name = name
        self.journal = journal

    async def started(self, me):
        self.journal.append(f"+{self.name}")

    async def receive(self, message):
        if callable(message):
            await message()
        else:
            self.journal.append(message)

    async def stopped(self):
        self.journal.append(f"-{self.name}")


async def boom():
    raise ZeroDivisionError


def journaling(name, journal, **options):
    return ActorSpec(name, lambda: Journaling(name, journal), **options)


def service(name, journal, **options):
    async def run(*, task_status=trio.TASK_STATUS_IGNORED):
        journal.append(f"+{name}")
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            journal.append(f"-{name}")

    return ServiceSpec(name, run, **options)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (Strategy.ONE_FOR_ONE, ["+b"]),
        (Strategy.ONE_FOR_ALL, ["-d", "-c", "-a", "+a", "+b", "+c", "+d"]),
        (Strategy.REST_FOR_ONE, ["-d", "-c", "+b", "+c", "+d"]),
    ],
)
async def test_the_strategy_says_who_shares_the_restart(autojump_clock, strategy, expected):
    journal = []
    children = [
        journaling("a", journal),
        journaling("b", journal),
        service("c", journal),
        journaling("d", journal),
    ]
    async with open_supervisor(*children, strategy=strategy) as supervisor:
        journal.clear()
        supervisor.ref("b").tell_nowait(boom)
        await trio.sleep(1)
        assert journal == expected
        assert supervisor.statistics().restarts == 1


async def test_mailboxes_survive_a_group_restart(autojump_clock):
    journal = []
    async with open_supervisor(
        journaling("a", journal), journaling("b", journal), strategy=Strategy.ONE_FOR_ALL
    ) as supervisor:
        a, b = supervisor.ref("a"), supervisor.ref("b")

        async def a_second():
            await trio.sleep(1)

        for message in (a_second, 1, 2):
            b.tell_nowait(message)
        a.tell_nowait(boom)
        await trio.sleep(0.5)
        b.tell_nowait(3)
        await trio.sleep(2)
        assert journal == ["+a", "+b", "-b", "+a", "+b", 1, 2, 3]


async def test_a_sibling_that_takes_too_long_is_cancelled_and_its_ask_fails(autojump_clock):
    journal = []
    async with open_supervisor(
        journaling("a", journal),
        journaling("b", journal, drain_seconds=2.0),
        service("c", journal, drain=lambda: None, drain_seconds=3.0),
        strategy=Strategy.ONE_FOR_ALL,
    ) as supervisor:
        begun = trio.current_time()

        class Forever:
            def __init__(self, reply):
                self.reply = reply

            async def __call__(self):
                await trio.sleep_forever()

        supervisor.ref("a").tell_nowait(boom)
        with pytest.raises(AskFailed, match="it was restarted"):
            await supervisor.ref("b").ask(Forever)
        assert trio.current_time() - begun == pytest.approx(5.0)
        await trio.sleep(1)
        assert journal == ["+a", "+b", "+c", "-c", "+a", "+b", "+c"]


async def test_a_sibling_that_crashes_while_it_is_paused_is_not_counted(autojump_clock):
    journal = []

    async def late_boom():
        await trio.sleep(1)
        raise ZeroDivisionError

    async with open_supervisor(
        journaling("a", journal), journaling("b", journal), strategy=Strategy.ONE_FOR_ALL
    ) as supervisor:
        supervisor.ref("b").tell_nowait(late_boom)
        supervisor.ref("a").tell_nowait(boom)
        await trio.sleep(2)
        assert journal == ["+a", "+b", "+a", "+b"]
        assert supervisor.statistics().restarts == 1


async def test_two_crashes_at_once_make_one_group_restart_for_both(autojump_clock):
    journal = []
    async with open_supervisor(
        journaling("a", journal), journaling("b", journal), strategy=Strategy.ONE_FOR_ALL
    ) as supervisor:
        supervisor.ref("a").tell_nowait(boom)
        supervisor.ref("b").tell_nowait(boom)
        await trio.sleep(2)
        assert journal == ["+a", "+b", "+a", "+b"]


async def test_actors_that_have_not_begun_sleep_through_it(autojump_clock):
    journal = []
    async with open_supervisor(
        journaling("a", journal), strategy=Strategy.ONE_FOR_ALL
    ) as supervisor:
        ref = supervisor.spawn(journaling("spawned", journal))
        supervisor.ref("a").tell_nowait(boom)
        await trio.sleep(2)
        assert journal == ["+a", "+a"]
        assert ref.is_idle


async def test_temporary_siblings_do_not_come_back(autojump_clock):
    journal = []
    async with open_supervisor(
        journaling("a", journal),
        journaling("b", journal, restart=Restart.TEMPORARY),
        strategy=Strategy.ONE_FOR_ALL,
    ) as supervisor:
        supervisor.ref("a").tell_nowait(boom)
        await trio.sleep(2)
        assert journal == ["+a", "+b", "-b", "+a"]
        assert [child.name for child in supervisor.statistics().children] == ["a"]


async def test_a_sibling_that_can_not_start_again_is_tried_again(autojump_clock):
    journal = []
    failures = [False, True, False]

    class Fragile(Journaling):
        async def started(self, me):
            await super().started(me)
            if failures.pop(0):
                raise ZeroDivisionError

    async with open_supervisor(
        journaling("a", journal),
        ActorSpec("b", lambda: Fragile("b", journal)),
        journaling("c", journal),
        strategy=Strategy.REST_FOR_ONE,
    ) as supervisor:
        supervisor.ref("a").tell_nowait(boom)
        await trio.sleep(2)
        # c was down already when b failed, so there is no second "-c".
        assert journal == ["+a", "+b", "+c", "-c", "-b", "+a", "+b", "+b", "+c"]
        assert supervisor.statistics().restarts == 2


async def test_group_restarts_have_an_intensity(autojump_clock):
    supervisor = Supervisor(
        "test",
        [journaling("a", []), journaling("b", [])],
        strategy=Strategy.ONE_FOR_ALL,
        intensity=Intensity(1, 5.0),
    )

    async def crash_twice():
        await wait_all_tasks_blocked()
        for _ in range(2):
            supervisor.ref("a").tell_nowait(boom)
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(crash_twice)
        with pytest.raises(RestartIntensityExceeded):
            await supervisor.run()


async def test_a_sibling_stopped_in_the_middle_stays_stopped(autojump_clock):
    journal = []
    async with open_supervisor(
        journaling("a", journal),
        journaling("b", journal),
        service("c", journal),
        strategy=Strategy.ONE_FOR_ALL,
        backoff=Backoff(first_seconds=1.0, jitter=0.0),
    ) as supervisor:
        supervisor.ref("a").tell_nowait(boom)
        await trio.sleep(0.5)
        supervisor.ref("b").stop()
        await supervisor.stop_child("c")
        await trio.sleep(2)
        assert journal == ["+a", "+b", "+c", "-c", "-b", "+a"]


async def test_a_child_ended_before_its_own_group_restart_needs_none(autojump_clock):
    class Inline(Actor[str]):
        def react(self, message):
            raise ZeroDivisionError

    journal = []
    async with open_supervisor(
        ActorSpec("a", Inline), journaling("b", journal), strategy=Strategy.REST_FOR_ONE
    ) as supervisor:
        ref = supervisor.ref("a")
        ref.tell_nowait("boom")
        ref.cancel()
        await trio.sleep(2)
        assert journal == ["+b"]


async def test_stopping_the_supervisor_stops_a_group_restart(autojump_clock):
    journal = []
    async with open_supervisor(
        journaling("a", journal),
        service("c", journal),
        strategy=Strategy.ONE_FOR_ALL,
        backoff=Backoff(first_seconds=5.0, jitter=0.0),
    ) as supervisor:
        begun = trio.current_time()
        supervisor.ref("a").tell_nowait(boom)
        await trio.sleep(1)
    assert trio.current_time() - begun == pytest.approx(1.0)
    assert journal == ["+a", "+c", "-c"]


async def test_a_sibling_that_ended_for_good_stays_away(autojump_clock):
    journal = []
    async with open_supervisor(
        ActorSpec("probe", Probe), journaling("a", journal), strategy=Strategy.ONE_FOR_ALL
    ) as supervisor:
        supervisor.ref("probe").stop()
        supervisor.ref("a").tell_nowait(boom)
        await trio.sleep(1)
        await wait_all_tasks_blocked()
        assert [child.name for child in supervisor.statistics().children] == ["a"]
