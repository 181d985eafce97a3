from random import Random
from uuid import UUID

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fh.actors.restart import Intensity
from fh.actors.supervisor import Supervisor
from fh.actors.testing import open_supervisor
from fh.contracts.answers import Denied, NotReady
from fh.dacha.environments import Environments
from fh.dacha.misses import Misses
from fh.dacha.settings import DachaSettings
from fh.dacha.snapshot import EnvironmentSnapshot
from tests.dacha.test_environment import Poison
from tests.dacha.world import (
    PRODUCTION,
    STAGING,
    FakeSource,
    change,
    deleted_environment,
    environment,
    feature,
    known_world,
)


def environments(source, supervisor, **settings):
    misses = Misses(10, 60.0, jitter=0.0, source=Random(1))
    return Environments(supervisor, source, misses, DachaSettings(**settings))


@pytest.fixture
async def supervisor():
    async with open_supervisor() as running:
        yield running


def numbered(count):
    return [environment(id=UUID(int=number)) for number in range(count)]


async def test_what_was_never_asked_for_is_unknown(supervisor):
    known = environments(known_world(), supervisor)
    assert known.find(STAGING) is None
    assert isinstance(await known.load(STAGING), EnvironmentSnapshot)
    assert known.find(STAGING) is await known.load(STAGING)
    assert known.ids() == [STAGING]


async def test_many_questions_are_one_load(supervisor, nursery):
    source = known_world(feature())
    source.hold()
    known = environments(source, supervisor)
    got = []

    async def ask():
        got.append(await known.load(STAGING))

    for _ in range(1_000):
        nursery.start_soon(ask)
    await wait_all_tasks_blocked()
    source.release()
    await wait_all_tasks_blocked()
    assert len(source.environment_questions) == 1
    assert len(got) == 1_000
    assert set(got) == {known.find(STAGING)}


async def test_many_questions_are_one_failure(supervisor, nursery):
    source = known_world()
    source.is_down = True
    source.hold()
    known = environments(source, supervisor)
    got = []

    async def ask():
        got.append(await known.load(STAGING))

    for _ in range(100):
        nursery.start_soon(ask)
    await wait_all_tasks_blocked()
    source.release()
    await wait_all_tasks_blocked()
    assert got == 100 * [NotReady("MR is away")]
    assert len(source.environment_questions) == 1
    assert len(known) == 0


async def test_an_event_is_applied_before_anybody_else_hears_of_it(supervisor):
    known = environments(known_world(feature()), supervisor)
    await known.load(STAGING)
    await known.publish_features(STAGING, (change(feature(value_version=2)),))
    assert known.find(STAGING).features[0].value.version == 2


async def test_nothing_is_found_while_an_event_is_waiting_and_the_question_goes_behind_it(
    supervisor, nursery
):
    source = known_world(feature())
    known = environments(source, supervisor)
    before = await known.load(STAGING)
    source.hold()
    nursery.start_soon(known.reload, STAGING)
    await wait_all_tasks_blocked()
    await known.publish_features(STAGING, (change(feature(value_version=2)),))
    assert known.find(STAGING) is None
    source.release()
    after = await known.load(STAGING)
    assert after is not before
    assert after.features[0].value.version == 2
    assert known.find(STAGING) is after


async def test_a_question_that_joins_a_load_under_way_still_sees_the_event_before_it(
    supervisor, nursery
):
    source = known_world(feature())
    source.hold()
    known = environments(source, supervisor)
    nursery.start_soon(known.load, STAGING)
    await wait_all_tasks_blocked()
    await known.publish_features(STAGING, (change(feature(value_version=2)),))
    seen = []

    async def ask():
        seen.append((await known.load(STAGING)).features[0].value.version)

    for _ in range(3):
        nursery.start_soon(ask)
    await wait_all_tasks_blocked()
    source.release()
    await wait_all_tasks_blocked()
    assert seen == [2, 2, 2]


async def test_an_environment_that_does_not_exist_keeps_no_actor(supervisor):
    known = environments(FakeSource(), supervisor)
    assert await known.load(STAGING) == Denied()
    assert known.find(STAGING) == Denied()
    assert len(known) == len(supervisor.statistics().children) == 0


async def test_a_deleted_environment_nobody_kept_is_a_miss(supervisor):
    known = environments(known_world(), supervisor)
    await known.publish(deleted_environment())
    assert known.find(STAGING) == Denied()
    await known.publish(environment(feature()))
    assert known.find(STAGING) is None
    assert len(known) == 0


async def test_a_published_environment_is_kept_or_not(supervisor):
    source = FakeSource()
    kept = environments(source, supervisor)
    await kept.publish(environment(feature()))
    ignored = environments(source, supervisor, cache_all_updates=False)
    await ignored.publish(environment(feature(), id=PRODUCTION))
    await wait_all_tasks_blocked()
    assert isinstance(kept.find(STAGING), EnvironmentSnapshot)
    assert (len(kept), len(ignored)) == (1, 0)
    assert source.environment_questions == []


async def test_features_nobody_keeps_the_environment_of_start_no_actor(supervisor):
    known = environments(known_world(), supervisor)
    await known.publish_features(STAGING, (change(feature()),))
    assert len(known) == 0


async def test_the_environment_used_longest_ago_makes_room(supervisor):
    source = FakeSource(*numbered(4))
    known = environments(source, supervisor, environments=3)
    for number in range(3):
        await known.load(UUID(int=number))
    known.find(UUID(int=0))
    await known.load(UUID(int=3))
    assert known.ids() == [UUID(int=3), UUID(int=0), UUID(int=2)]
    assert known.find(UUID(int=1)) is None
    assert len(supervisor.statistics().children) == 3
    assert known.evicted == 1
    assert isinstance(await known.load(UUID(int=1)), EnvironmentSnapshot)


async def test_an_environment_somebody_waits_for_makes_no_room(supervisor, nursery):
    source = FakeSource(*numbered(3))
    source.hold()
    known = environments(source, supervisor, environments=1)
    for number in range(3):
        nursery.start_soon(known.load, UUID(int=number))
    await wait_all_tasks_blocked()
    assert len(known) == 3
    source.release()
    await wait_all_tasks_blocked()
    assert await known.load(UUID(int=5)) == Denied()
    assert len(known) == 0


async def test_reloading_serves_what_is_known_meanwhile(supervisor, nursery):
    source = known_world(feature())
    known = environments(source, supervisor)
    before = await known.load(STAGING)
    source.environments[STAGING] = environment(feature(value_version=2))
    source.hold()
    nursery.start_soon(known.reload, STAGING)
    await wait_all_tasks_blocked()
    assert known.find(STAGING) is before
    source.release()
    await wait_all_tasks_blocked()
    assert known.find(STAGING).features[0].value.version == 2
    assert await known.reload(PRODUCTION) is None


async def test_a_crash_costs_nobody_an_answer(supervisor, autojump_clock):
    source = known_world(feature())
    known = environments(source, supervisor)
    before = await known.load(STAGING)
    source.is_down = True
    await known.publish_features(STAGING, Poison())
    assert known.find(STAGING) is None
    assert await known.load(STAGING) is before
    source.is_down = False
    await trio.sleep(10)
    assert isinstance(known.find(STAGING), EnvironmentSnapshot)


async def test_without_its_supervisor_nothing_is_loaded_and_nothing_breaks():
    known = environments(known_world(), Supervisor("down"))
    assert await known.load(STAGING) == NotReady("Dacha is not running")
    await known.publish(environment())
    await known.publish_features(STAGING, ())
    assert len(known) == 0


async def test_the_next_run_serves_what_the_last_one_left(autojump_clock):
    source = known_world(feature())
    supervisor = Supervisor("environments", intensity=Intensity(0))
    known = environments(source, supervisor)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        before = await known.load(STAGING)
        supervisor.stop()
    assert known.find(STAGING) is before
    await known.publish_features(STAGING, (change(feature(value_version=2)),))
    assert known.find(STAGING) is None
    assert await known.load(STAGING) is before
    assert await known.reload(STAGING) is None
    source.environments[STAGING] = environment(feature(value_version=2))
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        known.resume()
        known.resume()
        assert known.find(STAGING) is before
        await known.reload(STAGING)
        assert known.find(STAGING).features[0].value.version == 2
        supervisor.stop()


async def test_what_an_earlier_process_knew_keeps_its_order_and_its_bound(supervisor):
    known = environments(FakeSource(), supervisor, environments=3)
    snapshots = [EnvironmentSnapshot.of(each) for each in numbered(4)]
    known.restore(snapshots)
    newest_first = [each.environment.id for each in snapshots[:3]]
    assert known.held() == (snapshots[:3], False)
    assert known.unconfirmed == 3
    known.resume()
    assert known.held() == (snapshots[:3], False)
    assert known.ids() == newest_first
    assert [known.find(each) for each in newest_first] == snapshots[:3]
