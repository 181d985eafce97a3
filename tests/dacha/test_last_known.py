"""A process that begins with what the one before it knew."""

import stat

import pytest
import trio

from fh.bus.following import Following
from fh.contracts.answers import Denied, Granted, NotReady
from fh.contracts.event_log import UNNUMBERED, Events, numbered
from fh.contracts.published import PublishAction
from fh.dacha.last_known import LastKnown
from fh.dacha.last_known_settings import LastKnownSettings
from fh.model.sdk_key import SdkKey
from fh.wire.last_known import NO_POSITION
from tests.dacha.restarts import RAW, away, leave, make_process, open_process
from tests.dacha.world import (
    CLIENT,
    KEY,
    PRODUCTION,
    SERVER,
    STAGING,
    FakeSource,
    account,
    account_deleted,
    account_published,
    change,
    environment,
    feature,
    features_published,
    known_world,
    versions,
)

BOTH = ((STAGING, ("READ",)), (PRODUCTION, ("READ",)))
IN_PRODUCTION = SdkKey(PRODUCTION, CLIENT)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kept" / "last-known.sealed"


def two_environments():
    return FakeSource(
        environment(feature(1), feature(2, value=b"false")),
        environment(feature(3), id=PRODUCTION),
        accounts=[account(permissions=BOTH)],
    )


async def test_with_everything_away_the_next_process_serves_what_was_known(path):
    await leave(two_environments(), path, KEY, IN_PRODUCTION)
    source = away()
    async with open_process(source, path) as process:
        answer = await process.ask()
        assert isinstance(answer, Granted)
        assert versions(answer.features) == [
            ("feature-1", 1, 1, b"true"),
            ("feature-2", 1, 1, b"false"),
        ]
        assert process.dacha.lookup.find_key(IN_PRODUCTION).features[0].feature.key == "feature-3"
        # What nobody knew then is not known now, and that is no final answer.
        assert isinstance(await process.ask(SdkKey(STAGING, "unheard of")), NotReady)


async def test_its_etag_and_rights_are_those_of_before(path):
    source = known_world(feature(properties={"owner": "me"}))
    source.keep(account(permissions=((STAGING, ("READ", "EXTENDED_DATA")),), filters=()))
    async with open_process(source, path) as process:
        before = await process.ask()
    async with open_process(away(), path) as process:
        assert await process.ask() == before


async def test_when_the_truth_is_back_everything_is_brought_up_to_date(path):
    source = two_environments()
    await leave(source, path, KEY, IN_PRODUCTION)
    source.is_down = True
    async with open_process(source, path) as process:
        assert isinstance(await process.ask(), Granted)
        source.environments[STAGING] = environment(feature(2, value_version=2))
        del source.environments[PRODUCTION]
        source.keep(account(version=2, permissions=BOTH))
        source.is_down = False
        await process.confirmed()
        assert versions((await process.ask()).features) == [("feature-2", 1, 2, b"true")]
        assert isinstance(await process.ask(IN_PRODUCTION), Denied)


async def test_a_key_revoked_meanwhile_is_denied_as_soon_as_the_truth_was_asked(path):
    source = known_world(feature())
    await leave(source, path)
    source.is_down = True
    async with open_process(source, path) as process:
        assert isinstance(await process.ask(), Granted)
        source.accounts.clear()
        source.is_down = False
        await process.confirmed()
        assert isinstance(await process.ask(), Denied)


async def test_its_figures_tell_what_is_restored_and_what_is_unconfirmed(path):
    source = two_environments()
    await leave(source, path, KEY, IN_PRODUCTION)
    source.is_down = True
    async with open_process(source, path) as process:
        now = process.statistics()
        assert (now.restored_environments, now.restored_accounts) == (2, 1)
        assert (now.unconfirmed_environments, now.unconfirmed_accounts) == (2, 1)
        assert 0 <= now.restored_age_seconds < 60
        source.is_down = False
        await process.confirmed()
        now = process.statistics()
        assert (now.restored_environments, now.restored_accounts) == (2, 1)
        assert (now.refused, now.failed) == (0, 0)


async def test_the_age_is_that_of_the_oldest_that_is_still_unconfirmed(path):
    await leave(known_world(feature()), path)
    async with open_process(away(), path) as process:
        first = process.last_known._head.as_of
        await process.dacha.on_delivery(features_published(change(feature(value_version=2))))
    async with open_process(away(), path) as process:
        assert process.last_known._head.as_of == first < process.last_known._head.written_at


async def test_events_after_a_restart_are_merged_by_version(path):
    await leave(known_world(feature(1, value_version=5), feature(2, value_version=5)), path)
    async with open_process(away(), path) as process:
        await process.dacha.on_delivery(
            features_published(
                change(feature(1, value_version=4, value=b"false")),
                change(feature(2, value_version=6, value=b"false")),
            )
        )
        assert versions((await process.ask()).features) == [
            ("feature-1", 1, 5, b"true"),
            ("feature-2", 1, 6, b"false"),
        ]


async def test_what_was_deleted_before_is_not_brought_back_by_an_older_event(path):
    source = known_world(feature(1), feature(2))
    source.keep(account())
    async with open_process(source, path) as process:
        await process.ask()
        gone = change(feature(2, version=3), PublishAction.DELETE)
        await process.dacha.on_delivery(features_published(gone))
        await process.dacha.on_delivery(account_deleted())
        assert isinstance(await process.ask(), Denied)
    async with open_process(away(), path) as process:
        await process.dacha.on_delivery(features_published(change(feature(2, version=2))))
        await process.dacha.on_delivery(account_published(account()))
        assert isinstance(await process.ask(), NotReady)
        (snapshot,) = process.dacha.holdings().environments
        assert [each.feature.key for each in snapshot.features] == ["feature-1"]


async def test_a_restored_environment_whose_actor_crashes_is_checked_with_the_truth(path):
    source = known_world(feature())
    await leave(source, path)
    source.hold()
    async with open_process(source, path) as process:
        await process.dacha._environments.publish_features(STAGING, "no changes")
        source.environments[STAGING] = environment(feature(value_version=2))
        source.release()
        await process.until(
            lambda: (
                isinstance(found := process.dacha.lookup.find_key(KEY), Granted)
                and found.features[0].value.version == 2
            )
        )


async def test_the_truth_is_asked_by_a_few_at_a_time(path):
    source = two_environments()
    await leave(source, path, KEY, IN_PRODUCTION)
    source.hold()
    source.most_running = 0
    async with open_process(source, path, concurrent_reloads=1) as process:
        await process.until(lambda: source.running)
        await trio.testing.wait_all_tasks_blocked()
        source.release()
        await process.confirmed()
        assert source.most_running == 1


async def test_a_smaller_dacha_restores_what_was_used_last(path):
    await leave(two_environments(), path, IN_PRODUCTION, KEY)
    async with open_process(away(), path, environments=1) as process:
        assert isinstance(await process.ask(), Granted)
        assert isinstance(await process.ask(IN_PRODUCTION), NotReady)


async def test_nothing_can_be_read_in_the_file_and_by_nobody_else(path):
    source = known_world(feature(value=b'"an offer nobody knows of"'))
    await leave(source, path)
    raw = path.read_bytes()
    for text in (SERVER, CLIENT, "offer", "feature-1", str(STAGING), RAW, "features"):
        assert text.encode() not in raw
    assert bytes.fromhex(RAW) not in raw
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


# When it is written


async def test_it_is_written_while_the_process_runs(path):
    async with open_process(known_world(feature()), path, seconds=0.01) as process:
        await process.ask()
        await process.until(lambda: process.statistics().written >= 1)
        assert process.statistics().file_bytes == path.stat().st_size
        assert 0 <= process.statistics().file_age_seconds < 60


async def test_it_is_written_only_after_a_change(path):
    async with open_process(known_world(feature()), path) as process:
        await process.ask()
        await process.last_known._look()
        assert process.statistics().written == 1
        assert await process.dacha._environments.reload(STAGING) is None
        await process.last_known._look()
        assert process.statistics().written == 1
        await process.dacha.on_delivery(features_published(change(feature(value_version=2))))
        await process.ask()
        await process.last_known._look()
        assert process.statistics().written == 2


async def test_once_all_is_confirmed_the_file_is_as_young_as_it_looks(path):
    source = known_world(feature())
    await leave(source, path)
    async with open_process(source, path) as process:
        first = process.last_known._head.as_of
        await process.confirmed()
    async with open_process(away(), path) as process:
        assert process.last_known._head.as_of == process.last_known._head.written_at > first


async def test_a_process_that_learned_nothing_writes_nothing(path):
    async with open_process(away(), path):
        pass
    assert not path.exists()


async def test_a_process_that_ends_before_its_dacha_begins_leaves_the_file_alone(path):
    await leave(known_world(feature()), path)
    before = path.read_bytes()
    process = make_process(away(), path)
    async with trio.open_nursery() as nursery:
        await nursery.start(process.last_known.run)
        process.last_known.drain()
    assert process.statistics().written == 0
    assert path.read_bytes() == before


async def test_a_second_life_in_the_same_process_restores_nothing(path):
    await leave(known_world(feature()), path)
    process = make_process(away(), path)
    for _ in range(2):
        async with trio.open_nursery() as nursery:
            await nursery.start(process.last_known.run)
            process.dacha.restore = None
            nursery.cancel_scope.cancel()


# The number that events are followed from


async def test_the_position_is_kept(path):
    source = known_world(feature())
    await leave(source, path, position=lambda: 41)
    async with open_process(away(), path, position=lambda: 41) as process:
        assert process.last_known.position == 41


async def test_where_nothing_was_followed_yet_there_is_no_position(path):
    await leave(known_world(feature()), path, position=lambda: UNNUMBERED)
    async with open_process(away(), path) as process:
        assert process.statistics().restored_environments == 1
        assert process.last_known.position == NO_POSITION


async def test_the_position_is_kept_at_a_stop_although_nothing_else_changed(path):
    source = known_world(feature())
    await leave(source, path, position=lambda: 41)
    await leave(source, path, position=lambda: 42)
    async with open_process(away(), path) as process:
        assert process.last_known.position == 42


async def test_while_an_event_waits_to_be_applied_the_position_stays_where_it_was(path):
    source = known_world(feature())
    await leave(source, path, position=lambda: 41)
    source.hold()
    async with open_process(source, path, position=lambda: 45, load_seconds=3600) as process:
        await process.until(lambda: STAGING in source.environment_questions[1:])
        # The reload under way makes it wait.
        await process.dacha.on_delivery(features_published(change(feature(value_version=2))))
        assert process.dacha.holdings().is_behind
        process.last_known._saved = None
        await process.last_known._look()
        assert process.last_known._saved_position == 41
        source.release()
        await process.confirmed()
    async with open_process(away(), path) as process:
        assert process.last_known.position == 45


async def test_followed_from_there_only_what_was_missed_is_asked_for(path, nursery):
    missed = features_published(change(feature(value_version=2, value=b"false")))

    asked = []

    class Log:
        async def events_after(self, sequence):
            asked.append(sequence)
            await trio.lowlevel.checkpoint()
            return Events(42, 42, (numbered(42, missed),) if sequence < 42 else ())

    source = known_world(feature())
    await leave(source, path, position=lambda: 41)
    async with open_process(away(), path) as process:

        async def deliver(delivery, _committed_at) -> None:
            await process.dacha.on_delivery(delivery)

        following = Following(Log(), deliver, begin=lambda: process.last_known.position)
        await nursery.start(following.run)
        with trio.fail_after(10):
            await following.reach(42)
        assert asked[0] == 41
        assert following.statistics().reloads == 0
        assert versions((await process.ask()).features) == [("feature-1", 1, 2, b"false")]


@pytest.mark.parametrize(
    "settings",
    [LastKnownSettings(), LastKnownSettings("file")],
    ids=["no file", "no key"],
)
def test_it_is_not_made_without_file_or_key(settings):
    with pytest.raises(ValueError, match=r"no file|too short"):
        LastKnown(None, settings, origin="")
