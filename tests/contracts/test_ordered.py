from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from fh.contracts.ordered import find_feature, is_at, place, sort_key
from fh.contracts.published import CacheEnvironmentFeature, CacheFeature
from fh.model.feature_type import FeatureType
from fh.model.ids import FeatureId


def feature(number: int) -> CacheEnvironmentFeature:
    identity = FeatureId(UUID(int=number))
    return CacheEnvironmentFeature(CacheFeature(identity, "key", FeatureType.BOOLEAN, 1))


numbers = st.integers(0, (1 << 128) - 1)


@given(st.sets(numbers, max_size=20), numbers)
def test_each_feature_is_found_and_no_other(present: set[int], absent: int) -> None:
    features = sorted(map(feature, present), key=sort_key)
    for each in features:
        assert find_feature(features, each.feature.id) is each
    stranger = feature(absent)
    if absent not in present:
        assert find_feature(features, stranger.feature.id) is None
        at = place(features, stranger.feature.id)
        assert not is_at(features, at, stranger.feature.id)
        assert sorted([*features, stranger], key=sort_key).index(stranger) == at
