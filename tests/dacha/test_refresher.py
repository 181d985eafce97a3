from uuid import UUID

import trio
from trio.testing import wait_all_tasks_blocked

from fh.bus.port import Reconnected
from fh.model.sdk_key import SdkKey
from tests.dacha.world import (
    KEY,
    SERVER,
    STAGING,
    FakeSource,
    account,
    environment,
    feature,
    known_world,
    open_dacha,
)


async def test_after_a_reconnect_everything_known_is_reloaded_and_served_meanwhile():
    source = known_world(feature())
    async with open_dacha(source) as dacha:
        old = await dacha.lookup.load_key(KEY)
        source.environments[STAGING] = environment(feature(value_version=2))
        source.hold()
        await dacha.on_delivery(Reconnected())
        await wait_all_tasks_blocked()
        assert dacha.lookup.find_key(KEY) is old
        assert dacha.statistics().refreshes == 0
        source.release()
        await wait_all_tasks_blocked()
        assert dacha.lookup.find_key(KEY).features[0].value.version == 2
        assert dacha.statistics().refreshes == 1


async def test_while_mr_is_away_the_old_state_is_served_and_then_brought_up_to_date(
    autojump_clock,
):
    source = known_world(feature())
    async with open_dacha(source) as dacha:
        old = await dacha.lookup.load_key(KEY)
        source.is_down = True
        await dacha.on_delivery(Reconnected())
        await trio.sleep(60)
        assert dacha.lookup.find_key(KEY) is old
        source.environments[STAGING] = environment(feature(value_version=2))
        source.is_down = False
        await trio.sleep(6)
        assert dacha.lookup.find_key(KEY).features[0].value.version == 2
        questions = len(source.environment_questions)
        await trio.sleep(60)
        assert len(source.environment_questions) == questions


async def test_a_reconnect_forgets_the_misses_because_they_may_exist_by_now():
    source = FakeSource()
    async with open_dacha(source) as dacha:
        await dacha.lookup.load_key(KEY)
        source.keep(account())
        source.environments[STAGING] = environment()
        await dacha.on_delivery(Reconnected())
        assert dacha.lookup.find_key(KEY) is None
        assert (await dacha.lookup.load_key(KEY)).account_id == account().id


async def test_reloads_are_few_at_once_and_reconnects_meanwhile_are_one(autojump_clock):
    ids = [UUID(int=1_000 + number) for number in range(20)]
    everywhere = account(permissions=tuple((each, ("READ",)) for each in ids))
    source = FakeSource(*(environment(id=each) for each in ids), accounts=[everywhere])
    async with open_dacha(source, concurrent_reloads=3) as dacha:
        for each in ids:
            await dacha.lookup.load_key(SdkKey(each, SERVER))
        source.environment_questions.clear()
        source.most_running = 0
        source.hold()
        await dacha.on_delivery(Reconnected())
        await wait_all_tasks_blocked()
        for _ in range(10):
            await dacha.on_delivery(Reconnected())
        source.release()
        await trio.sleep(10)
        # Those that were being loaded when it began anew, and no other, are loaded once more.
        assert set(source.environment_questions) == set(ids)
        assert len(source.environment_questions) == len(ids) + 2
        assert source.most_running == 3


class Follower:
    """Hears what a Dacha tells."""

    def __init__(self):
        self.told = []

    async def __call__(self, delivery):
        self.told.append(delivery)

    def in_order(self):
        """What was told, the account first: reloads run at once, in any order."""
        return sorted(self.told, key=lambda each: not hasattr(each, "service_account"))


async def test_what_a_refresh_finds_is_told_to_those_who_follow():
    source = known_world(feature(1), feature(2))
    follower = Follower()
    async with open_dacha(source) as dacha:
        dacha.follow("edge", follower)
        await dacha.lookup.load_key(KEY)
        source.environments[STAGING] = environment(feature(1, value_version=2))
        source.keep(account(version=2))
        await dacha.on_delivery(Reconnected())
        await wait_all_tasks_blocked()
        told_account, told_features = follower.in_order()
        assert told_account.service_account.version == 2
        assert [(each.action, each.feature.feature.key) for each in told_features.features] == [
            ("UPDATE", "feature-1"),
            ("DELETE", "feature-2"),
        ]
        # A follower that asks at once is told no less than it just heard.
        assert [each.feature.key for each in dacha.lookup.find_key(KEY).features] == ["feature-1"]


async def test_a_refresh_without_news_tells_nothing():
    follower = Follower()
    async with open_dacha(known_world(feature())) as dacha:
        dacha.follow("edge", follower)
        await dacha.lookup.load_key(KEY)
        await dacha.on_delivery(Reconnected())
        await wait_all_tasks_blocked()
        assert follower.told == []


async def test_what_does_not_exist_any_more_is_told_as_deleted():
    source = known_world(feature())
    follower = Follower()
    async with open_dacha(source) as dacha:
        dacha.follow("edge", follower)
        await dacha.lookup.load_key(KEY)
        source.environments.clear()
        source.accounts.clear()
        await dacha.on_delivery(Reconnected())
        await wait_all_tasks_blocked()
        told_account, told_environment = follower.in_order()
        assert (told_account.action, told_account.service_account.id) == ("DELETE", account().id)
        assert (told_environment.action, told_environment.environment.id) == ("DELETE", STAGING)


async def test_while_mr_is_away_nothing_is_told_as_deleted(autojump_clock):
    source = known_world(feature())
    follower = Follower()
    async with open_dacha(source) as dacha:
        dacha.follow("edge", follower)
        await dacha.lookup.load_key(KEY)
        source.is_down = True
        await dacha.on_delivery(Reconnected())
        await trio.sleep(60)
        assert follower.told == []
