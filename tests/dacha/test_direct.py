from fh.contracts.answers import Denied, Granted, NotReady
from fh.dacha.direct import DirectLookup
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
    environment,
    feature,
    known_world,
    open_dacha,
)


def direct(source, **options) -> DirectLookup:
    chosen = {"concurrent": 4, "waiting": 4, "load_seconds": 1.0} | options
    return DirectLookup(source, **chosen)


async def test_it_says_what_a_cache_would():
    permissions = ((STAGING, (Role.READ, Role.EXTENDED_DATA)),)
    source = FakeSource(
        environment(feature(filters=(RED,), properties={"a": "b"}), feature(2)),
        accounts=[account(permissions=permissions, filters=(RED,))],
    )
    async with open_dacha(source) as dacha:
        for secret in (SERVER, CLIENT):
            key = SdkKey(STAGING, secret)
            answer = await direct(source).load_key(key)
            assert isinstance(answer, Granted)
            assert answer == await dacha.lookup.load_key(key)


async def test_nothing_is_kept_so_nothing_is_stale():
    source = known_world(feature())
    lookup = direct(source)
    assert lookup.find_key(KEY) is None
    first = await lookup.load_key(KEY)
    source.environments[STAGING] = environment(feature(value_version=2))
    second = await lookup.load_key(KEY)
    assert first.features[0].value.version == 1
    assert second.features[0].value.version == 2
    assert lookup.find_key(KEY) is None


async def test_what_is_not_permitted_or_not_there_is_denied():
    source = known_world(feature())
    lookup = direct(source)
    assert isinstance(await lookup.load_key(SdkKey(STAGING, "unknown")), Denied)
    assert isinstance(await lookup.load_key(SdkKey(PRODUCTION, SERVER)), Denied)
    del source.environments[STAGING]
    assert isinstance(await lookup.load_key(KEY), Denied)
    # An account without any permission in the environment reads nothing there.
    source = FakeSource(environment(feature()), accounts=[account(permissions=((STAGING, ()),))])
    assert isinstance(await direct(source).load_key(KEY), Denied)


async def test_out_of_reach_is_not_ready():
    source = known_world(feature())
    source.is_down = True
    lookup = direct(source)
    assert isinstance(await lookup.load_key(KEY), NotReady)
    assert lookup.statistics().failed == 1
