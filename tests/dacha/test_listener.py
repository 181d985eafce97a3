import pytest

from fh.bus.port import Reconnected
from fh.contracts.answers import Granted
from fh.contracts.published import PublishAction
from fh.dacha.listener import DachaListener
from tests.dacha.world import (
    KEY,
    PRODUCTION,
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

EMPTY = PublishAction.EMPTY


class Recorder:
    """Accounts and environments in one that keep what they are told."""

    def __init__(self):
        self.told = []

    async def publish(self, message):
        self.told.append(message)

    async def publish_features(self, environment_id, changes):
        self.told.append((environment_id, changes))

    def refresh(self):
        self.told.append("refresh")


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def listener(recorder):
    return DachaListener(recorder, recorder, recorder.refresh)


async def test_each_event_goes_to_its_owner(listener, recorder):
    for each in (environment(), account_published(account())):
        await listener(each)
        assert recorder.told.pop() is each


async def test_features_go_to_their_environments_in_order(listener, recorder):
    first, second = change(feature(1)), change(feature(2))
    elsewhere = change(feature(3), environment_id=PRODUCTION)
    await listener(features_published(first, elsewhere, second))
    assert recorder.told == [(STAGING, (first, second)), (PRODUCTION, (elsewhere,))]


async def test_empty_says_nothing(listener, recorder):
    await listener(environment(action=EMPTY))
    await listener(account_published(account(), EMPTY))
    await listener(features_published(change(feature(), EMPTY)))
    assert recorder.told == []


async def test_a_reconnected_bus_means_a_refresh(listener, recorder):
    await listener(Reconnected())
    assert recorder.told == ["refresh"]


async def test_what_was_published_needs_no_load():
    source = known_world()
    async with open_dacha(source) as dacha:
        await dacha.on_delivery(environment(feature()))
        await dacha.on_delivery(account_published(account()))
        assert isinstance(await dacha.lookup.load_key(KEY), Granted)
        assert source.environment_questions == source.account_questions == []
