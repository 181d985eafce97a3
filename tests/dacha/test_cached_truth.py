import pytest

from fh.contracts.answers import Granted
from fh.contracts.published import PublishAction
from fh.errors import Unavailable
from fh.model.ids import EnvironmentId
from tests.dacha.world import (
    CLIENT,
    KEY,
    RED,
    SERVER,
    STAGING,
    account,
    change,
    environment,
    feature,
    features_published,
    known_world,
    open_dacha,
)


async def test_a_cache_behind_a_cache_answers_the_same():
    source = known_world(feature(filters=(RED,)), feature(2))
    async with open_dacha(source) as first, open_dacha(first.truth) as second:
        direct = await first.lookup.load_key(KEY)
        behind = await second.lookup.load_key(KEY)
        assert isinstance(direct, Granted)
        assert behind == direct


async def test_it_tells_what_it_heard_and_not_what_it_loaded_once():
    async with open_dacha(known_world(feature())) as dacha:
        await dacha.lookup.load_key(KEY)
        await dacha.on_delivery(features_published(change(feature(value_version=7))))
        found = await dacha.truth.load_environment(STAGING)
        assert found is not None
        assert (found.action, found.features[0].value.version) == (PublishAction.CREATE, 7)


async def test_an_account_has_both_its_secrets_and_is_found_by_either():
    async with open_dacha(known_world(feature())) as dacha:
        for secret in (SERVER, CLIENT):
            found = await dacha.truth.load_account(secret)
            assert found is not None
            assert (found.api_key_server_side, found.api_key_client_side) == (SERVER, CLIENT)
            assert found.permissions == account().permissions


async def test_what_there_is_not_is_none_and_what_is_out_of_reach_is_not():
    source = known_world(feature())
    async with open_dacha(source) as dacha:
        assert await dacha.truth.load_account("nobody's") is None
        assert await dacha.truth.load_environment(EnvironmentId(KEY.environment_id)) is not None
        source.is_down = True
        with pytest.raises(Unavailable):
            await dacha.truth.load_account("another's")


async def test_a_cache_behind_one_that_asks_anew_hears_the_truth():
    source, away = known_world(feature()), []
    async with open_dacha(source, asks_anew=lambda: bool(away)) as dacha:
        await dacha.lookup.load_key(KEY)
        source.environments[STAGING] = environment(feature(value_version=2))
        source.keep(account(version=2, permissions=()))
        assert (await dacha.truth.load_environment(STAGING)).features[0].value.version == 1
        away.append("the bus")
        assert (await dacha.truth.load_environment(STAGING)).features[0].value.version == 2
        assert (await dacha.truth.load_account(SERVER)).permissions == ()
        source.is_down = True
        assert (await dacha.truth.load_environment(STAGING)).features[0].value.version == 2
