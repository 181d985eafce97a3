"""Caches in a chain: what an Edge keeps is never older than what its Dacha will know."""

from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.bus.following import Following
from fh.bus.port import Reconnected
from fh.contracts.answers import Denied, Granted, NotReady
from fh.contracts.event_log import NoEventLog
from fh.dacha.dacha import Dacha
from fh.dacha.settings import DachaSettings
from fh.errors import Unavailable
from fh.model.ids import EnvironmentId
from tests.bus.test_following import Log
from tests.dacha.restarts import away, leave, make_process
from tests.dacha.test_environment import Poison
from tests.dacha.test_refresher import Follower
from tests.dacha.world import (
    CLIENT,
    KEY,
    PRODUCTION,
    RED,
    SERVER,
    STAGING,
    account,
    account_published,
    change,
    deleted_environment,
    environment,
    feature,
    features_published,
    known_world,
    open_dacha,
)


def never():
    return False


@dataclass(frozen=True)
class Link:
    """What an Edge asks of a Dacha over HTTP: answers no older than what it knows of."""

    dacha: Dacha
    reach: object
    as_of: object
    in_doubt: object = never

    async def load_environment(self, environment_id):
        await self.reach(self.as_of())
        return await self.dacha.confirmed_truth(self.in_doubt).load_environment(environment_id)

    async def load_account(self, secret):
        await self.reach(self.as_of())
        return await self.dacha.confirmed_truth(self.in_doubt).load_account(secret)


@dataclass(frozen=True)
class Chain:
    dacha: Dacha
    edge: Dacha
    followers: tuple[Following, Following]


@asynccontextmanager
async def open_chain(source, log):
    """Run a Dacha that takes its time to refresh, an Edge that does not, and their followers."""

    def hear_of(dacha):
        async def deliver(delivery, _):
            await dacha.on_delivery(delivery)
            await wait_all_tasks_blocked()  # whoever wants to ask at once, has asked

        return deliver

    async with open_dacha(source, reload_jitter_seconds=60.0) as dacha:
        near = Following(log, hear_of(dacha))
        link = Link(dacha, near.reach, lambda: far.as_of)
        async with open_dacha(link) as edge:
            far = Following(log, hear_of(edge))
            async with trio.open_nursery() as nursery:
                await nursery.start(near.run)
                await nursery.start(far.run)
                await trio.sleep(100)
                yield Chain(dacha, edge, (near, far))
                nursery.cancel_scope.cancel()


def version(answer):
    assert isinstance(answer, Granted)
    return answer.features[0].value.version


@pytest.mark.parametrize("has_log", [True, False])
async def test_an_edge_that_loads_all_anew_with_its_dacha_gets_what_is_new(autojump_clock, has_log):
    source, log = known_world(feature()), Log()
    log.away, log.absence = not has_log, NoEventLog
    async with open_chain(source, log) as chain:
        assert version(await chain.edge.lookup.load_key(KEY)) == 1
        source.environments[STAGING] = environment(feature(value_version=2, filters=(RED,)))
        source.keep(account(version=2, filters=(RED,)))
        log.newest = log.trimmed_to = 9
        for each in chain.followers:
            each.look()
        await trio.sleep(100)
        for each in (chain.dacha, chain.edge):
            assert version(each.lookup.find_key(KEY)) == 2
            assert each.statistics().refreshes >= 1


async def test_a_cache_behind_a_cache_answers_the_same():
    source = known_world(feature(filters=(RED,)), feature(2))
    async with (
        open_dacha(source) as first,
        open_dacha(first.confirmed_truth(never)) as second,
    ):
        direct = await first.lookup.load_key(KEY)
        assert isinstance(direct, Granted)
        assert await second.lookup.load_key(KEY) == direct
        assert source.environment_questions == [STAGING]


async def test_what_is_in_doubt_is_loaded_once_for_all_who_ask_and_told_to_followers(
    nursery, autojump_clock
):
    source, follower, got = known_world(feature()), Follower(), []
    async with open_dacha(source, reload_jitter_seconds=60.0) as dacha:
        dacha.follow("edge", follower)
        await dacha.lookup.load_key(KEY)
        truth = dacha.confirmed_truth(never)
        await dacha.on_delivery(Reconnected())
        source.environments[STAGING] = environment(feature(value_version=2))
        source.keep(account(version=2))
        source.hold()

        async def ask():
            got.append((await truth.load_environment(STAGING)).features[0].value.version)
            got.append((await truth.load_account(CLIENT)).version)

        for _ in range(10):
            nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        source.release()
        await trio.sleep(100)
        assert got == [2] * 20
        assert source.environment_questions == [STAGING] * 2
        assert source.account_questions == [SERVER, CLIENT]
        told_account, told_features = follower.in_order()
        assert told_account.service_account.version == 2
        assert told_features.features[0].feature.value.version == 2


async def test_what_was_found_gone_before_the_refresh_is_told_as_deleted(autojump_clock):
    source, follower = known_world(feature()), Follower()
    async with open_dacha(source, reload_jitter_seconds=60.0) as dacha:
        dacha.follow("edge", follower)
        await dacha.lookup.load_key(KEY)
        source.environments.clear()
        source.accounts.clear()
        await dacha.on_delivery(Reconnected())
        truth = dacha.confirmed_truth(never)
        assert await truth.load_environment(STAGING) is None
        assert await truth.load_account(SERVER) is None
        await trio.sleep(100)
        assert [each.action for each in follower.in_order()] == ["DELETE", "DELETE"]


async def test_what_is_in_doubt_is_out_of_reach_with_mr_and_served_to_sdks_all_the_same(
    autojump_clock,
):
    source = known_world(feature())
    async with open_dacha(source) as dacha:
        await dacha.lookup.load_key(KEY)
        source.is_down = True
        truth = dacha.confirmed_truth(never)
        assert (await truth.load_environment(STAGING)).environment.id == STAGING
        await dacha.on_delivery(Reconnected())
        for ask in (truth.load_environment(STAGING), truth.load_account(SERVER)):
            with pytest.raises(Unavailable):
                await ask
        assert isinstance(dacha.lookup.find_key(KEY), Granted)
        # Events bring what is new, and not what is missing.
        await dacha.on_delivery(features_published(change(feature(value_version=5))))
        with pytest.raises(Unavailable):
            await truth.load_environment(STAGING)
        source.is_down = False
        assert (await truth.load_environment(STAGING)).features[0].value.version == 5


async def test_what_was_restored_is_in_doubt(tmp_path):
    path = tmp_path / "known"
    await leave(known_world(feature()), path)
    process = make_process(away(), path, reload_jitter_seconds=3600.0)
    async with trio.open_nursery() as nursery:
        await nursery.start(process.last_known.run)
        await nursery.start(process.dacha.run)
        assert isinstance(await process.ask(), Granted)
        truth = process.dacha.confirmed_truth(never)
        for ask in (truth.load_environment(STAGING), truth.load_account(SERVER)):
            with pytest.raises(Unavailable):
                await ask
        nursery.cancel_scope.cancel()


async def test_a_load_that_began_before_events_were_missed_settles_nothing(nursery, autojump_clock):
    source = known_world(feature())
    async with open_dacha(source, reload_jitter_seconds=3600.0) as dacha:
        truth = dacha.confirmed_truth(never)
        source.hold()

        async def ask(load, key):
            with suppress(Unavailable):
                await load(key)

        for load, key in (
            (truth.load_environment, STAGING),
            (truth.load_environment, PRODUCTION),
            (truth.load_account, SERVER),
            (truth.load_account, "new"),
        ):
            nursery.start_soon(ask, load, key)
        await wait_all_tasks_blocked()
        source.environments[STAGING] = environment(feature(value_version=2))
        source.environments[PRODUCTION] = environment(id=PRODUCTION)
        source.keep(account(version=2))
        source.accounts["new"] = account(version=2, server="new", client="n*w")
        await dacha.on_delivery(Reconnected())
        source.release()
        await wait_all_tasks_blocked()
        assert (await truth.load_environment(STAGING)).features[0].value.version == 2
        assert (await truth.load_environment(PRODUCTION)) is not None
        assert (await truth.load_account(SERVER)).version == 2
        assert (await truth.load_account("new")) is not None


async def test_while_events_may_be_missing_every_question_is_passed_on():
    source, doubt = known_world(feature()), []
    async with open_dacha(source) as dacha:
        truth = dacha.confirmed_truth(lambda: bool(doubt))
        await truth.load_environment(STAGING)
        await truth.load_account(SERVER)
        source.environments[STAGING] = environment(feature(value_version=2))
        source.keep(account(version=2))
        assert (await truth.load_environment(STAGING)).features[0].value.version == 1
        doubt.append("the bus is away, and nobody numbers")
        assert (await truth.load_environment(STAGING)).features[0].value.version == 2
        assert (await truth.load_account(SERVER)).version == 2
        assert await truth.load_environment(PRODUCTION) is None
        source.is_down = True
        for ask in (truth.load_environment(STAGING), truth.load_account(SERVER)):
            with pytest.raises(Unavailable):
                await ask


async def test_a_life_that_may_have_lost_an_event_is_not_believed(autojump_clock):
    source = known_world(feature())
    async with open_dacha(source) as dacha:
        await dacha.lookup.load_key(KEY)
        truth = dacha.confirmed_truth(never)
        source.is_down = True
        await dacha._environments.publish_features(STAGING, Poison())
        with pytest.raises(Unavailable):
            await truth.load_environment(STAGING)
        assert isinstance(await dacha.lookup.load_key(KEY), Granted)


async def test_what_does_not_exist_is_none_and_stays_known_as_such():
    source = known_world(feature())
    async with open_dacha(source) as dacha:
        truth = dacha.confirmed_truth(never)
        for _ in range(3):
            assert await truth.load_environment(EnvironmentId(PRODUCTION)) is None
            assert await truth.load_account("nobody's") is None
        assert source.environment_questions == [PRODUCTION]
        assert source.account_questions == ["nobody's"]
        await truth.load_environment(STAGING)
        await dacha.on_delivery(deleted_environment())
        assert await truth.load_environment(STAGING) is None


async def test_before_it_runs_nothing_is_known():
    dacha = Dacha(known_world(feature()), DachaSettings())
    await dacha.on_delivery(account_published(account()))
    truth = dacha.confirmed_truth(never)
    for ask in (truth.load_environment(STAGING), truth.load_account(SERVER)):
        with pytest.raises(Unavailable):
            await ask
    assert not isinstance(await dacha.lookup.load_key(KEY), Denied)
    assert isinstance(await dacha.lookup.load_key(KEY), NotReady)
