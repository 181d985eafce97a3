import trio
from trio.testing import wait_all_tasks_blocked

from fh.bus.port import Reconnected
from fh.contracts.answers import Denied, Granted, NotReady
from fh.model.roles import Role
from fh.model.sdk_key import SdkKey
from tests.dacha.world import (
    CLIENT,
    KEY,
    PRODUCTION,
    RED,
    SERVER,
    STAGING,
    FakeSource,
    account,
    account_deleted,
    account_published,
    change,
    deleted_environment,
    environment,
    feature,
    features_published,
    known_world,
    open_dacha,
)


async def test_a_known_key_is_answered_at_once_and_with_the_same_object():
    async with open_dacha(known_world(feature())) as dacha:
        assert dacha.lookup.find_key(KEY) is None
        granted = await dacha.lookup.load_key(KEY)
        assert isinstance(granted, Granted)
        assert dacha.lookup.find_key(KEY) is granted is await dacha.lookup.load_key(KEY)
        both = dacha.lookup.find_key(SdkKey(STAGING, CLIENT))
        assert both is granted


async def test_an_unknown_secret_is_denied_without_asking_for_the_environment():
    source = known_world()
    async with open_dacha(source) as dacha:
        wrong = SdkKey(STAGING, "wrong")
        assert await dacha.lookup.load_key(wrong) == Denied()
        assert dacha.lookup.find_key(wrong) == Denied()
        assert source.environment_questions == []


async def test_a_key_without_permission_is_denied_without_asking_for_the_environment():
    source = known_world()
    async with open_dacha(source) as dacha:
        elsewhere = SdkKey(PRODUCTION, SERVER)
        assert await dacha.lookup.load_key(elsewhere) == Denied()
        assert dacha.lookup.find_key(elsewhere) == Denied()
        assert source.environment_questions == []


# Permissions that were just given -----------------------------------------------------------------


async def test_a_permission_nobody_announced_yet_is_found_before_the_first_denial():
    source = FakeSource(environment(), environment(id=PRODUCTION), accounts=[account()])
    async with open_dacha(source) as dacha:
        await dacha.lookup.load_key(KEY)
        source.keep(account(permissions=((STAGING, (Role.READ,)), (PRODUCTION, (Role.READ,)))))
        elsewhere = SdkKey(PRODUCTION, SERVER)
        assert dacha.lookup.find_key(elsewhere) is None
        assert isinstance(await dacha.lookup.load_key(elsewhere), Granted)
        assert isinstance(dacha.lookup.find_key(elsewhere), Granted)


async def test_wrong_keys_are_asked_for_once_in_a_while(autojump_clock):
    source = known_world()
    async with open_dacha(source, denial_seconds=5.0) as dacha:
        await dacha.lookup.load_key(KEY)
        elsewhere = [SdkKey(PRODUCTION, SERVER), SdkKey(PRODUCTION, CLIENT)]
        for expected in (2, 3):
            for _ in range(10):
                for key in elsewhere:
                    assert await dacha.lookup.load_key(key) == Denied()
                    assert dacha.lookup.find_key(key) == Denied()
            assert len(source.account_questions) == expected
            await trio.sleep(5.1)
            assert dacha.lookup.find_key(elsewhere[0]) is None


async def test_many_who_ask_at_once_ask_together(nursery):
    source = known_world()
    async with open_dacha(source) as dacha:
        await dacha.lookup.load_key(KEY)
        source.hold()
        for _ in range(100):
            nursery.start_soon(dacha.lookup.load_key, SdkKey(PRODUCTION, SERVER))
        await wait_all_tasks_blocked()
        source.release()
        await wait_all_tasks_blocked()
        assert len(source.account_questions) <= 3


async def test_while_nobody_can_say_there_is_no_denial():
    source = known_world()
    async with open_dacha(source) as dacha:
        await dacha.lookup.load_key(KEY)
        source.is_down = True
        elsewhere = SdkKey(PRODUCTION, SERVER)
        assert isinstance(await dacha.lookup.load_key(elsewhere), NotReady)
        source.is_down = False
        assert await dacha.lookup.load_key(elsewhere) == Denied()


async def test_who_just_lost_a_permission_is_denied_with_mr_away_too():
    source = known_world()
    async with open_dacha(source) as dacha:
        await dacha.lookup.load_key(KEY)
        source.is_down = True
        await dacha.on_delivery(account_published(account(permissions=())))
        for key in (KEY, SdkKey(STAGING, CLIENT)):
            assert dacha.lookup.find_key(key) == Denied()
            assert await dacha.lookup.load_key(key) == Denied()


async def test_an_account_that_turns_out_to_be_gone_is_denied():
    source = known_world()
    async with open_dacha(source) as dacha:
        await dacha.lookup.load_key(KEY)
        source.accounts.clear()
        assert await dacha.lookup.load_key(SdkKey(PRODUCTION, SERVER)) == Denied()
        assert dacha.lookup.find_key(KEY) == Denied()


async def test_a_refresh_lets_everybody_be_looked_at_anew():
    source = known_world()
    async with open_dacha(source) as dacha:
        elsewhere = SdkKey(PRODUCTION, SERVER)
        await dacha.lookup.load_key(elsewhere)
        assert dacha.lookup.find_key(elsewhere) == Denied()
        await dacha.on_delivery(Reconnected())
        assert dacha.lookup.find_key(elsewhere) is None


async def test_an_environment_that_does_not_exist_is_denied():
    source = FakeSource(accounts=[account()])
    async with open_dacha(source) as dacha:
        assert await dacha.lookup.load_key(KEY) == Denied()
        assert dacha.lookup.find_key(KEY) == Denied()


async def test_mr_away_is_not_ready_until_it_is_back():
    source = known_world()
    async with open_dacha(source) as dacha:
        source.is_down = True
        assert await dacha.lookup.load_key(KEY) == NotReady("MR is away")
        source.is_down = False
        await dacha.on_delivery(account_published(account()))
        source.is_down = True
        assert await dacha.lookup.load_key(KEY) == NotReady("MR is away")
        source.is_down = False
        assert isinstance(await dacha.lookup.load_key(KEY), Granted)


async def test_mr_that_does_not_answer_is_not_ready_in_bounded_time(autojump_clock):
    source = known_world()
    source.hold()
    async with open_dacha(source, load_seconds=3.0) as dacha:
        started = trio.current_time()
        assert await dacha.lookup.load_key(KEY) == NotReady("no answer within 3 s")
        assert trio.current_time() - started < 3.1


async def test_an_update_is_in_the_next_answer():
    async with open_dacha(known_world(feature())) as dacha:
        old = await dacha.lookup.load_key(KEY)
        await dacha.on_delivery(features_published(change(feature(value_version=2))))
        new = dacha.lookup.find_key(KEY)
        assert await dacha.lookup.load_key(KEY) is new
        assert new.features[0].value.version == 2
        assert new.etag != old.etag


async def test_a_removed_permission_denies_at_once():
    async with open_dacha(known_world()) as dacha:
        await dacha.lookup.load_key(KEY)
        await dacha.on_delivery(account_published(account(permissions=())))
        assert dacha.lookup.find_key(KEY) == Denied()


async def test_edited_roles_and_filters_make_another_view():
    async with open_dacha(known_world(feature(properties={"p": "1"}))) as dacha:
        await dacha.lookup.load_key(KEY)
        await dacha.on_delivery(
            account_published(account(permissions=((STAGING, (Role.EXTENDED_DATA,)),)))
        )
        extended = dacha.lookup.find_key(KEY)
        assert extended.extended_data
        assert extended.features[0].properties == {"p": "1"}
        await dacha.on_delivery(account_published(account(filters=(RED,))))
        assert dacha.lookup.find_key(KEY).features == ()


async def test_an_account_deleted_while_its_environment_loads_is_denied(nursery):
    source = known_world()
    async with open_dacha(source) as dacha:
        await dacha.on_delivery(account_published(account()))
        source.hold()
        answers = []

        async def ask():
            answers.append(await dacha.lookup.load_key(KEY))

        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        await dacha.on_delivery(account_deleted())
        source.release()
        await wait_all_tasks_blocked()
        assert answers == [Denied()]


async def test_a_deleted_environment_is_denied():
    source = known_world()
    async with open_dacha(source) as dacha:
        await dacha.lookup.load_key(KEY)
        await dacha.on_delivery(deleted_environment())
        assert await dacha.lookup.load_key(KEY) == Denied()
        assert dacha.lookup.find_key(KEY) == Denied()
        await dacha.on_delivery(environment())
        assert isinstance(await dacha.lookup.load_key(KEY), Granted)


async def test_questions_beyond_the_bound_are_not_ready_at_once(nursery):
    source = known_world()
    source.hold()
    async with open_dacha(source, waiting_questions=2) as dacha:
        for _ in range(2):
            nursery.start_soon(dacha.lookup.load_key, KEY)
        await wait_all_tasks_blocked()
        assert dacha.statistics().waiting_questions == 2
        assert await dacha.lookup.load_key(KEY) == NotReady("2 questions are waiting")
        source.release()
        await wait_all_tasks_blocked()
        assert isinstance(await dacha.lookup.load_key(KEY), Granted)


# Asked anew ---------------------------------------------------------------------------------------


async def test_while_the_bus_is_away_every_answer_is_asked_for_anew():
    source, bus = known_world(feature()), Bus()
    async with open_dacha(source, asks_anew=bus) as dacha:
        await dacha.lookup.load_key(KEY)
        assert dacha.lookup.find_key(KEY) is not None
        bus.is_away = True
        for version in range(2, 5):
            source.environments[STAGING] = environment(feature(value_version=version))
            assert dacha.lookup.find_key(KEY) is None
            answer = await dacha.lookup.load_key(KEY)
            assert answer.features[0].value.version == version
        source.keep(account(version=2, permissions=()))
        assert isinstance(await dacha.lookup.load_key(KEY), Denied)
        bus.is_away = False
        source.keep(account(version=3))
        assert isinstance(dacha.lookup.find_key(KEY), Denied)  # cached again
        assert len(source.environment_questions) == 4


async def test_a_key_that_did_not_exist_is_asked_for_anew_too():
    source, bus = FakeSource(), Bus()
    async with open_dacha(source, asks_anew=bus) as dacha:
        bus.is_away = True
        assert isinstance(await dacha.lookup.load_key(KEY), Denied)
        source.keep(account())
        assert isinstance(await dacha.lookup.load_key(KEY), Denied)  # not in that environment yet
        source.environments[STAGING] = environment(feature())
        assert isinstance(await dacha.lookup.load_key(KEY), Granted)


async def test_a_denial_is_asked_for_anew_too():
    source, bus = known_world(), Bus()
    async with open_dacha(source, asks_anew=bus) as dacha:
        bus.is_away = True
        elsewhere = SdkKey(PRODUCTION, SERVER)
        for _ in range(2):
            assert isinstance(await dacha.lookup.load_key(elsewhere), Denied)
        source.is_down = True
        assert isinstance(await dacha.lookup.load_key(elsewhere), NotReady)


async def test_with_mr_away_too_what_was_known_last_is_served(autojump_clock):
    source, bus = known_world(feature()), Bus()
    async with open_dacha(source, asks_anew=bus) as dacha:
        granted = await dacha.lookup.load_key(KEY)
        bus.is_away = source.is_down = True
        assert await dacha.lookup.load_key(KEY) == granted
        # Of what was never known nothing final is said.
        for unknown in (SdkKey(STAGING, "other"), SdkKey(PRODUCTION, SERVER)):
            assert isinstance(await dacha.lookup.load_key(unknown), NotReady)
        source.is_down = False
        source.hold()
        before = trio.current_time()
        assert await dacha.lookup.load_key(KEY) == granted
        assert trio.current_time() - before < 4  # an Edge's patience
        source.release()


async def test_asked_anew_by_many_the_question_is_one():
    source, bus = known_world(feature()), Bus()
    async with open_dacha(source, asks_anew=bus) as dacha:
        await dacha.lookup.load_key(KEY)
        bus.is_away = True
        source.hold()
        async with trio.open_nursery() as nursery:
            for _ in range(500):
                nursery.start_soon(dacha.lookup.load_key, KEY)
            await wait_all_tasks_blocked()
            source.release()
        # Who came while one was under way shares the next one.
        assert len(source.account_questions) <= 3
        assert len(source.environment_questions) <= 4
        assert source.most_running <= 2  # an account and an environment


async def test_what_is_announced_meanwhile_is_part_of_the_answer():
    source, bus = known_world(feature()), Bus()
    async with open_dacha(source, asks_anew=bus) as dacha:
        bus.is_away = True
        await dacha.lookup.load_key(KEY)
        await dacha.on_delivery(features_published(change(feature(value_version=7))))
        answer = await dacha.lookup.load_key(KEY)
        assert answer.features[0].value.version == 7


class Bus:
    """Says whether it is away."""

    def __init__(self):
        self.is_away = False

    def __call__(self):
        return self.is_away
