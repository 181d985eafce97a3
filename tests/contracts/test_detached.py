import gc
import tracemalloc
from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec.structs import replace

from fh.contracts.detached import detached
from fh.contracts.event_log import FEATURE_VALUES, decode_event
from fh.contracts.published import (
    CacheEnvironment,
    CacheEnvironmentFeature,
    PublishAction,
    PublishEnvironment,
    PublishFeatureValue,
    PublishFeatureValues,
    PublishServiceAccount,
    encode_published,
)
from tests.contracts.published_events import FEATURE

FILLER = "x" * 100_000


def feature(key="title", *, value_key="title"):
    return CacheEnvironmentFeature(
        replace(FEATURE.feature, id=uuid4(), key=key),
        replace(FEATURE.value, id=uuid4(), key=value_key),
        {"filler": FILLER},
    )


def environment(*features):
    return PublishEnvironment(
        CacheEnvironment(uuid4(), 1),
        *(uuid4() for _ in range(3)),
        action=PublishAction.UPDATE,
        features=features,
    )


def decoded(event):
    return msgspec.json.decode(encode_published(event), type=type(event))


@pytest.mark.parametrize(
    "event",
    [
        environment(
            feature(), feature("new", value_key="old"), CacheEnvironmentFeature(feature().feature)
        ),
        PublishFeatureValues((PublishFeatureValue(PublishAction.CREATE, uuid4(), feature()),)),
        PublishServiceAccount(PublishAction.EMPTY),
    ],
)
def test_what_is_detached_is_equal(event):
    assert detached(decoded(event)) == event
    assert encode_published(detached(decoded(event))) == encode_published(event)


def test_what_is_alike_is_there_once():
    [one, other] = detached(decoded(environment(feature(), feature()))).features
    assert one.value.key is one.feature.key
    assert one.value.person_id is other.value.person_id
    assert one.value.person_id == FEATURE.value.person_id


def test_environments_share_a_feature():
    first = environment(feature())
    again = replace(first, environment=CacheEnvironment(uuid4(), 1))
    [[one], [other]] = [detached(decoded(each)).features for each in (first, again)]
    assert one.feature is other.feature
    newer = replace(first.features[0].feature, version=3)
    changed = environment(CacheEnvironmentFeature(newer, first.features[0].value))
    assert detached(decoded(changed)).features[0].feature == newer


def test_a_kept_value_does_not_keep_its_message():
    """The message is 100 kB, all of it in a member that is thrown away."""

    def kept():
        event = PublishFeatureValues(
            (PublishFeatureValue(PublishAction.UPDATE, UUID(int=1), feature()),)
        )
        value = decode_event(FEATURE_VALUES, encode_published(event)).features[0].feature.value
        return value.value, value.rollout_strategies

    kept()
    tracemalloc.start()
    try:
        values = [kept() for _ in range(10)]
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(values) == 10
    assert size < len(FILLER)
