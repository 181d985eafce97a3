"""A replica's yes counts, its no does not, and its absence is made up for."""

import pytest

from fh.contracts.answers import Denied, Granted, NotReady
from fh.dacha.direct import DirectLookup
from fh.dacha.replicated import ReplicatedLookup
from fh.model.sdk_key import SdkKey
from tests.dacha.world import KEY, STAGING, FakeSource, feature, known_world


def direct(source) -> DirectLookup:
    return DirectLookup(source, concurrent=4, waiting=4, load_seconds=1.0)


def replicated(replica: FakeSource, truth: FakeSource, **options) -> ReplicatedLookup:
    return ReplicatedLookup(direct(replica), direct(truth), **options)


def version(answer) -> int:
    assert isinstance(answer, Granted)
    return answer.features[0].value.version


async def test_what_the_replica_grants_costs_the_truth_nothing():
    replica, truth = known_world(feature()), known_world(feature(value_version=2))
    lookup = replicated(replica, truth)
    assert lookup.find_key(KEY) is None
    assert version(await lookup.load_key(KEY)) == 1
    assert not truth.account_questions


async def test_nobody_is_refused_before_the_truth_was_asked():
    behind, truth = FakeSource(), known_world(feature())
    lookup = replicated(behind, truth)
    assert version(await lookup.load_key(KEY)) == 1
    assert isinstance(await lookup.load_key(SdkKey(STAGING, "unknown")), Denied)
    truth.is_down = True
    assert isinstance(await lookup.load_key(SdkKey(STAGING, "unknown")), NotReady)


async def test_a_replica_that_is_away_is_left_alone_for_a_while(autojump_clock):
    replica, truth = known_world(feature()), known_world(feature(value_version=2))
    lookup = replicated(replica, truth, rest_seconds=5.0)
    replica.is_down = True
    assert version(await lookup.load_key(KEY)) == 2
    replica.is_down = False
    autojump_clock.jump(4.9)
    assert version(await lookup.load_key(KEY)) == 2
    autojump_clock.jump(0.2)
    assert version(await lookup.load_key(KEY)) == 1


@pytest.mark.parametrize("replica_is_away", [False, True])
async def test_with_the_truth_away_only_a_grant_of_the_replica_is_an_answer(replica_is_away):
    replica, truth = known_world(feature()), FakeSource()
    truth.is_down = True
    replica.is_down = replica_is_away
    answer = await replicated(replica, truth).load_key(KEY)
    assert isinstance(answer, NotReady if replica_is_away else Granted)
