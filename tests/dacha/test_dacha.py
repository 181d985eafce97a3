from random import Random

import trio
from trio.testing import wait_all_tasks_blocked

from fh.actors.restart import Intensity
from fh.bus.memory import MemoryBus
from fh.bus.port import Reconnected
from fh.contracts.answers import Granted, KeyLookup, NotReady
from fh.dacha.dacha import Dacha
from fh.dacha.settings import DachaSettings
from tests.dacha.test_environment import Poison
from tests.dacha.world import (
    KEY,
    STAGING,
    account,
    account_published,
    change,
    environment,
    feature,
    features_published,
    known_world,
    open_dacha,
)


async def test_an_update_on_the_bus_is_part_of_the_next_answer():
    async with open_dacha(known_world(feature())) as dacha:
        lookup: KeyLookup = dacha.lookup
        bus = MemoryBus()
        bus.subscribe("dacha", dacha.on_delivery)
        await lookup.load_key(KEY)
        for version in range(2, 10):
            await bus.publish(features_published(change(feature(value_version=version))))
            assert (await lookup.load_key(KEY)).features[0].value.version == version
        assert bus.statistics().failed_deliveries == 0


async def test_its_statistics_tell_what_it_holds():
    source = known_world(feature())
    async with open_dacha(source) as dacha:
        await dacha.lookup.load_key(KEY)
        figures = dacha.statistics()
        assert (figures.environments, figures.accounts, figures.views) == (1, 1, 1)
        assert (figures.features, figures.keys) == (1, 2)
        assert (figures.environment_misses, figures.account_misses) == (0, 0)
        assert (figures.loads.begun, figures.loads.failed, figures.evicted) == (2, 0, 0)


async def test_it_is_not_ready_before_it_runs():
    dacha = Dacha(known_world(), DachaSettings())
    await dacha.on_delivery(Reconnected())
    await dacha.on_delivery(account_published(account()))
    await dacha.on_delivery(environment())
    assert dacha.lookup.find_key(KEY) is None
    assert isinstance(await dacha.lookup.load_key(KEY), NotReady)


async def test_the_next_run_checks_what_the_last_one_left(autojump_clock):
    source = known_world(feature())
    dacha = Dacha(source, DachaSettings(), jitter=Random(1))
    async with trio.open_nursery() as nursery:
        await nursery.start(dacha.run)
        await dacha.lookup.load_key(KEY)
        dacha.stop()
    await dacha.on_delivery(Reconnected())
    source.environments[STAGING] = environment(feature(value_version=2))
    async with trio.open_nursery() as nursery:
        await nursery.start(dacha.run)
        assert isinstance(dacha.lookup.find_key(KEY), Granted)
        await trio.sleep(1)
        assert dacha.lookup.find_key(KEY).features[0].value.version == 2
        dacha.stop()


async def test_after_the_accounts_crash_everything_is_checked_with_mr(autojump_clock):
    source = known_world(feature())
    async with open_dacha(source) as dacha:
        await dacha.lookup.load_key(KEY)
        source.keep(account(version=2, permissions=()))
        await dacha.on_delivery(account_published("no account"))
        await trio.sleep(5)
        assert dacha.lookup.find_key(KEY) == await dacha.lookup.load_key(KEY)
        assert not isinstance(dacha.lookup.find_key(KEY), Granted)


async def test_environments_that_crash_too_often_are_begun_anew_and_cost_no_answer(
    autojump_clock, monkeypatch
):
    monkeypatch.setattr("fh.dacha.dacha._ENVIRONMENTS_INTENSITY", Intensity(restarts=2))
    source = known_world(feature())
    async with open_dacha(source) as dacha:
        await dacha.lookup.load_key(KEY)
        for _ in range(4):
            await dacha._environments.publish_features(STAGING, Poison())
            assert isinstance(await dacha.lookup.load_key(KEY), Granted)
        source.environments[STAGING] = environment(feature(value_version=2))
        await trio.sleep(10)
        assert dacha._supervisor.statistics().restarts == 1
        assert dacha.lookup.find_key(KEY).features[0].value.version == 2


async def test_stopping_it_is_quick_while_mr_hangs(autojump_clock):
    source = known_world(feature())
    async with open_dacha(source) as dacha:
        await dacha.lookup.load_key(KEY)
        source.hold()
        await dacha.on_delivery(Reconnected())
        await wait_all_tasks_blocked()
        before = trio.current_time()
    assert trio.current_time() - before < 5
