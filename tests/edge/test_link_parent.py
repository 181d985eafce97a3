"""The parent's end: it answers, it announces, and it waits for nobody."""

from contextlib import asynccontextmanager

import pytest
import trio
from link_ends import FarEnd, closing, socket_pair
from msgspec import Raw
from structlog.testing import capture_logs
from trio.testing import wait_all_tasks_blocked

from fh.contracts.updates import StreamedFeatureUpdate
from fh.edge import link
from fh.edge.engine_statistics import EngineStatistics
from fh.edge.link import (
    AccountFound,
    Begin,
    Drain,
    EnvironmentFound,
    Figures,
    FindAccount,
    FindEnvironment,
    LinkFault,
    NotNow,
    Ready,
    Resync,
    SubmitUpdate,
    UpdateTaken,
    decode_delivery,
    decode_from_parent,
    encode_delivery,
    encode_frame,
)
from fh.edge.link_parent import LinkLimits, ParentLink, WorkerSilent
from fh.errors import Unavailable
from fh.model.sdk_key import SdkKey
from tests.dacha.world import (
    PRODUCTION,
    SERVER,
    STAGING,
    account,
    change,
    environment,
    feature,
    features_published,
    known_world,
)

UPDATE = StreamedFeatureUpdate(SERVER, STAGING, "feature-1", lock=True)
FIGURES = Figures(EngineStatistics(1, 2, 3, 4, 5, 6, 7), 8)


class Updates:
    def __init__(self):
        self.submitted = []
        self.error = None

    async def submit(self, update):
        await trio.lowlevel.checkpoint()
        if self.error is not None:
            raise self.error
        self.submitted.append(update)


class World:
    """A link, the far end of it, and what the link asks on behalf of the worker."""

    def __init__(self, buffer_bytes=None, **limits):
        self.near, far = socket_pair(buffer_bytes)
        self.worker = FarEnd(far, decode_from_parent)
        self.truth = known_world(feature())
        self.updates = Updates()
        self.link = ParentLink(self.near, self.truth, self.updates, LinkLimits(**limits))
        self.failure = None

    async def run(self):
        try:
            await self.link.run()
        except (WorkerSilent, LinkFault) as failure:
            self.failure = failure


@asynccontextmanager
async def linked(**options):
    world = World(**options)
    async with closing(world.near, world.worker.stream), trio.open_nursery() as nursery:
        nursery.start_soon(world.run)
        yield world
        nursery.cancel_scope.cancel()


def event(version):
    return features_published(change(feature(value_version=version)))


async def test_questions_are_answered_with_the_truth():
    async with linked() as world:
        await world.worker.say(FindEnvironment(1, STAGING))
        assert await world.worker.hear() == EnvironmentFound(1, environment(feature()))
        await world.worker.say(FindAccount(2, SERVER))
        assert await world.worker.hear() == AccountFound(2, account())
        await world.worker.say(FindEnvironment(3, PRODUCTION), FindAccount(4, "unknown"))
        answers = [await world.worker.hear(), await world.worker.hear()]
        assert sorted(answers, key=lambda each: each.number) == [
            EnvironmentFound(3, None),
            AccountFound(4, None),
        ]


async def test_a_worker_may_have_the_parent_look_again():
    async with linked() as world:
        looked = []

        async def look_again(key):
            await trio.lowlevel.checkpoint()
            looked.append(key)

        world.truth.look_again = look_again
        await world.worker.say(FindAccount(1, SERVER, STAGING), FindAccount(2, SERVER))
        answers = [await world.worker.hear(), await world.worker.hear()]
        assert {answer.number for answer in answers} == {1, 2}
        assert looked == [SdkKey(STAGING, SERVER)]


async def test_updates_are_handed_on():
    async with linked() as world:
        await world.worker.say(SubmitUpdate(1, UPDATE))
        assert await world.worker.hear() == UpdateTaken(1)
        assert world.updates.submitted == [UPDATE]
        world.updates.error = Unavailable("MR is away")
        await world.worker.say(SubmitUpdate(2, UPDATE))
        assert await world.worker.hear() == NotNow(2, "MR is away")


async def test_a_slow_question_holds_no_other_up():
    async with linked() as world:
        world.truth.hold()
        await world.worker.say(FindEnvironment(1, STAGING), SubmitUpdate(2, UPDATE))
        assert await world.worker.hear() == UpdateTaken(2)
        world.truth.release()
        assert isinstance(await world.worker.hear(), EnvironmentFound)


async def test_what_can_t_be_known_for_now_is_said_so():
    async with linked() as world:
        world.truth.is_down = True
        await world.worker.say(FindAccount(1, SERVER))
        assert await world.worker.hear() == NotNow(1, "MR is away")


async def test_a_bug_behind_one_question_costs_that_question_only():
    async with linked() as world:
        world.truth.bug = RuntimeError("oops")
        with capture_logs() as logs:
            await world.worker.say(FindAccount(1, SERVER))
            assert await world.worker.hear() == NotNow(1, "something went wrong")
        assert [each["event"] for each in logs] == ["worker_not_answered"]
        world.truth.bug = None
        await world.worker.say(FindAccount(2, SERVER))
        assert isinstance(await world.worker.hear(), AccountFound)


async def test_a_question_nobody_answers_is_given_up(autojump_clock):
    async with linked(question_seconds=3.0) as world:
        world.truth.hold()
        await world.worker.say(FindAccount(1, SERVER))
        began = trio.current_time()
        assert await world.worker.hear() == NotNow(1, "no answer in time")
        assert trio.current_time() - began == pytest.approx(3.0)
        assert world.truth.running == 0


async def test_an_answer_too_large_to_travel_is_said_so(monkeypatch):
    async with linked() as world:
        monkeypatch.setattr(link, "MOST_FRAME_BYTES", 200)
        with capture_logs() as logs:
            await world.worker.say(FindEnvironment(1, STAGING))
            answer = await world.worker.hear()
        assert isinstance(answer, NotNow)
        assert "EnvironmentFound has" in answer.reason
        assert [each["log_level"] for each in logs] == ["error"]


async def test_orders_announcements_and_answers_keep_their_order():
    async with linked() as world:
        world.link.order(encode_frame(Begin(Raw(b"{}"))))
        world.link.announce(encode_delivery(event(2)))
        world.link.announce(encode_delivery(event(3)))
        world.link.drain()
        assert isinstance(await world.worker.hear(), Begin)
        heard = [decode_delivery(await world.worker.hear()) for _ in range(2)]
        assert heard == [event(2), event(3)]
        assert await world.worker.hear() == Drain()


async def test_a_worker_that_does_not_read_holds_nobody_up_and_is_told_to_ask_anew():
    async with linked(buffer_bytes=4096, announcements=50) as world:
        for version in range(2000):
            world.link.announce(encode_delivery(event(version)))
            if not version % 50:
                await wait_all_tasks_blocked()
        assert world.link.dropped > 1000
        heard = []
        while (message := await world.worker.hear()) != Resync():
            heard.append(message)
        assert len(heard) + world.link.dropped == 2000
        # What comes from now on comes as ever.
        world.link.announce(encode_delivery(event(3000)))
        assert decode_delivery(await world.worker.hear()) == event(3000)


async def test_questions_are_answered_to_a_worker_that_lags_behind():
    async with linked(buffer_bytes=4096, announcements=10) as world:
        for version in range(100):
            world.link.announce(encode_delivery(event(version)))
            await trio.lowlevel.checkpoint()
        await world.worker.say(FindAccount(1, SERVER))
        while not isinstance(answer := await world.worker.hear(), AccountFound):
            pass
        assert answer.number == 1


async def test_what_can_t_be_announced_is_asked_for_anew():
    async with linked() as world:
        world.link.announce(None)
        assert await world.worker.hear() == Resync()


async def test_it_knows_when_the_worker_is_ready_and_what_it_counts():
    async with linked() as world:
        await world.worker.say(FIGURES)
        await world.worker.say(Ready())
        with trio.fail_after(5):
            await world.link.ready.wait()
        assert world.link.figures == FIGURES


async def test_it_ends_with_the_worker():
    async with linked() as world:
        await world.worker.stream.aclose()
        await wait_all_tasks_blocked()
        assert world.failure is None
    world = World()
    async with closing(world.near):
        await trio.aclose_forcefully(world.worker.stream)
        with trio.fail_after(5):
            await world.link.run()


async def test_a_worker_that_says_nothing_is_given_up(autojump_clock):
    async with linked(silence_seconds=10.0) as world:
        await trio.sleep(100)
        assert world.failure is None  # it is still starting
        await world.worker.say(Ready())
        for _ in range(20):
            await trio.sleep(5)
            await world.worker.say(FIGURES)
        assert world.failure is None
        await trio.sleep(11)
        assert isinstance(world.failure, WorkerSilent)


async def test_a_worker_that_says_what_nobody_says_is_given_up():
    async with linked() as world:
        await world.worker.stream.send_all(b"\0\0\0\x02{}")
        await wait_all_tasks_blocked()
        assert isinstance(world.failure, LinkFault)


async def test_a_worker_that_asks_and_never_reads_can_ask_only_so_much():
    async with linked(buffer_bytes=4096) as world:
        world.truth.environments[STAGING] = environment(*(feature(each) for each in range(50)))
        asked = 0
        with trio.move_on_after(0.5):
            while asked < 100_000:
                await world.worker.stream.send_all(encode_frame(FindEnvironment(asked, STAGING)))
                asked += 1
        assert asked < 2_000
        assert len(world.truth.environment_questions) <= 1_024 + 10
        assert len(world.link._queue) <= 1_024


@pytest.mark.parametrize("count", [1, 500])
async def test_every_question_gets_its_own_answer(count):
    async with linked() as world:
        async with trio.open_nursery() as nursery:

            async def ask():
                for number in range(count):
                    await world.worker.say(FindAccount(number, SERVER))

            nursery.start_soon(ask)
            numbers = {(await world.worker.hear()).number for _ in range(count)}
        assert numbers == set(range(count))
