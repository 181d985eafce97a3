from random import Random

import trio
from trio.testing import wait_all_tasks_blocked

from fh.actors.child import ActorSpec
from fh.actors.table import Table
from fh.actors.testing import open_supervisor, start
from fh.contracts.answers import Denied, NotReady
from fh.dacha.environment import (
    AskEnvironment,
    EnvironmentActor,
    EnvironmentPublished,
    EnvironmentState,
    FeaturesPublished,
    Reload,
)
from fh.dacha.misses import Misses
from fh.dacha.snapshot import EnvironmentSnapshot
from tests.dacha.world import (
    STAGING,
    FakeSource,
    change,
    deleted_environment,
    environment,
    feature,
    known_world,
    versions,
)


class Subject:
    """One environment actor with its table, misses and MR."""

    def __init__(self, source, *, cache_all_updates=True):
        self.source = source
        self.table = Table()
        self.misses = Misses(10, 60.0, jitter=0.0, source=Random(1))
        self.published = 0
        self.cache_all_updates = cache_all_updates
        self.ref = None

    def make(self):
        return EnvironmentActor(
            STAGING, self.source, self.table, self.misses, published=lambda: self.published,
            cache_all_updates=self.cache_all_updates, retry_seconds=1.0,
        )  # fmt: skip

    def start(self, nursery):
        self.ref = start(nursery, "staging", self.make())
        return self

    async def publish(self, message):
        self.published += 1
        await self.ref.tell(EnvironmentPublished(message, self.published))

    async def publish_features(self, *features):
        self.published += 1
        changes = tuple(change(each) for each in features)
        await self.ref.tell(FeaturesPublished(changes, self.published))

    async def ask(self):
        return await self.ref.ask(AskEnvironment)

    @property
    def state(self):
        return self.table[STAGING]

    @property
    def features(self):
        return versions(self.state.snapshot.features)


async def test_a_question_loads_the_environment_once(nursery):
    subject = Subject(known_world(feature())).start(nursery)
    first = await subject.ask()
    assert isinstance(first, EnvironmentSnapshot)
    assert await subject.ask() is first is subject.state.snapshot
    assert len(subject.source.environment_questions) == 1


async def test_a_feature_published_during_a_load_is_not_lost(nursery):
    subject = Subject(known_world(feature(value_version=1))).start(nursery)
    subject.source.hold()
    nursery.start_soon(subject.ask)
    await wait_all_tasks_blocked()
    await subject.publish_features(feature(value_version=2, value=b"false"))
    subject.source.release()
    await wait_all_tasks_blocked()
    assert subject.features == [("feature-1", 1, 2, b"false")]
    assert subject.state.applied == 1


async def test_an_event_that_mr_had_applied_already_changes_nothing(nursery):
    subject = Subject(known_world(feature(value_version=3))).start(nursery)
    await subject.ask()
    before = subject.state.snapshot
    await subject.publish_features(feature(value_version=2, value=b"false"))
    await wait_all_tasks_blocked()
    assert subject.state.snapshot is before
    assert subject.state.applied == 1


async def test_a_missing_environment_is_remembered_and_not_asked_for_again(nursery):
    subject = Subject(FakeSource()).start(nursery)
    assert await subject.ask() == Denied()
    assert await subject.ask() == Denied()
    assert len(subject.source.environment_questions) == 1


async def test_mr_away_is_not_ready_and_never_a_miss(nursery):
    subject = Subject(known_world(feature())).start(nursery)
    subject.source.is_down = True
    assert await subject.ask() == NotReady("MR is away")
    assert len(subject.misses) == 0
    subject.source.is_down = False
    assert isinstance(await subject.ask(), EnvironmentSnapshot)


async def test_a_published_environment_is_kept_where_all_updates_are(nursery):
    kept, ignored = Subject(FakeSource()), Subject(FakeSource(), cache_all_updates=False)
    for subject in (kept, ignored):
        await subject.start(nursery).publish(environment(feature()))
    await wait_all_tasks_blocked()
    assert kept.features == [("feature-1", 1, 1, b"true")]
    assert ignored.state == EnvironmentState(snapshot=None, applied=1)


async def test_features_of_an_unknown_environment_are_ignored(nursery):
    subject = Subject(FakeSource()).start(nursery)
    await subject.publish_features(feature())
    await wait_all_tasks_blocked()
    assert subject.state == EnvironmentState(snapshot=None, applied=1)


async def test_a_deleted_environment_is_a_miss_and_a_late_update_is_left_to_mr(nursery):
    subject = Subject(known_world(feature())).start(nursery)
    await subject.ask()
    await subject.publish(deleted_environment())
    assert await subject.ask() == Denied()
    await subject.publish(environment(feature()))
    await wait_all_tasks_blocked()
    assert subject.state.snapshot is None
    assert len(subject.misses) == 0
    assert isinstance(await subject.ask(), EnvironmentSnapshot)
    assert len(subject.source.environment_questions) == 2


async def test_a_reload_merges_by_version(nursery):
    subject = Subject(known_world(feature(value_version=1), feature(2))).start(nursery)
    await subject.publish(environment(feature(value_version=9, value=b"false"), feature(3)))
    assert await subject.ref.ask(Reload) is None
    assert subject.features == [("feature-1", 1, 9, b"false"), ("feature-2", 1, 1, b"true")]


async def test_a_reload_that_fails_keeps_what_is_known(nursery):
    subject = Subject(known_world(feature())).start(nursery)
    known = await subject.ask()
    subject.source.is_down = True
    assert await subject.ref.ask(Reload) == NotReady("MR is away")
    assert await subject.ask() is known


async def test_a_reload_that_finds_nothing_forgets_the_environment(nursery):
    subject = Subject(known_world(feature())).start(nursery)
    await subject.ask()
    subject.source.environments.clear()
    await subject.ref.ask(Reload)
    assert subject.state.snapshot is None
    assert await subject.ask() == Denied()


class Poison:
    """Changes that no actor survives."""

    def __iter__(self):
        raise ValueError("poison")


async def test_after_a_crash_the_last_snapshot_is_served_until_it_is_reloaded(autojump_clock):
    subject = Subject(known_world(feature()))
    async with open_supervisor() as supervisor:
        subject.ref = supervisor.spawn(ActorSpec("staging", subject.make))
        known = await subject.ask()
        subject.source.is_down = True
        subject.published += 1
        await subject.ref.tell(FeaturesPublished(Poison(), subject.published))
        await wait_all_tasks_blocked()
        assert subject.state.snapshot is known
        assert subject.state.applied < subject.published
        assert await subject.ask() is known
        subject.source.is_down = False
        subject.source.environments[STAGING] = environment(feature(value_version=2))
        await trio.sleep(10)
        assert subject.features == [("feature-1", 1, 2, b"true")]
        assert subject.state.applied == subject.published
        questions = len(subject.source.environment_questions)
        await trio.sleep(10)
        assert len(subject.source.environment_questions) == questions


async def test_what_an_earlier_process_knew_is_answered_unasked_and_unconfirmed_until_a_load(
    nursery,
):
    subject = Subject(known_world(feature(value_version=3)))
    restored = EnvironmentSnapshot.of(environment(feature()))
    subject.table[STAGING] = EnvironmentState(restored, applied=0, is_confirmed=False)
    subject.start(nursery)
    assert await subject.ask() is restored
    await subject.publish_features(feature(value_version=2))
    await wait_all_tasks_blocked()
    assert (await subject.ask()).features[0].value.version == 2
    assert subject.source.environment_questions == []
    assert not subject.state.is_confirmed
    await subject.ref.ask(Reload)
    assert subject.state.is_confirmed
    assert subject.features == [("feature-1", 1, 3, b"true")]
    await subject.publish_features(feature(value_version=4))
    assert subject.state.is_confirmed


async def test_what_an_earlier_process_knew_and_the_bus_deletes_is_gone(nursery):
    subject = Subject(known_world())
    restored = EnvironmentSnapshot.of(environment(feature()))
    subject.table[STAGING] = EnvironmentState(restored, applied=0, is_confirmed=False)
    subject.start(nursery)
    await subject.publish(deleted_environment())
    assert isinstance(await subject.ask(), Denied)
    assert subject.state == EnvironmentState(snapshot=None, applied=1, is_confirmed=True)
