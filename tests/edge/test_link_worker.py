"""The worker's end: ports that ask the parent, and what the bus brought, in order."""

from contextlib import asynccontextmanager

import pytest
import trio
from link_ends import FarEnd, closing, socket_pair
from msgspec import Raw
from structlog.testing import capture_logs
from trio.testing import wait_all_tasks_blocked

from fh.bus.port import Reconnected
from fh.contracts.updates import StreamedFeatureUpdate
from fh.edge import link_worker
from fh.edge.engine_statistics import EngineStatistics
from fh.edge.link import (
    AccountFound,
    Announced,
    Begin,
    Drain,
    EnvironmentFound,
    Figures,
    FindAccount,
    FindEnvironment,
    LinkFault,
    NotNow,
    Ready,
    SubmitUpdate,
    UpdateTaken,
    decode_from_worker,
    encode_delivery,
)
from fh.edge.link_worker import ParentBusy, ParentGone, WorkerLink
from fh.errors import Unavailable
from fh.model.sdk_key import SdkKey
from tests.dacha.world import (
    SERVER,
    STAGING,
    account,
    change,
    environment,
    feature,
    features_published,
)

UPDATE = StreamedFeatureUpdate(SERVER, STAGING, "feature-1", lock=True)


class World:
    def __init__(self, buffer_bytes=None):
        self.near, far = socket_pair(buffer_bytes)
        self.parent = FarEnd(far, decode_from_worker)
        self.link = WorkerLink(self.near)
        self.heard = []
        self.open = trio.Event()
        self.open.set()

    async def on_delivery(self, delivery, committed_at):
        await self.open.wait()
        self.heard.append(delivery)
        self.committed_at = committed_at

    async def announce(self, *deliveries):
        for each in deliveries:
            await self.parent.stream.send_all(encode_delivery(each))
        await wait_all_tasks_blocked()


@asynccontextmanager
async def linked(**options):
    world = World(**options)
    async with closing(world.near, world.parent.stream), trio.open_nursery() as nursery:
        nursery.start_soon(world.link.run)
        await nursery.start(world.link.pass_on, world.on_delivery)
        yield world
        nursery.cancel_scope.cancel()


class Asked:
    """A question asked in a task of its own."""

    def __init__(self, nursery, ask, *arguments):
        self.scope = trio.CancelScope()
        self.outcome = None
        self._done = trio.Event()
        nursery.start_soon(self._run, ask, *arguments)

    async def _run(self, ask, *arguments):
        with self.scope:
            try:
                self.outcome = await ask(*arguments)
            except Unavailable as away:
                self.outcome = away
        self._done.set()

    async def answer(self):
        with trio.fail_after(5):
            await self._done.wait()
        return self.outcome


def event(version):
    return features_published(change(feature(value_version=version)))


async def test_a_question_is_asked_and_its_answer_returned(nursery):
    async with linked() as world:
        asked = Asked(nursery, world.link.load_environment, STAGING)
        question = await world.parent.hear()
        assert question == FindEnvironment(question.number, STAGING)
        await world.parent.say(EnvironmentFound(question.number, environment(feature())))
        assert await asked.answer() == environment(feature())

        asked = Asked(nursery, world.link.load_account, SERVER)
        question = await world.parent.hear()
        assert question == FindAccount(question.number, SERVER)
        await world.parent.say(AccountFound(question.number, account()))
        assert await asked.answer() == account()

        asked = Asked(nursery, world.link.look_again, SdkKey(STAGING, SERVER))
        question = await world.parent.hear()
        assert question == FindAccount(question.number, SERVER, STAGING)
        await world.parent.say(AccountFound(question.number, account()))
        assert await asked.answer() is None

        asked = Asked(nursery, world.link.submit, UPDATE)
        question = await world.parent.hear()
        assert question == SubmitUpdate(question.number, UPDATE)
        await world.parent.say(UpdateTaken(question.number))
        assert await asked.answer() is None


async def test_a_final_no_is_none(nursery):
    async with linked() as world:
        for ask, found in (
            ((world.link.load_environment, STAGING), EnvironmentFound),
            ((world.link.load_account, SERVER), AccountFound),
        ):
            asked = Asked(nursery, *ask)
            await world.parent.say(found((await world.parent.hear()).number, None))
            assert await asked.answer() is None


async def test_answers_find_their_questions_in_any_order(nursery):
    async with linked() as world:
        asked = [Asked(nursery, world.link.load_account, f"secret {n}") for n in range(20)]
        questions = [await world.parent.hear() for _ in asked]
        for question in reversed(questions):
            await world.parent.say(AccountFound(question.number, account(server=question.secret)))
        answers = [(await each.answer()).api_key_server_side for each in asked]
        assert answers == [f"secret {n}" for n in range(20)]


async def test_what_the_parent_can_t_say_is_unavailable(nursery):
    async with linked() as world:
        asked = Asked(nursery, world.link.load_account, SERVER)
        await world.parent.say(NotNow((await world.parent.hear()).number, "MR is away"))
        outcome = await asked.answer()
        assert isinstance(outcome, ParentBusy)
        assert str(outcome) == "MR is away"


async def test_an_answer_to_a_question_given_up_finds_nobody(nursery):
    async with linked() as world:
        early = Asked(nursery, world.link.load_account, SERVER)
        first = await world.parent.hear()
        early.scope.cancel()
        await early.answer()
        late = Asked(nursery, world.link.load_account, SERVER)
        second = await world.parent.hear()
        assert first.number != second.number
        await world.parent.say(AccountFound(first.number, account(version=1)))
        await world.parent.say(AccountFound(second.number, account(version=2)))
        assert (await late.answer()).version == 2


async def test_what_the_bus_brought_is_passed_on_in_order():
    async with linked() as world:
        await world.announce(event(1), Reconnected(), event(2))
        assert world.heard == [event(1), Reconnected(), event(2)]
        assert world.committed_at is None


async def test_when_a_change_was_committed_comes_with_it():
    async with linked() as world:
        await world.parent.stream.send_all(encode_delivery(event(1), 12.5))
        await wait_all_tasks_blocked()
        assert (world.heard, world.committed_at) == ([event(1)], 12.5)


async def test_an_answer_does_not_wait_behind_announcements(nursery):
    async with linked() as world:
        world.open = trio.Event()
        await world.announce(*(event(version) for version in range(100)))
        asked = Asked(nursery, world.link.load_account, SERVER)
        await world.parent.say(AccountFound((await world.parent.hear()).number, account()))
        assert await asked.answer() == account()
        world.open.set()
        await wait_all_tasks_blocked()
        assert len(world.heard) == 100


async def test_a_worker_too_slow_for_what_is_announced_knows_that_it_missed_some(monkeypatch):
    monkeypatch.setattr(link_worker, "_DELIVERIES", 10)
    async with linked() as world:
        world.open = trio.Event()
        await world.announce(*(event(version) for version in range(30)))
        world.open.set()
        await wait_all_tasks_blocked()
        assert world.heard == [event(0), Reconnected()]
        await world.announce(event(31))
        assert world.heard[-1] == event(31)


async def test_it_begins_with_the_settings(nursery):
    async with linked() as world:
        asked = Asked(nursery, world.link.settings)
        await world.parent.say(Begin(Raw(b'{"number": 1}')))
        assert await asked.answer() == b'{"number": 1}'


async def test_a_parent_that_ends_before_it_began_is_gone(nursery):
    async with linked() as world:
        asked = Asked(nursery, world.link.settings)
        await world.parent.stream.aclose()
        assert isinstance(await asked.answer(), ParentGone)


async def test_it_drains_when_it_is_told_to():
    async with linked() as world:
        assert not world.link.draining.is_set()
        await world.parent.say(Drain())
        with trio.fail_after(5):
            await world.link.draining.wait()


async def test_without_its_parent_nothing_can_be_known_and_it_drains(nursery):
    async with linked() as world:
        asked = Asked(nursery, world.link.load_account, SERVER)
        await world.parent.hear()
        await world.parent.stream.aclose()
        assert isinstance(await asked.answer(), ParentGone)
        with trio.fail_after(5):
            await world.link.draining.wait()
        with pytest.raises(ParentGone):
            await world.link.submit(UPDATE)
        assert world.link.fault is None


async def test_a_parent_that_says_what_nobody_says_is_as_good_as_gone():
    async with linked() as world:
        with capture_logs() as logs:
            await world.parent.stream.send_all(b"\0\0\0\x02{}")
            with trio.fail_after(5):
                await world.link.draining.wait()
        assert isinstance(world.link.fault, LinkFault)
        assert [each["event"] for each in logs] == ["parent_not_understood"]


@pytest.mark.parametrize(
    "announced",
    [Announced("weather", Raw(b"{}")), Announced("environment", Raw(b"[]"))],
    ids=["kind", "text"],
)
async def test_an_announcement_that_can_t_be_read_is_no_reason_to_go_on(announced):
    async with linked() as world:
        with capture_logs():
            await world.parent.say(announced)
            with trio.fail_after(5):
                await world.link.draining.wait()
        assert isinstance(world.link.fault, LinkFault)


async def test_it_reports():
    figures = Figures(EngineStatistics(1, 2, 3, 4, 5, 6, 7), 8)
    async with linked() as world:
        world.link.report(figures)
        world.link.report(Ready())
        assert await world.parent.hear() == figures
        assert await world.parent.hear() == Ready()


async def test_a_parent_that_does_not_read_is_asked_only_so_much():
    async with linked(buffer_bytes=4096) as world, trio.open_nursery() as nursery:
        asked = [Asked(nursery, world.link.load_account, "x" * 1000) for _ in range(600)]
        await wait_all_tasks_blocked()
        refused = [each for each in asked if isinstance(each.outcome, ParentBusy)]
        assert len(refused) == 600 - 512
        for _ in range(5_000):
            world.link.report(Ready())  # without room it is dropped, not kept
        for each in asked:
            each.scope.cancel()
