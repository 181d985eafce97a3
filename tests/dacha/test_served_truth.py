import pytest

from fh.contracts.answers import Denied, Granted, NotReady
from fh.contracts.truth import SecondLook
from fh.errors import Unavailable
from fh.model.roles import Role
from fh.model.sdk_key import SdkKey
from tests.dacha.world import (
    KEY,
    PRODUCTION,
    SERVER,
    STAGING,
    FakeSource,
    account,
    environment,
    feature,
    known_world,
    open_dacha,
)

ELSEWHERE = SdkKey(PRODUCTION, SERVER)
BOTH = ((STAGING, (Role.READ,)), (PRODUCTION, (Role.READ,)))


async def test_a_permission_that_no_cache_has_heard_of_is_found_behind_all_of_them():
    source = FakeSource(environment(), environment(id=PRODUCTION), accounts=[account()])
    async with (
        open_dacha(source) as dacha,
        open_dacha(dacha.truth) as edge,
        open_dacha(edge.truth) as worker,
    ):
        assert isinstance(await worker.lookup.load_key(KEY), Granted)
        assert len(source.account_questions) == 1
        source.keep(account(permissions=BOTH))
        assert isinstance(await worker.lookup.load_key(ELSEWHERE), Granted)
        assert isinstance(dacha.lookup.find_key(ELSEWHERE), Granted)


async def test_it_is_found_by_a_cache_that_asks_for_each_answer_too():
    source = FakeSource(environment(), environment(id=PRODUCTION), accounts=[account()])
    async with (
        open_dacha(source) as dacha,
        open_dacha(dacha.truth, asks_anew=lambda: True) as edge,
    ):
        assert isinstance(await edge.lookup.load_key(KEY), Granted)
        source.keep(account(permissions=BOTH))
        # What it is asked for the account, the Dacha answers with what it knows.
        assert isinstance(await edge.lookup.load_key(ELSEWHERE), Granted)


async def test_wrong_keys_reach_nobody_once_they_were_looked_at():
    source = known_world()
    async with open_dacha(source) as dacha, open_dacha(dacha.truth) as edge:
        await edge.lookup.load_key(KEY)
        for _ in range(10):
            assert await edge.lookup.load_key(ELSEWHERE) == Denied()
        # Another cache that asks reaches no farther than the first.
        async with open_dacha(dacha.truth) as other:
            assert await other.lookup.load_key(ELSEWHERE) == Denied()
        assert len(source.account_questions) == 2


async def test_where_the_first_cache_can_not_ask_nobody_behind_it_is_denied():
    source = known_world()
    async with open_dacha(source) as dacha, open_dacha(dacha.truth) as edge:
        await edge.lookup.load_key(KEY)
        source.is_down = True
        assert isinstance(dacha.truth, SecondLook)
        with pytest.raises(Unavailable):
            await dacha.truth.look_again(ELSEWHERE)
        assert isinstance(await edge.lookup.load_key(ELSEWHERE), NotReady)


async def test_what_is_held_is_served():
    source = known_world(feature())
    async with open_dacha(source) as dacha:
        for _ in range(2):
            assert (await dacha.truth.load_account(SERVER)).id == account().id
            assert (await dacha.truth.load_environment(STAGING)).features == (feature(),)
        assert len(source.account_questions) == len(source.environment_questions) == 1
